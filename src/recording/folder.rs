//! `[recorder]`: seals one recording into a folder some time after a finding has begun, and keeps number and size of the files in
//! bounds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use prober_core::finding::{Finding, FindingKind};
use prober_core::ids::{BrokerId, ClusterName};
use prober_core::snapshot::Snapshot;
use prober_core::time::{Time, WallTime};
use tokio::sync::watch;

use super::{file, time};
use crate::engine::{Inputs, Recording};

/// How the name of every recording ends.
const ENDING: &str = ".jsonl.gz";

/// The folder and its bounds.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Its path.
    pub path: PathBuf,
    /// Time from the beginning of a finding until a recording is sealed, so that it also has what followed. Findings that begin
    /// meanwhile are in the same file.
    pub seal_after: Duration,
    /// Recordings that are kept; the oldest go first.
    pub files: usize,
    /// Bytes that they may have together. The newest is kept in any case.
    pub bytes: u64,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("recorder.folder: cannot write into {}: {error}; name a folder that this user may write to, or \"\" for none", .path.display())]
pub struct FolderError {
    path: PathBuf,
    error: io::Error,
}

impl Folder {
    /// Makes the folder, and checks that it can be written to.
    ///
    /// # Errors
    /// One sentence.
    pub fn prepare(&self) -> Result<(), FolderError> {
        let trial = self.path.join(format!(".kafka-prober-{}", std::process::id()));
        let written =
            fs::create_dir_all(&self.path).and_then(|()| File::create(&trial)).and_then(|_| fs::remove_file(&trial));
        written.map_err(|error| FolderError { path: self.path.clone(), error })
    }

    /// Writes a recording under a name of its own, then drops the oldest ones beyond the bounds.
    fn seal(&self, recording: &Recording, about: &Sealing) -> io::Result<PathBuf> {
        let header = recording.header();
        let name = name(&header.settings.cluster, header.wall(about.since), about);
        let unfinished = self.path.join(format!(".{name}"));
        let sealed = self.path.join(name);
        let written = BufWriter::new(File::create(&unfinished)?);
        file::write(recording, written)?;
        fs::rename(&unfinished, &sealed)?;
        self.prune()?;
        Ok(sealed)
    }

    fn prune(&self) -> io::Result<()> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let data = entry.metadata()?;
            if data.is_file() && is_recording(&entry.file_name().to_string_lossy()) {
                kept.push((data.modified().unwrap_or(SystemTime::UNIX_EPOCH), entry.path(), data.len()));
            }
        }
        kept.sort();
        let mut bytes: u64 = kept.iter().map(|(_, _, length)| length).sum();
        let mut files = kept.len();
        for (_, path, length) in kept {
            let is_within = files <= self.files && bytes <= self.bytes;
            if is_within || files == 1 {
                break;
            }
            fs::remove_file(path)?;
            files -= 1;
            bytes -= length;
        }
        Ok(())
    }
}

/// `CLUSTER-TIME-KIND[-BROKER].jsonl.gz`.
fn name(cluster: &ClusterName, began: WallTime, about: &Sealing) -> String {
    let broker = about.broker.map(|id| format!("-{id}")).unwrap_or_default();
    format!("{cluster}-{}-{}{broker}{ENDING}", time::compact(began), about.kind.as_str())
}

/// Whether a file in the folder was written here: others are never deleted.
fn is_recording(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(ENDING).filter(|_| !name.starts_with('.')) else { return false };
    let is_kind = |text: &str| FindingKind::ALL.iter().any(|kind| kind.as_str() == text);
    stem.split('-').any(time::is_compact) && stem.split('-').any(is_kind)
}

/// A recording that is to be sealed: which finding it is about, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sealing {
    kind: FindingKind,
    broker: Option<BrokerId>,
    since: Time,
    at: Time,
}

/// Notices findings that begin.
#[derive(Debug)]
struct Beginnings {
    seal_after: Duration,
    active: BTreeSet<(ClusterName, FindingKind, Option<BrokerId>)>,
    waiting: BTreeMap<ClusterName, Sealing>,
}

impl Beginnings {
    fn new(seal_after: Duration) -> Beginnings {
        Beginnings { seal_after, active: BTreeSet::new(), waiting: BTreeMap::new() }
    }

    /// Takes in the active findings; returns the recordings that are to be sealed now.
    fn follow(&mut self, findings: &[Finding], now: Time) -> Vec<(ClusterName, Sealing)> {
        let key = |finding: &Finding| (finding.cluster.clone(), finding.kind, finding.broker);
        for finding in findings.iter().filter(|finding| !self.active.contains(&key(finding))) {
            let (kind, broker, since) = (finding.kind, finding.broker, finding.since);
            let sealing = Sealing { kind, broker, since, at: now + self.seal_after };
            self.waiting.entry(finding.cluster.clone()).or_insert(sealing);
        }
        self.active = findings.iter().map(key).collect();
        let due: Vec<_> = self
            .waiting
            .iter()
            .filter(|(_, sealing)| sealing.at <= now)
            .map(|(cluster, sealing)| (cluster.clone(), *sealing))
            .collect();
        due.iter().for_each(|(cluster, _)| _ = self.waiting.remove(cluster));
        due
    }
}

/// Seals recordings for as long as the engine runs.
pub async fn run(folder: Folder, inputs: Inputs, mut snapshots: watch::Receiver<Arc<Snapshot>>) {
    let mut beginnings = Beginnings::new(folder.seal_after);
    while snapshots.changed().await.is_ok() {
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        for (cluster, about) in beginnings.follow(&snapshot.findings, snapshot.at) {
            let Some(recording) = inputs.recording(cluster).await else { continue };
            let folder = folder.clone();
            let sealed = tokio::task::spawn_blocking(move || folder.seal(&recording, &about));
            match sealed.await {
                Ok(Ok(path)) => tracing::info!(file = %path.display(), "recording sealed"),
                Ok(Err(error)) => tracing::warn!("no recording was sealed: {error}"),
                Err(error) => tracing::warn!("no recording was sealed: {error}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use prober_core::fault::Blame;
    use prober_core::finding::Confidence;

    use super::*;

    fn finding(broker: i32, since: u64) -> Finding {
        Finding {
            kind: FindingKind::BrokerFrozen,
            cluster: ClusterName::new("a-b"),
            broker: Some(BrokerId(broker)),
            blame: Blame::Cluster,
            since: at(since),
            confidence: Confidence::Certain,
            summary: "it is so".into(),
            evidence: Vec::new(),
            runner_up: None,
            members: Vec::new(),
            consequences: Vec::new(),
            recurrence: None,
        }
    }

    fn at(second: u64) -> Time {
        Time::from_millis(1000 * second)
    }

    fn of(path: PathBuf) -> Folder {
        Folder { path, seal_after: Duration::from_secs(1), files: 1, bytes: 1 }
    }

    #[test]
    fn recording_is_sealed_once_some_time_after_a_finding_began() {
        let mut beginnings = Beginnings::new(Duration::from_secs(30));
        let mut sealed = |findings: &[Finding], second| {
            beginnings.follow(findings, at(second)).into_iter().map(|(_, sealing)| sealing.broker).collect::<Vec<_>>()
        };
        assert_eq!(sealed(&[finding(1, 9)], 10), []);
        assert_eq!(sealed(&[finding(1, 9), finding(2, 20)], 21), [], "a second one, for the same file");
        assert_eq!(sealed(&[finding(1, 9), finding(2, 20)], 40), [Some(BrokerId(1))]);
        assert_eq!(sealed(&[finding(1, 9), finding(2, 20)], 90), [], "once");
        assert_eq!(sealed(&[], 100), []);
        assert_eq!(sealed(&[finding(2, 101)], 102), []);
        assert_eq!(sealed(&[], 132), [Some(BrokerId(2))], "although it has ended");
    }

    #[test]
    fn name_says_cluster_time_and_finding() {
        let about = Sealing { kind: FindingKind::BrokerFrozen, broker: Some(BrokerId(2)), since: at(1), at: at(2) };
        let name = name(&ClusterName::new("a-b"), WallTime(1_772_366_400_000_000_000), &about);
        assert_eq!(name, "a-b-20260301T120000Z-broker_frozen-2.jsonl.gz");
        assert!(is_recording(&name));
        for other in
            ["notes.jsonl.gz", ".a-20260301T120000Z-broker_frozen.jsonl.gz", "a-20260301T120000Z-broker_frozen.txt"]
        {
            assert!(!is_recording(other), "{other}");
        }
    }

    #[test]
    fn oldest_recordings_go_first_and_other_files_stay() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        let names: Vec<String> =
            (1..=4).map(|second| format!("c-20260301T12000{second}Z-broker_down-1.jsonl.gz")).collect();
        for (age, name) in names.iter().rev().enumerate() {
            fs::write(path(name), [0; 100]).expect("it is ours");
            let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1000 - age as u64);
            File::options()
                .write(true)
                .open(path(name))
                .and_then(|file| file.set_modified(modified))
                .expect("it is ours");
        }
        fs::write(path("notes.txt"), [0; 1000]).expect("it is ours");
        let left = |files, bytes| {
            Folder { files, bytes, ..of(folder.path().to_owned()) }.prune().expect("it is ours");
            names.iter().filter(|name| path(name).exists()).count()
        };
        assert_eq!(left(10, 1000), 4);
        assert_eq!(left(3, 1000), 3);
        assert_eq!(left(3, 250), 2);
        assert!(path(&names[3]).exists() && !path(&names[0]).exists());
        assert_eq!(left(3, 1), 1, "the newest is kept");
        assert!(path("notes.txt").exists());
    }

    #[test]
    fn folder_that_cannot_be_written_to_is_one_sentence() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("it is ours");
        let error = of(file.join("below")).prepare().expect_err("it is a file");
        let text = error.to_string();
        assert!(text.starts_with("recorder.folder: cannot write into ") && text.contains("; name a folder"), "{text}");
        of(folder.path().join("new/below")).prepare().expect("it can be made");
    }
}
