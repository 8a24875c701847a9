//! Why an attempt failed: a closed list of causes, each with its blame.

use crate::kafka_error::KafkaError;

/// Whose fault a cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The broker or the cluster: it answered no, or it did not answer.
    Cluster,
    /// This process or its machine: the event is void.
    Prober,
    /// Not to be told from one event: credentials, names, the path between.
    Unclear,
    /// Nobody: what is seen is what somebody wants, as a reassignment. Said of findings only, no fault has it.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// The peer refused our side of TLS with an alert, as when it demands a client certificate.
    TlsRefused,
    /// The two sides do not speak the same TLS, or one of them speaks none.
    TlsProtocol,
    /// No route to the host.
    Unreachable,
    /// The name did not resolve.
    Resolve,
    /// The answer was not Kafka, or not the Kafka we know.
    Protocol,
    /// No metadata yet: nothing reachable among the bootstrap servers.
    NoMetadata,
    /// The metadata names a replica whose address has never been seen.
    NoAddress,
    /// There is no partition of the monitor topic on this broker yet.
    NoPartition,
    /// For seconds already its metadata has been behind what most brokers show: it may accept writes that will be lost.
    Stale,
    /// What was read back is not what was written.
    Mismatch,
    /// A record of an aborted transaction was shown to a reader of committed ones.
    AbortedSeen,
    /// The broker throttles us (KIP-219).
    Quota,
    /// The broker does not offer this request in a version that we speak.
    Unsupported,
    /// Our own send queue is full.
    QueueFull,
    /// This machine has no file descriptor or port left for us.
    LocalResources,
    /// librdkafka failed for a reason of its own.
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

    /// Whether nobody answered, rather than no: so does a process that hangs, a host that is down, or a way that is closed.
    pub fn is_unanswered(self) -> bool {
        matches!(
            self,
            Fault::Timeout
                | Fault::ConnectTimeout
                | Fault::NoHandshake
                | Fault::NoTlsHandshake
                | Fault::NoSaslAnswer
                // Somebody on the way said so, or our own host, which cannot reach anybody then.
                | Fault::Unreachable
        )
    }

    /// Whose fault it is.
    pub fn blame(self) -> Blame {
        match self {
            Fault::Unsupported | Fault::QueueFull | Fault::LocalResources => Blame::Prober,
            // Another prober under our name, or our own slowness: whoever was fenced cannot say.
            Fault::Kafka(error) if error.is_authorization() || error.is_fencing() => Blame::Unclear,
            Fault::Resolve | Fault::NoMetadata | Fault::NoPartition | Fault::Quota | Fault::Client => Blame::Unclear,
            // Either side may be the one that is set up wrongly.
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
    fn own_shortage_is_the_probers_fault() {
        assert_eq!(Fault::QueueFull.blame(), Blame::Prober);
        assert_eq!(Fault::LocalResources.blame(), Blame::Prober);
    }

    #[test]
    fn missing_permission_accuses_no_broker() {
        assert_eq!(Fault::Kafka(KafkaError(29)).blame(), Blame::Unclear);
    }

    #[test]
    fn refused_credentials_accuse_no_broker() {
        for code in [33, 34, 58] {
            assert_eq!(Fault::Kafka(KafkaError(code)).blame(), Blame::Unclear);
        }
    }

    #[test]
    fn own_certificate_is_the_brokers_business_and_trust_is_anybodys() {
        assert_eq!(Fault::CertificateExpired.blame(), Blame::Cluster);
        assert_eq!(Fault::CertificateWrongName.blame(), Blame::Cluster);
        for fault in [Fault::CertificateUntrusted, Fault::TlsRefused, Fault::TlsProtocol] {
            assert_eq!(fault.blame(), Blame::Unclear);
        }
    }

    #[test]
    fn error_types_keep_the_two_spellings() {
        assert_eq!(Fault::Kafka(KafkaError(6)).error_type(), "NOT_LEADER_OR_FOLLOWER");
        assert_eq!(Fault::ConnectionRefused.error_type(), "connection_refused");
    }
}
