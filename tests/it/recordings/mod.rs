//! The recordings of real incidents (`tests/recordings/`), replayed: what was promised when they were recorded holds for the
//! diagnosis of today.
//!
//! | file | what |
//! | --- | --- |
//! | [`expectation`] | what the harness did, and what had to be found: `NAME.json` |
//! | [`replayed`] | which findings were active when, by a replay of `NAME.jsonl.gz` |
//! | [`compare`] | where the two differ |
//! | [`confidence`] | how often findings of each confidence are right |
//! | [`older_formats`] | recordings of earlier versions of the format |

mod compare;
mod confidence;
mod expectation;
mod older_formats;
mod replayed;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;

use expectation::RecordedIncident;
use replayed::ReplayedFindings;

/// All recordings together, so that a clone of the repository stays small.
const BYTES_MAX: u64 = 12 << 20;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings")
}

/// Every recorded incident with its replay. They are replayed once for all tests.
fn all() -> &'static [(RecordedIncident, ReplayedFindings)] {
    static ALL: OnceLock<Vec<(RecordedIncident, ReplayedFindings)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let files = fs::read_dir(folder()).expect("the folder is there").map(|entry| entry.expect("an entry").path());
        let mut names: Vec<PathBuf> =
            files.filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect();
        names.sort();
        let replay = |path: &PathBuf| {
            let incident = RecordedIncident::read(path);
            let recording = path.with_extension("jsonl.gz");
            let replayed = ReplayedFindings::of(&recording);
            (incident, replayed)
        };
        let halves = names.chunks(names.len().div_ceil(2).max(1));
        thread::scope(|scope| {
            let threads: Vec<_> =
                halves.map(|half| scope.spawn(move || half.iter().map(replay).collect::<Vec<_>>())).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("every recording is replayed")).collect()
        })
    })
}

#[test]
fn every_recorded_incident_is_reported_as_promised() {
    assert!(!all().is_empty(), "there are recordings");
    let violations: Vec<(&str, Vec<String>)> = all()
        .iter()
        .map(|(incident, replayed)| (incident.name.as_str(), compare::violations(incident, replayed)))
        .filter(|(_, violations)| !violations.is_empty())
        .collect();
    assert!(violations.is_empty(), "{violations:#?}");
}

#[test]
fn every_recording_has_its_expectation_and_all_are_small() {
    let files: Vec<PathBuf> =
        fs::read_dir(folder()).expect("the folder is there").map(|entry| entry.expect("an entry").path()).collect();
    for path in files.iter().filter(|path| path.is_file()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = name.strip_suffix(".jsonl.gz").or(name.strip_suffix(".json"));
        let stem = stem.unwrap_or_else(|| panic!("{name} is neither a recording nor an expectation"));
        for ending in [".jsonl.gz", ".json"] {
            assert!(path.with_file_name(format!("{stem}{ending}")).is_file(), "{stem}{ending} is missing");
        }
    }
    let bytes: u64 = files.iter().filter_map(|path| path.metadata().ok()).map(|data| data.len()).sum();
    assert!(bytes <= BYTES_MAX, "{bytes} bytes");
}
