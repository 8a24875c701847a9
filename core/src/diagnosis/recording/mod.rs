//! A recording: what the diagnosis of one cluster took in, and when it was evaluated, so that its findings can be found again.
//!
//! A [`Header`], then one [`Line`] for each input and each evaluation, in the order in which they happened. The text form, one
//! JSON document a line, is the program's (`src/recording`); the fields are named here and where the inputs are. A field may be
//! added in a minor [`Version`] and is ignored by an older prober; whatever else changes is a new major version.
//!
//! | module | holds |
//! | --- | --- |
//! | [`event`] | the fields of an event |
//! | [`latest`] | the newest state among the inputs, with which a recording begins that does not go back to the start |
//! | [`replay`] | judge, ledger and diagnosis over a recording |
//! | [`timeline`] | when each finding began and ended |

pub mod event;
pub mod latest;
pub mod replay;
pub mod timeline;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::finding::Finding;
use crate::ids::VantageHash;
use crate::objective::Objective;
use crate::time::{Time, WallTime};

use super::evidence::Settings;
use super::input::Input;

/// Version of the format of recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Another major version cannot be read.
    pub major: u32,
    /// A higher minor version may have fields and inputs that this prober does not know.
    pub minor: u32,
}

impl Version {
    /// The version that this prober writes.
    pub const CURRENT: Version = Version { major: 1, minor: 0 };
}

/// The first line of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the format.
    pub format: Version,
    /// Version of the prober that has recorded.
    pub prober: String,
    /// The vantage of the prober, as in its records.
    pub vantage: VantageHash,
    /// Wall time at which the prober's clock began: the wall time of a line is this plus its `at`.
    pub origin: WallTime,
    /// Whether the recording goes back to the start of the prober. Otherwise what was known before it is unknown to a replay, except for
    /// the state that its first inputs repeat.
    pub is_complete: bool,
    /// Settings of the diagnosis, and the cluster.
    pub settings: Settings,
    /// Objectives that events were judged by.
    pub objectives: Vec<Objective>,
}

impl Header {
    /// The wall time of a time on the recorded prober's clock.
    pub fn wall(&self, at: Time) -> WallTime {
        WallTime(self.origin.0.saturating_add(i64::try_from(at.as_nanos()).unwrap_or(i64::MAX)))
    }
}

/// One line after the header.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// When it happened.
    pub at: Time,
    /// What happened.
    pub entry: Entry,
}

/// What one line records.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// The diagnosis took in an input.
    Input(Input),
    /// The diagnosis was evaluated.
    Evaluation {
        /// The active findings, if [`are_changed`] since the evaluation before; always at the first one.
        findings: Option<Vec<Finding>>,
    },
}

/// Whether the findings of an evaluation are to be recorded, because others were active at the evaluation before. A sentence that
/// only counts on, such as the length of an outage, is no change.
pub fn are_changed(before: &[Finding], now: &[Finding]) -> bool {
    let is_same = |(one, other): (&Finding, &Finding)| {
        let of = |finding: &Finding| (finding.kind, finding.broker, finding.blame, finding.since, finding.confidence);
        of(one) == of(other)
            && one.members == other.members
            && one.consequences == other.consequences
            && one.recurrence == other.recurrence
    };
    before.len() != now.len() || !before.iter().zip(now).all(is_same)
}
