//! The fault of an attempt that failed with a wire error, and whether its record may be in the log nevertheless.

use prober_core::fault::Fault;
use prober_core::kafka_error::KafkaError;
use prober_core::track::Written;

use crate::kafka::wire::{Phase, WireError};

/// The fault of an attempt that failed with this error.
pub(in crate::kafka) fn of(error: &WireError) -> Fault {
    match error {
        WireError::Resolve { .. } => Fault::Resolve,
        WireError::Refused => Fault::ConnectionRefused,
        WireError::ConnectTimeout | WireError::NoAnswer { phase: Phase::Connect } => Fault::ConnectTimeout,
        WireError::Unreachable { .. } => Fault::Unreachable,
        WireError::Local { .. } => Fault::LocalResources,
        WireError::NoAnswer { phase: Phase::Tls } => Fault::NoTlsHandshake,
        WireError::NoAnswer { phase: Phase::Sasl } => Fault::NoSaslAnswer,
        WireError::NoAnswer { phase: Phase::ApiVersions | Phase::Serving } => Fault::NoHandshake,
        WireError::CertificateExpired { .. } => Fault::CertificateExpired,
        WireError::CertificateWrongName { .. } => Fault::CertificateWrongName,
        WireError::CertificateUntrusted { .. } => Fault::CertificateUntrusted,
        WireError::TlsRefused { .. } => Fault::TlsRefused,
        WireError::TlsProtocol { .. } => Fault::TlsProtocol,
        // A listener that expects TLS replies to plaintext with a TLS alert.
        WireError::FrameTooLarge { length } if is_tls(*length) => Fault::TlsProtocol,
        WireError::SaslMechanism { .. } => Fault::Kafka(KafkaError::UNSUPPORTED_SASL_MECHANISM),
        WireError::SaslRefused { code, .. } => KafkaError::of(*code).map_or(Fault::Protocol, Fault::Kafka),
        WireError::Reset { .. } | WireError::Closed { .. } | WireError::Io { .. } => Fault::ConnectionReset,
        WireError::Unacknowledged { .. } => Fault::Timeout,
        WireError::HandshakeRefused { code } => KafkaError::of(*code).map_or(Fault::Protocol, Fault::Kafka),
        WireError::Backlog { .. } => Fault::QueueFull,
        WireError::FrameTooLarge { .. }
        | WireError::Correlation { .. }
        | WireError::Unsolicited
        | WireError::Malformed { .. }
        | WireError::Unencodable { .. }
        | WireError::UnsupportedVersion { .. }
        | WireError::SaslProtocol { .. } => Fault::Protocol,
        // The drain time of a retired connection is at least one deadline, so these attempts are past theirs.
        WireError::Retired | WireError::Dropped => Fault::Timeout,
    }
}

/// The fault while no metadata have been received: `NoMetadata`, unless the error shows that the security settings do not match,
/// or that the prober's own host is at fault.
pub(in crate::kafka) fn without_metadata(error: &WireError) -> Fault {
    match error {
        WireError::CertificateExpired { .. }
        | WireError::CertificateWrongName { .. }
        | WireError::CertificateUntrusted { .. }
        | WireError::TlsRefused { .. }
        | WireError::TlsProtocol { .. }
        | WireError::SaslMechanism { .. }
        | WireError::SaslRefused { .. }
        // A shortage on the prober's own host is no evidence about the cluster.
        | WireError::Local { .. } => of(error),
        WireError::FrameTooLarge { length } if is_tls(*length) => of(error),
        _ => Fault::NoMetadata,
    }
}

/// Whether the four bytes that were read as a length begin a TLS record: its type and version (RFC 8446, 5.1).
fn is_tls(length: i32) -> bool {
    let [kind, version, ..] = length.to_be_bytes();
    (20..=23).contains(&kind) && version == 3
}

/// Whether the record of a produce request that was refused with this error may have been written.
pub(in crate::kafka) fn written(error: KafkaError) -> Written {
    const REQUEST_TIMED_OUT: KafkaError = KafkaError(7);
    const UNKNOWN_SERVER_ERROR: KafkaError = KafkaError(-1);
    if error == REQUEST_TIMED_OUT || error == UNKNOWN_SERVER_ERROR { Written::Maybe } else { Written::No }
}

/// Whether this error shows that the metadata are stale.
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
    fn frozen_process_and_dead_host_have_different_faults() {
        assert_eq!(of(&WireError::NoAnswer { phase: Phase::ApiVersions }), Fault::NoHandshake);
        assert_eq!(of(&WireError::ConnectTimeout), Fault::ConnectTimeout);
    }

    #[test]
    fn unanswered_tls_and_sasl_have_different_faults() {
        assert_eq!(of(&WireError::NoAnswer { phase: Phase::Tls }), Fault::NoTlsHandshake);
        assert_eq!(of(&WireError::NoAnswer { phase: Phase::Sasl }), Fault::NoSaslAnswer);
    }

    #[test]
    fn listener_that_expects_tls_is_a_tls_fault_and_an_http_server_a_protocol_fault() {
        assert_eq!(of(&WireError::FrameTooLarge { length: 0x1503_0300 }), Fault::TlsProtocol);
        assert_eq!(of(&WireError::FrameTooLarge { length: 0x4854_5450 }), Fault::Protocol);
    }

    #[test]
    fn refused_password_is_the_fault_even_before_the_first_metadata() {
        let refused = WireError::SaslRefused { code: 58, message: "no".into() };
        assert_eq!(without_metadata(&refused).error_type(), "SASL_AUTHENTICATION_FAILED");
        assert_eq!(without_metadata(&WireError::Refused), Fault::NoMetadata);
        let local = WireError::Local { fault: LocalFault::FileDescriptors };
        assert_eq!(without_metadata(&local).blame(), Blame::Prober);
    }

    #[test]
    fn own_shortage_blames_the_prober() {
        assert_eq!(of(&WireError::Local { fault: LocalFault::FileDescriptors }).blame(), Blame::Prober);
    }

    #[test]
    fn record_refused_by_a_former_leader_is_not_written() {
        assert_eq!(written(KafkaError::NOT_LEADER_OR_FOLLOWER), Written::No);
        assert_eq!(written(KafkaError(7)), Written::Maybe);
    }
}
