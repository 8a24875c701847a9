//! What a wire error means to a probe: its cause, and whether the record may be in the log all the same.

use prober_core::fault::Fault;
use prober_core::kafka_error::KafkaError;
use prober_core::track::Written;

use crate::kafka::wire::{Phase, WireError};

/// The cause of an attempt's failure.
pub(in crate::kafka) fn of(error: &WireError) -> Fault {
    match error {
        WireError::Resolve { .. } => Fault::Resolve,
        WireError::Refused => Fault::ConnectionRefused,
        WireError::ConnectTimeout | WireError::NoAnswer { phase: Phase::Connect } => Fault::ConnectTimeout,
        WireError::Unreachable { .. } => Fault::Unreachable,
        WireError::Local { .. } => Fault::LocalResources,
        WireError::NoAnswer { .. } => Fault::NoHandshake,
        WireError::Reset { .. } | WireError::Closed { .. } | WireError::Io { .. } => Fault::ConnectionReset,
        WireError::Unacknowledged { .. } => Fault::Timeout,
        WireError::HandshakeRefused { code } => KafkaError::of(*code).map_or(Fault::Protocol, Fault::Kafka),
        WireError::Backlog { .. } => Fault::QueueFull,
        WireError::FrameTooLarge { .. }
        | WireError::Correlation { .. }
        | WireError::Unsolicited
        | WireError::Malformed { .. }
        | WireError::Unencodable { .. }
        | WireError::UnsupportedVersion { .. } => Fault::Protocol,
        // Retired: its drain time is over, so its attempts have long met their deadline.
        WireError::Retired | WireError::Dropped => Fault::Timeout,
    }
}

/// Whether a produce that was answered with this error may have been written.
pub(in crate::kafka) fn written(error: KafkaError) -> Written {
    const REQUEST_TIMED_OUT: KafkaError = KafkaError(7);
    const UNKNOWN_SERVER_ERROR: KafkaError = KafkaError(-1);
    if error == REQUEST_TIMED_OUT || error == UNKNOWN_SERVER_ERROR { Written::Maybe } else { Written::No }
}

/// Whether this error says that our picture of the cluster is old.
pub(in crate::kafka) fn is_stale_metadata(error: KafkaError) -> bool {
    matches!(
        error,
        KafkaError::NOT_LEADER_OR_FOLLOWER
            | KafkaError::UNKNOWN_TOPIC_OR_PARTITION
            | KafkaError::LEADER_NOT_AVAILABLE
            | KafkaError::UNKNOWN_TOPIC_ID
            | KafkaError::INCONSISTENT_TOPIC_ID
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::wire::LocalFault;
    use prober_core::fault::Blame;

    #[test]
    fn frozen_process_is_told_from_a_dead_host() {
        assert_eq!(of(&WireError::NoAnswer { phase: Phase::ApiVersions }), Fault::NoHandshake);
        assert_eq!(of(&WireError::ConnectTimeout), Fault::ConnectTimeout);
    }

    #[test]
    fn own_shortage_blames_the_prober() {
        assert_eq!(of(&WireError::Local { fault: LocalFault::FileDescriptors }).blame(), Blame::Prober);
    }

    #[test]
    fn refusal_by_the_leader_is_not_written() {
        assert_eq!(written(KafkaError::NOT_LEADER_OR_FOLLOWER), Written::No);
        assert_eq!(written(KafkaError(7)), Written::Maybe);
    }
}
