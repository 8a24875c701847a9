//! Why a connection failed or a request has no usable response, as precisely as the operating system and the protocol report
//! it. The caller decides who is to blame.

use std::fmt;

use super::api::{Api, VersionRange};

/// The phase of a connection in which an error occurred.
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
    /// Open for requests.
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

/// What the prober's own host lacks or forbids. Never the broker's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LocalFault {
    /// No file descriptor is left (EMFILE, ENFILE).
    FileDescriptors,
    /// No local address or port is left for the connection (EADDRNOTAVAIL).
    LocalAddress,
    /// The host forbids the connection (EPERM, EACCES), for example by a local firewall.
    Forbidden,
    /// The kernel has no memory for the socket (ENOMEM).
    Memory,
    /// The kernel returned no random bytes.
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

/// Why a connection failed, or a request has no usable response. A response with a Kafka error code is a usable response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The name did not resolve, or not in time.
    #[error("cannot resolve {host}: {detail}")]
    Resolve {
        /// The address, `host:port`.
        host: String,
        /// The resolver's message.
        detail: String,
    },
    /// No process listens on the port (RST in reply to SYN).
    #[error("connection refused")]
    Refused,
    /// The SYN was not answered: host or path down, or the accept queue is full.
    #[error("connect timed out")]
    ConnectTimeout,
    /// A router, or the prober's own host, reports that there is no route.
    #[error("unreachable during {phase}: {detail}")]
    Unreachable {
        /// The phase in which it occurred.
        phase: Phase,
        /// The operating system's message.
        detail: String,
    },
    /// The prober's own host failed.
    #[error("the prober's own host: {fault}")]
    Local {
        /// What it lacks.
        fault: LocalFault,
    },
    /// TCP connected, but the exchange of this phase was not answered in time: the kernel of the broker's host works, the
    /// process does not respond.
    #[error("no answer during {phase}")]
    NoAnswer {
        /// The unanswered exchange.
        phase: Phase,
    },
    /// The peer reset the connection (RST).
    #[error("connection reset during {phase}")]
    Reset {
        /// The phase in which it occurred.
        phase: Phase,
    },
    /// The peer closed the connection in an orderly way (FIN).
    #[error("connection closed by the peer during {phase}")]
    Closed {
        /// The phase in which it occurred.
        phase: Phase,
    },
    /// The peer's kernel did not acknowledge sent bytes within `TCP_USER_TIMEOUT` (RFC 5482): host or path down.
    #[error("bytes unacknowledged for too long during {phase}")]
    Unacknowledged {
        /// The phase in which it occurred.
        phase: Phase,
    },
    /// Any other failure of the stream.
    #[error("i/o failed during {phase}: {detail}")]
    Io {
        /// The phase in which it occurred.
        phase: Phase,
        /// The operating system's message.
        detail: String,
    },
    /// The peer's certificate is expired, or not valid yet.
    #[error("the broker's certificate is not valid now: {detail}")]
    CertificateExpired {
        /// OpenSSL's message: expired, or not yet valid.
        detail: String,
    },
    /// The peer's certificate is not valid for the host.
    #[error("the broker's certificate is not for {host}")]
    CertificateWrongName {
        /// The name or address that was dialled.
        host: String,
    },
    /// The peer's certificate is not issued by a trusted authority.
    #[error("the broker's certificate is not trusted: {detail}")]
    CertificateUntrusted {
        /// OpenSSL's message.
        detail: String,
    },
    /// The peer ended TLS with an alert: it does not accept our certificate, or requires one, or shares no parameters.
    #[error("the broker refused TLS: {alert}")]
    TlsRefused {
        /// OpenSSL's name of the alert.
        alert: String,
    },
    /// The peer does not speak TLS, or no version that the prober supports.
    #[error("TLS failed: {detail}")]
    TlsProtocol {
        /// OpenSSL's message.
        detail: String,
    },
    /// The broker does not accept the SASL mechanism.
    #[error("the broker does not accept this SASL mechanism; it accepts {offered}")]
    SaslMechanism {
        /// The mechanisms that it accepts, separated by commas.
        offered: String,
    },
    /// The broker refused the SASL exchange with this Kafka error code: wrong credentials, in most cases.
    #[error("the broker refused SASL with error code {code}: {message}")]
    SaslRefused {
        /// Kafka's error code.
        code: i16,
        /// The broker's message.
        message: String,
    },
    /// The broker violated the SASL mechanism.
    #[error("the SASL exchange failed: {detail}")]
    SaslProtocol {
        /// What was wrong.
        detail: String,
    },
    /// The peer announced a frame length that is negative or above [`MAX_FRAME`](super::MAX_FRAME): it is not a Kafka broker,
    /// or it expects TLS.
    #[error("the peer announced a frame of {length} bytes")]
    FrameTooLarge {
        /// The length as announced.
        length: i32,
    },
    /// A response came out of order; Kafka responds in order on each connection.
    #[error("response {found} came instead of {expected}")]
    Correlation {
        /// The correlation id of the oldest outstanding request.
        expected: i32,
        /// The correlation id received.
        found: i32,
    },
    /// A response came although no request was outstanding.
    #[error("a response came without a request")]
    Unsolicited,
    /// A response could not be decoded.
    #[error("{api} v{version} response is malformed: {detail}")]
    Malformed {
        /// The kind of request.
        api: Api,
        /// The version of the request.
        version: i16,
        /// The decoder's message.
        detail: String,
    },
    /// A request could not be encoded; nothing was sent.
    #[error("{api} v{version} cannot be encoded: {detail}")]
    Unencodable {
        /// The kind of request.
        api: Api,
        /// The version of the request.
        version: i16,
        /// The encoder's message.
        detail: String,
    },
    /// Broker and prober share no version of this request; nothing was sent.
    #[error("{api}: the prober supports versions {ours}, the broker {}", offered(.broker))]
    UnsupportedVersion {
        /// The kind of request.
        api: Api,
        /// The versions that the prober supports, or those of them that can express this request.
        ours: VersionRange,
        /// The versions that the broker offers; `None` if it does not offer the request at all.
        broker: Option<VersionRange>,
    },
    /// The broker answered ApiVersions with this Kafka error code.
    #[error("handshake refused with error code {code}")]
    HandshakeRefused {
        /// Kafka's error code.
        code: i16,
    },
    /// Too many requests or bytes are outstanding; nothing was sent.
    #[error("too many outstanding: {outstanding} requests, {unsent} unsent bytes")]
    Backlog {
        /// Requests sent and not yet answered.
        outstanding: usize,
        /// Bytes that the socket has not accepted yet.
        unsent: usize,
    },
    /// The connection is retired: it accepts no requests, and its drain time may be over.
    #[error("the connection is retired")]
    Retired,
    /// The prober dropped the connection.
    #[error("the prober dropped the connection")]
    Dropped,
}

fn offered(range: &Option<VersionRange>) -> String {
    range.map_or_else(|| "none".to_owned(), |range| range.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsupported_version_names_the_versions_of_both_sides() {
        let error = WireError::UnsupportedVersion {
            api: Api::Produce,
            ours: VersionRange { min: 9, max: 12 },
            broker: Some(VersionRange { min: 0, max: 8 }),
        };
        assert_eq!(error.to_string(), "Produce: the prober supports versions 9 to 12, the broker 0 to 8");
    }
}
