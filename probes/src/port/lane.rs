//! The port of a lane: records go into a monitor topic and come back as inputs of the engine.

use std::sync::Arc;

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Partition, Sequence};
use prober_core::snapshot::LaneState;
use prober_core::time::{Time, WallTime};
use prober_core::track::{RereadResult, Written};

/// A monitor topic. Results are stamped [`LaneInput`]s, which may come in any order, late or never.
pub trait Lane {
    /// Hands one record to the client without waiting. Returns the stamp taken just before: the attempt's `sent`.
    ///
    /// # Errors
    /// The client does not take the record; no byte of it was sent.
    fn submit(&mut self, record: RecordToSend) -> Result<Time, SendError>;

    /// Reads one offset again. The result is a [`LaneInput::Reread`]; there is none if the broker does not answer.
    fn reread(&mut self, partition: Partition, offset: i64);
}

/// A record to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordToSend {
    /// The partition to write to.
    pub partition: Partition,
    /// Its sequence number.
    pub sequence: Sequence,
    /// When the attempt was due, in wall time: the record's timestamp.
    pub due: WallTime,
    /// Its bytes.
    pub value: Vec<u8>,
}

/// Why a record was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendError {
    /// When the send failed.
    pub at: Time,
    /// The cause.
    pub fault: Fault,
}

/// What a lane reports.
#[derive(Clone, Debug, PartialEq)]
pub enum LaneInput {
    /// The brokers of the lane's partitions changed.
    Layout {
        /// When that was noticed.
        at: Time,
        /// The new layout.
        layout: Layout,
    },
    /// The lane's state, for people.
    Status {
        /// The state.
        state: LaneState,
        /// A sentence about it.
        message: Option<Arc<str>>,
    },
    /// The read position of a partition was resolved, or reset.
    Position {
        /// The partition.
        partition: Partition,
        /// When.
        at: Time,
        /// The next offset it will read.
        offset: i64,
        /// Whether the reader skipped to it from another offset.
        reset: bool,
    },
    /// The broker cannot be asked for a read position, so that sending need not wait for one.
    Unreachable {
        /// The partition.
        partition: Partition,
    },
    /// A record was acked.
    Acked {
        /// The partition.
        partition: Partition,
        /// Its sequence number.
        sequence: Sequence,
        /// When.
        at: Time,
        /// Its offset.
        offset: i64,
    },
    /// A record failed.
    Failed {
        /// The partition.
        partition: Partition,
        /// Its sequence number.
        sequence: Sequence,
        /// When.
        at: Time,
        /// The cause.
        fault: Fault,
        /// Whether the record may be in the log.
        written: Written,
    },
    /// A record of this run was read.
    Read {
        /// The partition.
        partition: Partition,
        /// Its sequence number.
        sequence: Sequence,
        /// When.
        at: Time,
        /// Its offset.
        offset: i64,
    },
    /// The records at the offsets `first..=last` are not in the prober's format.
    Foreign {
        /// The partition.
        partition: Partition,
        /// When they were read.
        at: Time,
        /// First offset.
        first: i64,
        /// Last offset.
        last: i64,
    },
    /// Every record below this offset was delivered.
    Passed {
        /// The partition.
        partition: Partition,
        /// When.
        at: Time,
        /// The next offset.
        next: i64,
    },
    /// The result of [`Lane::reread`].
    Reread {
        /// The partition.
        partition: Partition,
        /// When the request was sent.
        asked: Time,
        /// When it was answered.
        at: Time,
        /// The offset.
        offset: i64,
        /// What is at that offset.
        found: RereadResult,
    },
    /// The partition has a new leader epoch; the one before ended at this offset (OffsetForLeaderEpoch, KIP-101).
    EpochEnded {
        /// The partition.
        partition: Partition,
        /// When the new epoch was noticed.
        at: Time,
        /// The first offset that the old epoch does not have.
        end: i64,
    },
    /// The leader of a partition refuses every record, or accepts records again.
    Refuses {
        /// The partition.
        partition: Partition,
        /// When.
        at: Time,
        /// The error; `None`: it accepts records.
        fault: Option<Fault>,
    },
    /// The topic was deleted and created again.
    Recreated {
        /// When that was noticed.
        at: Time,
    },
}

/// The brokers of a lane's partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// There was no metadata yet; attempts fail with `fault`.
    Unknown {
        /// Why there is none.
        fault: Fault,
    },
    /// The cluster answers, but the topic is not usable; attempts fail with `fault` once they come due.
    Missing {
        /// The registered brokers.
        brokers: Vec<BrokerId>,
        /// Why there is no partition.
        fault: Fault,
    },
    /// The broker of each partition.
    Assigned(Vec<(Partition, BrokerId)>),
    /// The lane does not probe this topic, because it is another's or the results would be wrong; [`LaneInput::Status`] says
    /// why.
    Refused,
}
