//! Every scenario is recorded, written as text, read back and replayed: the findings have to be the same ones again.

use crate::diagnosis::evidence::Settings;
use crate::diagnosis::input::Input;
use crate::diagnosis::recording::latest::LatestInputs;
use crate::diagnosis::recording::replay::{Comparison, Replay, WARM_UP};
use crate::diagnosis::recording::{Entry, Header, Line, Version, are_changed};
use crate::finding::Finding;
use crate::ids::VantageHash;
use crate::time::{Time, WallTime};

use super::{STEP_MS, Scenario};

/// The recording of a scenario.
pub(super) struct Recorded {
    header: Header,
    lines: Vec<Line>,
    findings: Option<Vec<Finding>>,
}

impl Recorded {
    pub(super) fn of(settings: Settings) -> Recorded {
        let header = Header {
            format: Version::CURRENT,
            prober: "test".to_owned(),
            vantage: VantageHash(1),
            origin: WallTime(0),
            is_complete: true,
            settings,
            objectives: Vec::new(),
        };
        Recorded { header, lines: Vec::new(), findings: None }
    }

    pub(super) fn input(&mut self, now: u64, input: Input) {
        self.lines.push(Line { at: Time::from_millis(now), entry: Entry::Input(input) });
    }

    pub(super) fn evaluation(&mut self, now: u64, findings: &[Finding]) {
        let is_new = self.findings.as_ref().is_none_or(|before| are_changed(before, findings));
        let changed = is_new.then(|| findings.to_vec());
        self.findings = changed.clone().or(self.findings.take());
        self.lines.push(Line { at: Time::from_millis(now), entry: Entry::Evaluation { findings: changed } });
    }
}

/// Replays a recording after it was written and read.
#[track_caller]
pub(super) fn assert_replayed(recorded: &Recorded) {
    let comparison = replayed(recorded);
    assert_eq!(comparison.differing, 0, "{:#?}", comparison.first);
}

fn replayed(recorded: &Recorded) -> Comparison {
    let mut replay = Replay::new(&recorded.header, None);
    for Line { at, entry } in &recorded.lines {
        let entry = match entry {
            Entry::Input(input) => {
                let text = serde_json::to_string(input).expect("an input can be written");
                Entry::Input(serde_json::from_str(&text).expect("and read"))
            }
            Entry::Evaluation { findings } => {
                let text = serde_json::to_string(findings).expect("findings can be written");
                Entry::Evaluation { findings: serde_json::from_str(&text).expect("and read") }
            }
        };
        replay.take(Line { at: *at, entry });
    }
    replay.end().comparison
}

/// What a recorder has left of it that has dropped everything before `from`.
fn without_beginning(recorded: &Recorded, from: u64) -> Recorded {
    let from = Time::from_millis(from);
    let (mut latest, mut findings) = (LatestInputs::default(), Vec::new());
    let mut left = Recorded {
        header: Header { is_complete: false, ..recorded.header.clone() },
        lines: Vec::new(),
        findings: None,
    };
    for line in &recorded.lines {
        if let (true, Entry::Input(input)) = (line.at < from, &line.entry) {
            latest.take(input);
        }
        if let Entry::Evaluation { findings: Some(changed) } = &line.entry {
            findings.clone_from(changed);
        }
        if line.at < from {
            continue;
        }
        if left.lines.is_empty() {
            left.lines.extend(latest.inputs().map(|input| Line { at: from, entry: Entry::Input(input.clone()) }));
        }
        let is_first = !left.lines.iter().any(|line| matches!(line.entry, Entry::Evaluation { .. }));
        let entry = match &line.entry {
            Entry::Evaluation { .. } if is_first => Entry::Evaluation { findings: Some(findings.clone()) },
            other => other.clone(),
        };
        left.lines.push(Line { at: line.at, entry });
    }
    left
}

/// Whatever went before its beginning, and wherever that is: one minute later the same findings begin.
#[test]
fn recording_without_its_beginning_has_the_same_findings_after_a_minute() {
    let scenarios = [
        "brokers 3\n lasts 240\n at 170 freeze 2\n at 200 thaw 2",
        "brokers 3\n lasts 240\n at 20 kill 3\n at 170 freeze 2",
        "brokers 3\n lasts 240\n at 30 freeze 1\n at 80 thaw 1\n at 160 kill 2\n at 180 start 2",
        "brokers 5\n lasts 240\n at 170 slow 2",
        "brokers 3\n lasts 240\n at 170 lossy 1\n at 215 well 1",
        "brokers 3\n lasts 240\n at 170 storage 3",
        "brokers 3\n lasts 240\n at 60 freeze all\n at 75 thaw all\n at 190 drop 2",
    ];
    for text in scenarios {
        let recorded = Scenario::of(text).live().1;
        let later = recorded.lines.iter().filter(|line| Time::from_millis(160_000) <= line.at);
        let has_findings =
            |line: &Line| matches!(&line.entry, Entry::Evaluation { findings: Some(found) } if !found.is_empty());
        assert!(later.into_iter().any(has_findings), "{text} finds nothing");
        for from in [45_000, 100_000] {
            let comparison = replayed(&without_beginning(&recorded, from));
            let expected = (240_000 - from - u64::try_from(WARM_UP.as_millis()).expect("it is short")) / STEP_MS;
            assert!(comparison.compared.abs_diff(expected) < 3, "{text} from {from}: {}", comparison.compared);
            assert_eq!(comparison.differing, 0, "{text} from {from}: {:#?}", comparison.first);
        }
    }
}
