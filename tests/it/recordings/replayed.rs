//! Which findings a replay has when.

use std::path::Path;

use kafka_prober::recording::file::Reader;
use prober_core::diagnosis::recording::Entry;
use prober_core::diagnosis::recording::replay::Replay;
use prober_core::finding::{Confidence, Finding};
use prober_core::time::Time;

/// The findings of one recording.
#[derive(Debug)]
pub(super) struct ReplayedFindings {
    /// Every change of the active findings, oldest first.
    pub(super) changes: Vec<Change>,
    /// The time of the last line.
    pub(super) end: u64,
}

/// The findings that were active from one evaluation on.
#[derive(Debug, PartialEq)]
pub(super) struct Change {
    /// Milliseconds of the recorded prober's clock.
    pub(super) at: u64,
    pub(super) active: Vec<ActiveFinding>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ActiveFinding {
    pub(super) kind: &'static str,
    pub(super) broker: Option<i32>,
    /// In order.
    pub(super) members: Vec<i32>,
    pub(super) confidence: Confidence,
    /// How often it had begun within ten minutes.
    pub(super) episodes: usize,
    /// Whether it stands only because it recurs.
    pub(super) is_between: bool,
}

impl ReplayedFindings {
    #[track_caller]
    pub(super) fn of(recording: &Path) -> ReplayedFindings {
        let mut reader = Reader::open(recording).unwrap_or_else(|error| panic!("{error}"));
        assert!(reader.header().is_complete, "{}: it goes back to the start of its prober", recording.display());
        let mut replay = Replay::new(reader.header(), None);
        let mut changes: Vec<Change> = Vec::new();
        let mut end = Time::ORIGIN;
        while let Some(line) = reader.next_line().unwrap_or_else(|error| panic!("{error}")) {
            end = line.at;
            let is_evaluation = matches!(line.entry, Entry::Evaluation { .. });
            replay.take(line);
            if !is_evaluation {
                continue;
            }
            let active: Vec<ActiveFinding> = replay.findings().iter().map(ActiveFinding::of).collect();
            if changes.last().is_none_or(|last| last.active != active) {
                changes.push(Change { at: millis(end), active });
            }
        }
        ReplayedFindings { changes, end: millis(end) }
    }
}

impl ActiveFinding {
    fn of(finding: &Finding) -> ActiveFinding {
        let mut members: Vec<i32> = finding.members.iter().map(|id| id.0).collect();
        members.sort_unstable();
        ActiveFinding {
            kind: finding.kind.as_str(),
            broker: finding.broker.map(|id| id.0),
            members,
            confidence: finding.confidence,
            episodes: finding.recurrence.as_ref().map_or(1, |recurrence| recurrence.count),
            is_between: finding.recurrence.as_ref().is_some_and(|recurrence| recurrence.is_between),
        }
    }
}

fn millis(at: Time) -> u64 {
    u64::try_from(at.since(Time::ORIGIN).as_millis()).unwrap_or(u64::MAX)
}
