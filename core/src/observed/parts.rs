//! The parts of an observation. Each has its own requests, cost and failures: a missing permission switches off that part alone, with
//! a message.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::{Time, nanoseconds};

/// A part, by its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// DescribeCluster: registered brokers.
    Brokers,
    /// Metadata of all topics.
    Partitions,
    /// DescribeConfigs of the topics: `min.insync.replicas`.
    Configs,
    /// DescribeQuorum.
    Quorum,
    /// ListPartitionReassignments.
    Reassignments,
    /// DescribeLogDirs of each broker, and with the connection the versions that it offers.
    LogDirs,
}

impl Part {
    /// Every part.
    pub const ALL: [Part; 6] =
        [Part::Brokers, Part::Partitions, Part::Configs, Part::Quorum, Part::Reassignments, Part::LogDirs];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Part::Brokers => "brokers",
            Part::Partitions => "partitions",
            Part::Configs => "configs",
            Part::Quorum => "quorum",
            Part::Reassignments => "reassignments",
            Part::LogDirs => "log_dirs",
        }
    }
}

/// Whether a part is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartState {
    /// Not requested yet.
    #[default]
    Pending,
    /// The newest request was answered.
    On,
    /// Off: not permitted, or not supported. It is requested again now and then, in case that changes.
    Off,
    /// The newest request was not answered.
    Failing,
}

impl PartState {
    /// Every state.
    pub const ALL: [PartState; 4] = [PartState::Pending, PartState::On, PartState::Off, PartState::Failing];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            PartState::Pending => "pending",
            PartState::On => "on",
            PartState::Off => "off",
            PartState::Failing => "failing",
        }
    }
}

/// Status of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartStatus {
    /// Whether it is answered.
    pub state: PartState,
    /// One sentence: why it is not answered, or only in part.
    pub message: Option<Arc<str>>,
    /// When it was last answered.
    pub last_answer: Option<Time>,
    /// Duration of the newest round: from its first request to its last answer summed up.
    #[serde(with = "nanoseconds")]
    pub took: Duration,
    /// Requests of that round.
    pub requests: u64,
}

/// A part is requested so rarely that its rounds take at most one hundredth of the time.
const SHARE: u32 = 100;

/// Largest back-off of a part that is not answered, in intervals.
const BACKOFF_MAX: u32 = 8;

/// Time of the next request: never before the interval has passed, later after an expensive round, and with back-off after failures.
#[derive(Clone, Copy, Debug)]
pub struct Cadence {
    interval: Duration,
    backoff: u32,
}

impl Cadence {
    /// Every `interval` while rounds are cheap and answered.
    pub fn every(interval: Duration) -> Cadence {
        Cadence { interval, backoff: 1 }
    }

    /// Time from one request to the next, given the duration of the round; `None` if it was not answered.
    pub fn next(&mut self, cost: Option<Duration>) -> Duration {
        match cost {
            Some(cost) => {
                self.backoff = 1;
                self.interval.max(cost.saturating_mul(SHARE))
            }
            None => {
                let wait = self.interval.saturating_mul(self.backoff);
                self.backoff = (2 * self.backoff).min(BACKOFF_MAX);
                wait
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn expensive_round_stretches_the_interval_to_a_hundred_times_its_cost() {
        let mut cadence = Cadence::every(MINUTE);
        assert_eq!(cadence.next(Some(Duration::from_millis(10))), MINUTE);
        assert_eq!(cadence.next(Some(Duration::from_secs(3))), 5 * MINUTE);
        assert_eq!(cadence.next(Some(Duration::from_millis(10))), MINUTE);
    }

    #[test]
    fn failures_never_shorten_the_interval() {
        let mut cadence = Cadence::every(MINUTE);
        let waits: Vec<u32> = (0..6).map(|_| cadence.next(None).as_secs() as u32 / 60).collect();
        assert_eq!(waits, [1, 2, 4, 8, 8, 8]);
        assert_eq!(cadence.next(Some(Duration::ZERO)), MINUTE);
    }
}
