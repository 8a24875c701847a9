//! What an attempt turned out to be, without opinion. Exactly one event per attempt.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::coordinator::InternalPartition;
use crate::diagnosis::recording::event::EventFields;
use crate::fault::Fault;
use crate::ids::{Broker, Series};
use crate::time::{Time, nanoseconds};

/// Deadline and threshold of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Time after which the attempt resolves as timed out at the latest.
    #[serde(with = "nanoseconds")]
    pub deadline: Duration,
    /// A success that takes this long or longer is `slow`.
    #[serde(with = "nanoseconds")]
    pub threshold: Duration,
}

/// One resolved attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "EventFields", into = "EventFields")]
pub struct Event {
    /// Where it is counted.
    pub series: Series,
    /// The broker that was asked; in the client view the preferred leader of the partition.
    pub broker: Broker,
    /// The partition of an internal topic that a coordinator was asked about, once the attempt had chosen it.
    pub internal_partition: Option<InternalPartition>,
    /// The limits it ran under.
    pub limits: Limits,
    /// When it was due.
    pub due: Time,
    /// When its bytes went to the client; `None` if they never did.
    pub sent: Option<Time>,
    /// When it resolved.
    pub ended: Time,
    /// How it ended, before it is judged.
    pub raw_outcome: RawOutcome,
    /// Time that the prober itself was stalled during it; filled in when it settles.
    pub stalled: Duration,
}

impl Event {
    /// Due → sent: the prober's own lag.
    pub fn lag(&self) -> Duration {
        self.sent.map_or(Duration::ZERO, |sent| sent.since(self.due))
    }
}

/// How an attempt ended, before it is judged against a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RawOutcome {
    /// It succeeded, with this latency.
    Success(#[serde(with = "nanoseconds")] Duration),
    /// It was refused, or could not be made.
    Failed(Fault),
    /// No response by the deadline.
    TimedOut,
    /// No response by the deadline from a client that retries, while the leader itself reported that it refuses every such record
    /// with this fault.
    RefusedUntilDeadline(Fault),
    /// Acked, and confirmed to be missing from the log.
    Lost,
    /// Wrong bytes at an acked offset.
    Corrupt,
    /// The prober cannot vouch for it.
    Void(VoidReason),
    /// Due, but never sent.
    Missed,
}

/// Why the prober cannot vouch for an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoidReason {
    /// The prober stalled for long enough to have changed the answer.
    Stall,
    /// The process is shutting down.
    Shutdown,
    /// The reader had no position when the record was sent.
    NoPosition,
    /// The topic was deleted and created again.
    TopicRecreated,
    /// The reader's position was reset past it.
    ReaderReset,
    /// An input was dropped on a full queue and may have contained the response.
    InputDropped,
    /// The target is not probed any more.
    TargetRemoved,
    /// The prober was short of a resource: send queue, file descriptors, ports.
    ProberFault,
}

impl VoidReason {
    /// Every reason, in the order that [`VoidReason::index`] numbers them.
    pub const ALL: [VoidReason; 8] = [
        VoidReason::Stall,
        VoidReason::Shutdown,
        VoidReason::NoPosition,
        VoidReason::TopicRecreated,
        VoidReason::ReaderReset,
        VoidReason::InputDropped,
        VoidReason::TargetRemoved,
        VoidReason::ProberFault,
    ];

    /// Its place in [`VoidReason::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            VoidReason::Stall => "stall",
            VoidReason::Shutdown => "shutdown",
            VoidReason::NoPosition => "no_position",
            VoidReason::TopicRecreated => "topic_recreated",
            VoidReason::ReaderReset => "reader_reset",
            VoidReason::InputDropped => "input_dropped",
            VoidReason::TargetRemoved => "target_removed",
            VoidReason::ProberFault => "prober_fault",
        }
    }
}

/// What an event is counted as: a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Within the threshold.
    Good,
    /// Succeeded, above the threshold.
    Slow,
    /// Refused.
    Error,
    /// No response by the deadline.
    Timeout,
    /// Acked, and missing from the log.
    Lost,
    /// Wrong bytes at an acked offset.
    Corrupt,
    /// Bad inside a planned window; broker view only.
    Planned,
    /// The prober cannot vouch for it.
    Void,
    /// Due but never sent.
    Missed,
}

impl Outcome {
    /// Every outcome, in the order that [`Outcome::index`] numbers them.
    pub const ALL: [Outcome; 9] = [
        Outcome::Good,
        Outcome::Slow,
        Outcome::Error,
        Outcome::Timeout,
        Outcome::Lost,
        Outcome::Corrupt,
        Outcome::Planned,
        Outcome::Void,
        Outcome::Missed,
    ];

    /// Its place in [`Outcome::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Good => "good",
            Outcome::Slow => "slow",
            Outcome::Error => "error",
            Outcome::Timeout => "timeout",
            Outcome::Lost => "lost",
            Outcome::Corrupt => "corrupt",
            Outcome::Planned => "planned",
            Outcome::Void => "void",
            Outcome::Missed => "missed",
        }
    }
}

/// An anomaly of a record, counted apart from availability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Anomaly {
    /// Acked, passed by the reader without being read, and absent when the offset was read again.
    Lost,
    /// Read at a second offset.
    Duplicate,
    /// Read after a record with a higher sequence.
    Reordered,
    /// Wrong bytes at an acked offset.
    Corrupt,
    /// Read after its attempt was over.
    Late,
    /// Not in our format.
    Foreign,
    /// Read back although it was never acked.
    UnackedButSeen,
}

impl Anomaly {
    /// Every anomaly, in the order that [`Anomaly::index`] numbers them.
    pub const ALL: [Anomaly; 7] = [
        Anomaly::Lost,
        Anomaly::Duplicate,
        Anomaly::Reordered,
        Anomaly::Corrupt,
        Anomaly::Late,
        Anomaly::Foreign,
        Anomaly::UnackedButSeen,
    ];

    /// Its place in [`Anomaly::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Anomaly::Lost => "lost",
            Anomaly::Duplicate => "duplicate",
            Anomaly::Reordered => "reordered",
            Anomaly::Corrupt => "corrupt",
            Anomaly::Late => "late",
            Anomaly::Foreign => "foreign",
            Anomaly::UnackedButSeen => "unacked_but_seen",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_of_each_variant_is_its_place_in_all() {
        assert!(Outcome::ALL.iter().enumerate().all(|(at, outcome)| outcome.index() == at));
        assert!(VoidReason::ALL.iter().enumerate().all(|(at, reason)| reason.index() == at));
        assert!(Anomaly::ALL.iter().enumerate().all(|(at, anomaly)| anomaly.index() == at));
    }
}
