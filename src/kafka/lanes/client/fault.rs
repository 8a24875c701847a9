//! The fault of an attempt that failed with an error of librdkafka.

use prober_core::fault::Fault;
use prober_core::kafka_error;
use prober_core::track::Written;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// The fault of an attempt that failed with this error.
pub(super) fn of(error: &KafkaError) -> Fault {
    error.rdkafka_error_code().map_or(Fault::Client, of_code)
}

fn of_code(code: RDKafkaErrorCode) -> Fault {
    use RDKafkaErrorCode as Code;
    match code {
        Code::MessageTimedOut | Code::OperationTimedOut | Code::TimedOutQueue => Fault::Timeout,
        Code::BrokerTransportFailure | Code::AllBrokersDown => Fault::ConnectionReset,
        Code::Resolve => Fault::Resolve,
        Code::UnknownPartition | Code::UnknownTopic => Fault::NoPartition,
        Code::QueueFull => Fault::QueueFull,
        Code::CriticalSystemResource | Code::PurgeQueue | Code::PurgeInflight => Fault::LocalResources,
        Code::BadMessage => Fault::Protocol,
        code => of_broker(code).unwrap_or(Fault::Client),
    }
}

/// The fault of a Kafka error code; librdkafka's own codes are below −1.
fn of_broker(code: RDKafkaErrorCode) -> Option<Fault> {
    let number = i16::try_from(code as i32).ok().filter(|number| -1 <= *number)?;
    kafka_error::KafkaError::of(number).map(Fault::Kafka)
}

/// Whether a record that failed with this fault may have been written. librdkafka retries: an earlier try may have been written
/// whatever the last response was. It was not written if no try can have been sent.
pub(super) fn written(fault: Fault) -> Written {
    match fault {
        Fault::NoPartition | Fault::QueueFull | Fault::LocalResources => Written::No,
        Fault::Kafka(error) if error.is_authorization() => Written::No,
        _ => Written::Maybe,
    }
}

/// Whether the read position of some partition is out of range. librdkafka then stops reading that partition, and does not
/// name it.
pub(super) fn is_out_of_range(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::LogTruncation | RDKafkaErrorCode::OffsetOutOfRange)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn produced(code: RDKafkaErrorCode) -> Fault {
        of(&KafkaError::MessageProduction(code))
    }

    #[test]
    fn error_of_the_broker_keeps_its_name() {
        assert_eq!(produced(RDKafkaErrorCode::NotEnoughReplicas).error_type(), "NOT_ENOUGH_REPLICAS");
        assert_eq!(produced(RDKafkaErrorCode::TopicAuthorizationFailed).error_type(), "TOPIC_AUTHORIZATION_FAILED");
    }

    #[test]
    fn own_errors_of_librdkafka_map_to_own_faults() {
        assert_eq!(produced(RDKafkaErrorCode::MessageTimedOut), Fault::Timeout);
        assert_eq!(produced(RDKafkaErrorCode::Fatal), Fault::Client);
    }

    #[test]
    fn record_refused_after_retries_may_have_been_written() {
        assert_eq!(written(produced(RDKafkaErrorCode::NotLeaderForPartition)), Written::Maybe);
        assert_eq!(written(produced(RDKafkaErrorCode::TopicAuthorizationFailed)), Written::No);
    }
}
