//! Every scenario is recorded, written as text, read back and replayed: the findings have to be the same ones again.

use crate::diagnosis::evidence::Settings;
use crate::diagnosis::input::Input;
use crate::diagnosis::recording::replay::Replay;
use crate::diagnosis::recording::{Entry, Header, Line, Version, are_changed};
use crate::finding::Finding;
use crate::ids::VantageHash;
use crate::time::{Time, WallTime};

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
    let comparison = replay.end().comparison;
    assert_eq!(comparison.differing, 0, "{:#?}", comparison.first);
}
