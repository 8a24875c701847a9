//! What an error of librdkafka's means to a probe.

use prober_core::fault::Fault;
use prober_core::kafka_error;
use prober_core::track::Written;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// The cause of an attempt's failure.
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

/// Kafka's own error, where it is one: librdkafka's are below −1.
fn of_broker(code: RDKafkaErrorCode) -> Option<Fault> {
    let number = i16::try_from(code as i32).ok().filter(|number| -1 <= *number)?;
    kafka_error::KafkaError::of(number).map(Fault::Kafka)
}

/// Whether a record that failed like this may have been written. An earlier try may have been, whatever the last one
/// was answered; where no try can have left, it was not.
pub(super) fn written(fault: Fault) -> Written {
    match fault {
        Fault::NoPartition | Fault::QueueFull | Fault::LocalResources => Written::No,
        Fault::Kafka(error) if error.is_authorization() => Written::No,
        _ => Written::Maybe,
    }
}

/// Whether the reader of some partition stands where nothing can be read: librdkafka stops there, and does not say
/// which partition it is.
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
    fn librdkafkas_own_verdicts_have_our_names() {
        assert_eq!(produced(RDKafkaErrorCode::MessageTimedOut), Fault::Timeout);
        assert_eq!(produced(RDKafkaErrorCode::Fatal), Fault::Client);
    }

    #[test]
    fn refused_after_retries_may_be_written_all_the_same() {
        assert_eq!(written(produced(RDKafkaErrorCode::NotLeaderForPartition)), Written::Maybe);
        assert_eq!(written(produced(RDKafkaErrorCode::TopicAuthorizationFailed)), Written::No);
    }
}
