//! Keeps what the prober recorded of an incident: `NAME.jsonl.gz`, with `NAME.json` beside it, which says what the harness did and
//! what the prober had to find. `tests/it/recordings` replays and compares both.

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::incident::{Expect, Incident, Lasting};
use crate::report::{ABOUT_ITSELF, CLEARED_GOAL, Report, Times};
use crate::test_bed::TestBed;

/// The folder; nothing is recorded without it.
const FOLDER: &str = "KAFKA_PROBER_TEST_INCIDENTS_RECORD";

/// The folder that recordings are kept in, if they are. Then each incident has a prober of its own, so that each recording goes back
/// to the start of its prober.
pub(crate) fn folder() -> Option<PathBuf> {
    env::var_os(FOLDER).map(PathBuf::from)
}

/// Fetches the recording from the prober and keeps it. `watched` is from when on the findings were watched.
#[track_caller]
pub(crate) fn keep(
    folder: &Path,
    incident: &Incident,
    bed: &TestBed<'_>,
    report: &Report,
    times: &Times,
    watched: Instant,
) {
    let fetched = Instant::now();
    let page = bed.probing.prober.http_get("/api/v1/recording").filter(|page| page.status == 200);
    let recording = page.expect("the prober has recorded").body;
    let clock = RecordedClock::of(&recording, fetched);
    fs::create_dir_all(folder).expect("the folder can be made");
    let file = File::create(folder.join(format!("{}.jsonl.gz", incident.name))).expect("the folder is writable");
    let mut gzip = GzEncoder::new(file, Compression::best());
    gzip.write_all(recording.as_bytes()).and_then(|()| gzip.finish()).expect("the folder is writable");
    let expectation = format!("{:#}\n", expectation(incident, bed, report, times, &clock, watched));
    fs::write(folder.join(format!("{}.json", incident.name)), expectation).expect("the folder is writable");
}

/// Converts times of the harness into those of the recording. The last line was written when the recording was fetched, at most one
/// evaluation (100 ms) before it; wall clocks are not used, because some incidents set them.
struct RecordedClock {
    fetched: Instant,
    last: Duration,
}

impl RecordedClock {
    #[track_caller]
    fn of(recording: &str, fetched: Instant) -> RecordedClock {
        let last: Value = recording.lines().last().and_then(|line| serde_json::from_str(line).ok()).expect("lines");
        RecordedClock { fetched, last: Duration::from_nanos(last["at"].as_u64().expect("a line has a time")) }
    }

    /// Milliseconds since the start of the prober's clock; zero for what went before it.
    fn millis(&self, at: Instant) -> u64 {
        let since = self.last.saturating_sub(self.fetched.saturating_duration_since(at));
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

fn expectation(
    incident: &Incident,
    bed: &TestBed<'_>,
    report: &Report,
    times: &Times,
    clock: &RecordedClock,
    watched: Instant,
) -> Value {
    let of_prober = bed.cluster.faults().all().into_iter().filter(|fault| 0 < clock.millis(fault.at));
    let actions: Vec<Value> = of_prober
        .map(|fault| json!({"at": clock.millis(fault.at), "broker": fault.broker, "action": format!("{:?}", fault.action).to_lowercase()}))
        .collect();
    let expected: Vec<Value> = report.expectations.iter().map(|one| one.recorded()).collect();
    let slowest = report.expectations.iter().filter_map(|one| one.within()).max().unwrap_or_default();
    let (brokers, kinds) = match incident.expect {
        Expect::Victim { .. } => (report.victims.clone(), None),
        Expect::Cluster { .. } => (Vec::new(), None),
        Expect::Each { beside, .. } => (Vec::new(), Some(beside)),
        Expect::Nothing { .. } => (Vec::new(), Some(&[] as &[&str])),
        Expect::Prober { .. } => (Vec::new(), Some(&ABOUT_ITSELF[..])),
    };
    json!({
        "incident": incident.name,
        "description": incident.description,
        "times": "milliseconds of the recorded prober's clock",
        "watched": clock.millis(watched),
        "faults": times.faults.iter().map(|at| clock.millis(*at)).collect::<Vec<_>>(),
        "undo": clock.millis(times.undo),
        "healed": clock.millis(times.healed),
        "actions": actions,
        "expected": expected,
        "cleared_within": slowest.max(CLEARED_GOAL).as_millis() as u64,
        "none_begins_after_undo": matches!(incident.expect, Expect::Each { .. }),
        "others": {"brokers": brokers, "kinds": kinds},
        "live": {"as_promised": report.violations(1).is_empty(), "cleared": report.cleared.map(|took| took.as_millis() as u64)},
    })
}

/// How an expectation is written.
pub(crate) const fn lasting(lasting: Lasting) -> &'static str {
    match lasting {
        Lasting::Begins => "begins",
        Lasting::UntilUndone => "until_undone",
        Lasting::Recurs => "recurs",
    }
}
