//! The parts of an observation. Each is asked for by itself, costs by itself and fails by itself: a permission that is
//! missing for one switches that one off, with a message, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use crate::time::Time;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// DescribeCluster: who is registered.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartState {
    /// Not asked yet.
    #[default]
    Pending,
    /// The newest question was answered.
    On,
    /// Switched off: not permitted, or not offered. It is asked again now and then, in case that changes.
    Off,
    /// The newest question was not answered.
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

/// Where a part stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartStatus {
    /// Whether it is answered.
    pub state: PartState,
    /// Why it is not, or not whole, in one sentence.
    pub message: Option<Arc<str>>,
    /// When it was last answered.
    pub last_answer: Option<Time>,
    /// What the newest answer cost: from question to the last answer added up, all requests of the round together.
    pub took: Duration,
    /// Requests of that round.
    pub requests: u64,
}

/// An answer may cost this share of the time: one part in a hundred.
const SHARE: u32 = 100;

/// A part that is not answered is asked less and less often, up to this many intervals apart.
const BACKOFF_MAX: u32 = 8;

/// When to ask next: never sooner than the interval, later if the answer was dear, and later still in trouble.
#[derive(Clone, Copy, Debug)]
pub struct Cadence {
    interval: Duration,
    backoff: u32,
}

impl Cadence {
    /// Every `interval` in quiet times.
    pub fn every(interval: Duration) -> Cadence {
        Cadence { interval, backoff: 1 }
    }

    /// How long to wait from the question on, given what the answer cost; `None` if there was none.
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
    fn dear_answer_stretches_the_interval_to_a_hundred_times_its_cost() {
        let mut cadence = Cadence::every(MINUTE);
        assert_eq!(cadence.next(Some(Duration::from_millis(10))), MINUTE);
        assert_eq!(cadence.next(Some(Duration::from_secs(3))), 5 * MINUTE);
        assert_eq!(cadence.next(Some(Duration::from_millis(10))), MINUTE);
    }

    #[test]
    fn trouble_never_makes_it_faster() {
        let mut cadence = Cadence::every(MINUTE);
        let waits: Vec<u32> = (0..6).map(|_| cadence.next(None).as_secs() as u32 / 60).collect();
        assert_eq!(waits, [1, 2, 4, 8, 8, 8]);
        assert_eq!(cadence.next(Some(Duration::ZERO)), MINUTE);
    }
}
