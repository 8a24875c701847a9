//! What the harness did in a recorded incident, and what the prober had to find: `NAME.json`, as `script/incidents --record` writes
//! it. Times are milliseconds of the recorded prober's clock.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::replayed::ActiveFinding;

/// A recorded incident.
#[derive(Debug, Deserialize)]
pub(super) struct RecordedIncident {
    #[serde(rename = "incident")]
    pub(super) name: String,
    /// From when on the findings were watched.
    pub(super) watched: u64,
    /// The start of each fault.
    pub(super) faults: Vec<u64>,
    /// When the harness began to undo them.
    pub(super) undo: u64,
    /// When they were undone.
    pub(super) healed: u64,
    pub(super) expected: Vec<ExpectedFinding>,
    /// Time after `healed` within which every finding has ended.
    pub(super) cleared_within: u64,
    /// Whether nothing may begin after `undo`.
    pub(super) none_begins_after_undo: bool,
    pub(super) others: Others,
}

/// One of the findings that had to be found.
#[derive(Debug, Deserialize)]
pub(super) struct ExpectedFinding {
    /// It has one of these kinds.
    kinds: Vec<String>,
    /// The broker that it has to name, if it has to name one.
    broker: Option<i32>,
    /// The brokers that it has to be about together, in order.
    members: Vec<i32>,
    /// The place of its fault among the faults.
    pub(super) fault: usize,
    /// Time after its fault within which it has to begin, if it has to within one.
    pub(super) within: Option<u64>,
    pub(super) is_required: bool,
    pub(super) lasting: Lasting,
}

/// How long it has to be active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Lasting {
    /// It only has to begin.
    Begins,
    /// Until the faults are undone, without a gap.
    UntilUndone,
    /// It has begun three times when the faults are undone.
    Recurs,
}

/// The other findings that are allowed.
#[derive(Debug, Deserialize)]
pub(super) struct Others {
    /// They may name these brokers.
    brokers: Vec<i32>,
    /// Those that name none may be of these kinds; `None`: of any.
    kinds: Option<Vec<String>>,
}

impl RecordedIncident {
    #[track_caller]
    pub(super) fn read(path: &Path) -> RecordedIncident {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Whether it is one of the expected findings.
    pub(super) fn expects(&self, finding: &ActiveFinding) -> bool {
        self.expected.iter().any(|expected| expected.matches(finding))
    }

    /// Whether a finding blames something healthy.
    pub(super) fn is_false(&self, finding: &ActiveFinding) -> bool {
        let is_other_allowed = match (finding.broker, &self.others.kinds) {
            (Some(broker), _) => self.others.brokers.contains(&broker),
            (None, Some(kinds)) => kinds.iter().any(|kind| kind == finding.kind),
            (None, None) => true,
        };
        !self.expects(finding) && !is_other_allowed
    }
}

impl ExpectedFinding {
    pub(super) fn matches(&self, finding: &ActiveFinding) -> bool {
        let is_about = self.members.is_empty() || self.members == finding.members;
        finding.broker == self.broker && is_about && self.kinds.iter().any(|kind| kind == finding.kind)
    }
}

impl std::fmt::Display for ExpectedFinding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of broker {:?} {:?}", self.kinds.join(" or "), self.broker, self.members)
    }
}
