//! What can go wrong around an answer, as precisely as the operating system and the protocol
//! tell it. Whose fault it is, the caller decides.

use std::fmt;

use super::api::{Api, VersionRange};

/// How far a connection had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Opening the TCP connection.
    Connect,
    /// The TLS handshake.
    Tls,
    /// The SASL exchange.
    Sasl,
    /// The ApiVersions exchange, the first one on every connection.
    ApiVersions,
    /// Ready for calls.
    Serving,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Sasl => "sasl",
            Self::ApiVersions => "api_versions",
            Self::Serving => "serving",
        })
    }
}

/// What the prober's own host ran out of or forbids. Never the broker's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LocalFault {
    /// No file descriptor is left (EMFILE, ENFILE).
    FileDescriptors,
    /// No local address or port is left for the connection (EADDRNOTAVAIL).
    LocalAddress,
    /// The host forbids the connection (EPERM, EACCES), as a local firewall does.
    Forbidden,
    /// The kernel has no memory for the socket (ENOMEM).
    Memory,
    /// The kernel has no random bytes for us.
    Randomness,
}

impl fmt::Display for LocalFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FileDescriptors => "no file descriptor left",
            Self::LocalAddress => "no local address left",
            Self::Forbidden => "forbidden on this host",
            Self::Memory => "no kernel memory left",
            Self::Randomness => "no random bytes",
        })
    }
}

/// Why a connection or a call came to nothing. Kafka's error codes are not here: an answer that
/// carries one is an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The name did not resolve, or not in time.
    #[error("cannot resolve {host}: {detail}")]
    Resolve {
        /// The address as it was asked for, `host:port`.
        host: String,
        /// The resolver's own words.
        detail: String,
    },
    /// Nobody listens there (RST to our SYN).
    #[error("connection refused")]
    Refused,
    /// The SYN stayed unanswered: host or path dead, or the accept queue is full.
    #[error("connect timed out")]
    ConnectTimeout,
    /// A router or our own host says that there is no way there.
    #[error("unreachable during {phase}: {detail}")]
    Unreachable {
        /// How far the connection had come.
        phase: Phase,
        /// The operating system's words.
        detail: String,
    },
    /// The prober's own host failed.
    #[error("the prober's own host: {fault}")]
    Local {
        /// What it lacks.
        fault: LocalFault,
    },
    /// TCP was accepted, but the exchange of this phase got no answer in time: the kernel lives,
    /// the process does not serve.
    #[error("no answer during {phase}")]
    NoAnswer {
        /// The unanswered exchange.
        phase: Phase,
    },
    /// The peer reset the connection (RST).
    #[error("connection reset during {phase}")]
    Reset {
        /// How far the connection had come.
        phase: Phase,
    },
    /// The peer closed the connection in an orderly way (FIN).
    #[error("connection closed by the peer during {phase}")]
    Closed {
        /// How far the connection had come.
        phase: Phase,
    },
    /// Our bytes stayed unacknowledged by the peer's kernel for `TCP_USER_TIMEOUT` (RFC 5482):
    /// host or path dead.
    #[error("bytes unacknowledged for too long during {phase}")]
    Unacknowledged {
        /// How far the connection had come.
        phase: Phase,
    },
    /// Any other failure of the stream.
    #[error("i/o failed during {phase}: {detail}")]
    Io {
        /// How far the connection had come.
        phase: Phase,
        /// The operating system's words.
        detail: String,
    },
    /// The peer's certificate is outside its time.
    #[error("the broker's certificate is not valid now: {detail}")]
    CertificateExpired {
        /// OpenSSL's words: expired, or not yet valid.
        detail: String,
    },
    /// The peer's certificate is for other names.
    #[error("the broker's certificate is not for {host}")]
    CertificateWrongName {
        /// The name or address that was dialled.
        host: String,
    },
    /// The peer's certificate comes from nobody whom we trust.
    #[error("the broker's certificate is not trusted: {detail}")]
    CertificateUntrusted {
        /// OpenSSL's words.
        detail: String,
    },
    /// The peer ended TLS with an alert: it does not take our certificate, or none, or nothing that we offer.
    #[error("the broker refused TLS: {alert}")]
    TlsRefused {
        /// OpenSSL's words for the alert.
        alert: String,
    },
    /// What the peer says is no TLS, or none that we speak.
    #[error("TLS failed: {detail}")]
    TlsProtocol {
        /// OpenSSL's words.
        detail: String,
    },
    /// The broker does not take our SASL mechanism.
    #[error("the broker does not take this SASL mechanism; it takes {offered}")]
    SaslMechanism {
        /// What it takes, separated by commas.
        offered: String,
    },
    /// The broker refused the SASL exchange with this Kafka error code: wrong credentials, in most cases.
    #[error("the broker refused SASL with error code {code}: {message}")]
    SaslRefused {
        /// Kafka's error code.
        code: i16,
        /// The broker's own words.
        message: String,
    },
    /// The broker did not keep to the SASL mechanism.
    #[error("the SASL exchange failed: {detail}")]
    SaslProtocol {
        /// What was wrong.
        detail: String,
    },
    /// The peer announced a frame that is negative or above [`MAX_FRAME`](super::MAX_FRAME): it
    /// is no Kafka broker, or it expects TLS.
    #[error("the peer announced a frame of {length} bytes")]
    FrameTooLarge {
        /// The length as announced.
        length: i32,
    },
    /// An answer came out of order; Kafka answers in order on each connection.
    #[error("answer {found} came where {expected} was due")]
    Correlation {
        /// The correlation id of the oldest outstanding request.
        expected: i32,
        /// The correlation id that came.
        found: i32,
    },
    /// An answer came although nothing was asked.
    #[error("an answer came unasked")]
    Unsolicited,
    /// An answer could not be decoded.
    #[error("{api} v{version} answer is malformed: {detail}")]
    Malformed {
        /// Whose answer.
        api: Api,
        /// In the version that was asked for.
        version: i16,
        /// The decoder's words.
        detail: String,
    },
    /// A request could not be encoded; nothing was sent.
    #[error("{api} v{version} cannot be encoded: {detail}")]
    Unencodable {
        /// Which request.
        api: Api,
        /// In the version that was agreed.
        version: i16,
        /// The encoder's words.
        detail: String,
    },
    /// Broker and prober share no version of this request; nothing was sent.
    #[error("{api}: we speak {ours}, the broker {}", spoken(.broker))]
    UnsupportedVersion {
        /// Which request.
        api: Api,
        /// What we speak, or what this very request allows of it.
        ours: VersionRange,
        /// What the broker offers; none if it does not know the request at all.
        broker: Option<VersionRange>,
    },
    /// The broker answered ApiVersions with this Kafka error code.
    #[error("handshake refused with error code {code}")]
    HandshakeRefused {
        /// Kafka's error code.
        code: i16,
    },
    /// The connection already carries as much as it may; nothing was sent.
    #[error("too much under way: {outstanding} requests outstanding, {unsent} bytes unsent")]
    Backlog {
        /// Requests sent and not yet answered.
        outstanding: usize,
        /// Bytes that the socket has not yet taken.
        unsent: usize,
    },
    /// The connection is retired: it takes no calls, and its drain time may have ended.
    #[error("the connection is retired")]
    Retired,
    /// We dropped the connection ourselves.
    #[error("the connection was dropped on our side")]
    Dropped,
}

fn spoken(range: &Option<VersionRange>) -> String {
    range.map_or_else(|| "does not know it".to_owned(), |range| range.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsupported_version_says_both_sides() {
        let error = WireError::UnsupportedVersion {
            api: Api::Produce,
            ours: VersionRange { min: 9, max: 12 },
            broker: Some(VersionRange { min: 0, max: 8 }),
        };
        assert_eq!(error.to_string(), "Produce: we speak 9 to 12, the broker 0 to 8");
    }
}
