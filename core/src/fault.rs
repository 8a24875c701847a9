//! Why an attempt failed: a closed list of causes, each with its blame.

use serde::{Deserialize, Serialize};

use crate::kafka_error::KafkaError;

/// Whose fault a cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// The broker or the cluster: it answered no, or it did not answer.
    Cluster,
    /// This process or its machine: the event is void.
    Prober,
    /// One event cannot decide it: credentials, names, the network path.
    Unclear,
    /// Nobody: an intended operation, such as a reassignment. Only findings have it, no fault does.
    Nobody,
}

impl Blame {
    /// The value in pages and findings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Blame::Cluster => "cluster",
            Blame::Prober => "prober",
            Blame::Unclear => "unclear",
            Blame::Nobody => "nobody",
        }
    }
}

/// The cause of a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The broker refused with this error.
    Kafka(KafkaError),
    /// No answer by the deadline.
    Timeout,
    /// It succeeded, at or above the threshold.
    Slow,
    /// It was acked and is confirmed missing from the log.
    Lost,
    /// Wrong bytes at an offset that was acked.
    Corrupt,
    /// The port is closed.
    ConnectionRefused,
    /// The connection ended while an answer was outstanding.
    ConnectionReset,
    /// The TCP handshake was not answered.
    ConnectTimeout,
    /// TCP was accepted, ApiVersions was not answered: a frozen process looks like this.
    NoHandshake,
    /// TCP was accepted, the TLS handshake was not answered: a frozen process behind TLS looks like this.
    NoTlsHandshake,
    /// The SASL exchange was not answered.
    NoSaslAnswer,
    /// The broker's certificate has expired, or is not valid yet.
    CertificateExpired,
    /// The broker's certificate is for other names than the one that it advertises.
    CertificateWrongName,
    /// The broker's certificate is not signed by a CA that we trust.
    CertificateUntrusted,
    /// The peer sent a TLS alert, for example because it demands a client certificate.
    TlsRefused,
    /// The two sides have no TLS version or cipher in common, or one of them does not use TLS.
    TlsProtocol,
    /// No route to the host.
    Unreachable,
    /// The name did not resolve.
    Resolve,
    /// The response is not valid in the Kafka protocol.
    Protocol,
    /// No metadata yet: nothing reachable among the bootstrap servers.
    NoMetadata,
    /// A replica list names the broker, but no metadata have ever contained its address.
    NoAddress,
    /// There is no partition of the monitor topic on this broker yet.
    NoPartition,
    /// Its metadata have been behind those of most brokers for more than five seconds: it may accept writes that will be lost (K4).
    Stale,
    /// The value read back is not the one written.
    Mismatch,
    /// A read_committed reader received a record of an aborted transaction.
    AbortedSeen,
    /// The broker throttles us (KIP-219).
    Quota,
    /// The broker offers no version of this request that the prober supports.
    Unsupported,
    /// Our own send queue is full.
    QueueFull,
    /// The host has no file descriptor or port left.
    LocalResources,
    /// An internal error of librdkafka.
    #[serde(rename = "client_error")]
    Client,
}

impl Fault {
    /// The `error.type` attribute: Kafka's UPPER_SNAKE names, ours lower_snake.
    pub fn error_type(self) -> &'static str {
        match self {
            Fault::Kafka(error) => error.name(),
            Fault::Timeout => "timeout",
            Fault::Slow => "slow",
            Fault::Lost => "lost",
            Fault::Corrupt => "corrupt",
            Fault::ConnectionRefused => "connection_refused",
            Fault::ConnectionReset => "connection_reset",
            Fault::ConnectTimeout => "connect_timeout",
            Fault::NoHandshake => "no_handshake",
            Fault::NoTlsHandshake => "no_tls_handshake",
            Fault::NoSaslAnswer => "no_sasl_answer",
            Fault::CertificateExpired => "certificate_expired",
            Fault::CertificateWrongName => "certificate_wrong_name",
            Fault::CertificateUntrusted => "certificate_untrusted",
            Fault::TlsRefused => "tls_refused",
            Fault::TlsProtocol => "tls_protocol",
            Fault::Unreachable => "unreachable",
            Fault::Resolve => "resolve",
            Fault::Protocol => "protocol",
            Fault::NoMetadata => "no_metadata",
            Fault::NoAddress => "no_address",
            Fault::NoPartition => "no_partition",
            Fault::Stale => "stale",
            Fault::Mismatch => "mismatch",
            Fault::AbortedSeen => "aborted_seen",
            Fault::Quota => "quota",
            Fault::Unsupported => "unsupported",
            Fault::QueueFull => "queue_full",
            Fault::LocalResources => "local_resources",
            Fault::Client => "client_error",
        }
    }

    /// Whether there was no answer at all, rather than a refusal: a process hangs, a host is down, or the network path is closed.
    pub fn is_unanswered(self) -> bool {
        matches!(
            self,
            Fault::Timeout
                | Fault::ConnectTimeout
                | Fault::NoHandshake
                | Fault::NoTlsHandshake
                | Fault::NoSaslAnswer
                // Reported by a router on the path, or by the own host, which then cannot reach any broker.
                | Fault::Unreachable
        )
    }

    /// Whether TLS or SASL was refused, by either side.
    pub fn is_about_credentials(self) -> bool {
        match self {
            Fault::CertificateExpired
            | Fault::CertificateWrongName
            | Fault::CertificateUntrusted
            | Fault::TlsRefused
            | Fault::TlsProtocol => true,
            Fault::Kafka(error) => error.is_authentication(),
            _ => false,
        }
    }

    /// Whose fault it is.
    pub fn blame(self) -> Blame {
        match self {
            Fault::Unsupported | Fault::QueueFull | Fault::LocalResources => Blame::Prober,
            // Another prober with the same vantage, or the prober's own slowness: fencing alone does not show which.
            Fault::Kafka(error) if error.is_authorization() || error.is_fencing() => Blame::Unclear,
            Fault::Resolve | Fault::NoMetadata | Fault::NoPartition | Fault::Quota | Fault::Client => Blame::Unclear,
            // Either side may be misconfigured.
            Fault::CertificateUntrusted | Fault::TlsRefused | Fault::TlsProtocol => Blame::Unclear,
            Fault::Kafka(_)
            | Fault::Timeout
            | Fault::Slow
            | Fault::Lost
            | Fault::Corrupt
            | Fault::ConnectionRefused
            | Fault::ConnectionReset
            | Fault::ConnectTimeout
            | Fault::NoHandshake
            | Fault::NoTlsHandshake
            | Fault::NoSaslAnswer
            | Fault::CertificateExpired
            | Fault::CertificateWrongName
            | Fault::Unreachable
            | Fault::Protocol
            | Fault::NoAddress
            | Fault::Stale
            | Fault::Mismatch
            | Fault::AbortedSeen => Blame::Cluster,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_shortage_is_the_probers_fault() {
        assert_eq!(Fault::QueueFull.blame(), Blame::Prober);
        assert_eq!(Fault::LocalResources.blame(), Blame::Prober);
    }

    #[test]
    fn missing_permission_blames_no_broker() {
        assert_eq!(Fault::Kafka(KafkaError(29)).blame(), Blame::Unclear);
    }

    #[test]
    fn refused_credentials_blame_no_broker() {
        for code in [33, 34, 58] {
            assert_eq!(Fault::Kafka(KafkaError(code)).blame(), Blame::Unclear);
        }
    }

    #[test]
    fn expired_certificate_blames_the_cluster_and_missing_trust_is_unclear() {
        assert_eq!(Fault::CertificateExpired.blame(), Blame::Cluster);
        assert_eq!(Fault::CertificateWrongName.blame(), Blame::Cluster);
        for fault in [Fault::CertificateUntrusted, Fault::TlsRefused, Fault::TlsProtocol] {
            assert_eq!(fault.blame(), Blame::Unclear);
        }
    }

    #[test]
    fn error_types_of_kafka_are_upper_snake_and_others_lower_snake() {
        assert_eq!(Fault::Kafka(KafkaError(6)).error_type(), "NOT_LEADER_OR_FOLLOWER");
        assert_eq!(Fault::ConnectionRefused.error_type(), "connection_refused");
    }
}
