//! The port of a lane: records go into a monitor topic and come back as inputs of the engine.

use std::sync::Arc;

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Partition, Sequence};
use prober_core::snapshot::LaneState;
use prober_core::time::{Time, WallTime};
use prober_core::track::{RereadResult, Written};

/// A monitor topic. Answers come back as stamped [`LaneInput`]s, in any order, late or never.
pub trait Lane {
    /// Hands one record to the client, at once, and returns the stamp taken just before: the attempt's `sent`.
    ///
    /// # Errors
    /// The record cannot be handed over, and no byte of it left.
    fn submit(&mut self, record: RecordToSend) -> Result<Time, SendError>;

    /// Reads one offset once more. Comes back as [`LaneInput::Reread`]; as nothing, if the broker does not answer.
    fn reread(&mut self, partition: Partition, offset: i64);
}

/// A record on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordToSend {
    /// Where to.
    pub partition: Partition,
    /// Its number.
    pub sequence: Sequence,
    /// When it was due, by the calendar: the record's timestamp.
    pub due: WallTime,
    /// Its bytes.
    pub value: Vec<u8>,
}

/// Why a record was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendError {
    /// When that was known.
    pub at: Time,
    /// Why.
    pub fault: Fault,
}

/// What a lane reports.
#[derive(Clone, Debug, PartialEq)]
pub enum LaneInput {
    /// Where the lane's partitions are.
    Layout {
        /// When that was seen.
        at: Time,
        /// Where.
        layout: Layout,
    },
    /// What the lane is doing, for people.
    Status {
        /// In a word.
        state: LaneState,
        /// In a sentence.
        message: Option<Arc<str>>,
    },
    /// The reader of a partition stands at this offset: resolved for the first time, or reset.
    Position {
        /// The partition.
        partition: Partition,
        /// When.
        at: Time,
        /// The next offset it will read.
        offset: i64,
        /// Whether it jumped there from another.
        reset: bool,
    },
    /// The broker cannot even be asked for a position: there is no point in waiting before sending.
    Unreachable {
        /// The partition.
        partition: Partition,
    },
    /// A record was acked.
    Acked {
        /// The partition.
        partition: Partition,
        /// Its number.
        sequence: Sequence,
        /// When.
        at: Time,
        /// Where it stands in the log.
        offset: i64,
    },
    /// A record failed.
    Failed {
        /// The partition.
        partition: Partition,
        /// Its number.
        sequence: Sequence,
        /// When.
        at: Time,
        /// Why.
        fault: Fault,
        /// Whether it may be in the log all the same.
        written: Written,
    },
    /// A record of this run was read.
    Read {
        /// The partition.
        partition: Partition,
        /// Its number.
        sequence: Sequence,
        /// When.
        at: Time,
        /// Where it stands in the log.
        offset: i64,
    },
    /// Bytes that are not in our format stand at the offsets `first..=last`.
    Garbage {
        /// The partition.
        partition: Partition,
        /// When they were read.
        at: Time,
        /// First offset.
        first: i64,
        /// Last offset.
        last: i64,
    },
    /// Everything below this offset has been delivered.
    Passed {
        /// The partition.
        partition: Partition,
        /// When.
        at: Time,
        /// The next offset.
        next: i64,
    },
    /// What stands at an offset that was read once more.
    Reread {
        /// The partition.
        partition: Partition,
        /// When.
        at: Time,
        /// The offset.
        offset: i64,
        /// What stands there.
        found: RereadResult,
    },
    /// The partition has a new leader epoch; the one before ended at this offset (OffsetForLeaderEpoch, KIP-101).
    EpochEnded {
        /// The partition.
        partition: Partition,
        /// When the new epoch was first seen.
        at: Time,
        /// The first offset that is not of the old epoch.
        end: i64,
    },
    /// The leader of a partition has said that it refuses every record, or that it does not any more.
    Refuses {
        /// The partition.
        partition: Partition,
        /// When.
        at: Time,
        /// With what; `None`: nothing any more.
        fault: Option<Fault>,
    },
    /// The topic was deleted and created again.
    Recreated {
        /// When that was seen.
        at: Time,
    },
}

/// Where a lane's partitions are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Nobody has told of the cluster yet; attempts fail with `fault`.
    Unknown {
        /// Why nobody has.
        fault: Fault,
    },
    /// The cluster answers, the topic is not usable; attempts fail with `fault` once they come due.
    Missing {
        /// The brokers registered.
        brokers: Vec<BrokerId>,
        /// Why there is no partition.
        fault: Fault,
    },
    /// Each partition's broker.
    Assigned(Vec<(Partition, BrokerId)>),
    /// Probing would do harm or lie; [`LaneInput::Status`] says why.
    Refused,
}
