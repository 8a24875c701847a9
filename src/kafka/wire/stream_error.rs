//! Maps a failed connect, read or write to a [`WireError`]: by the operating system's error code and, on a TLS stream, by
//! OpenSSL's.

use std::io;

use openssl::error::ErrorStack;
use openssl::ssl::Error;

use super::error::{LocalFault, Phase, WireError};

/// OpenSSL's reason codes (`openssl/sslerr.h`), unchanged since they were introduced.
pub(super) const CERTIFICATE_VERIFY_FAILED: i32 = 134;
const UNEXPECTED_EOF: i32 = 294;
/// An alert from the peer has the reason code 1000 + its number (RFC 8446, 6).
const ALERTS: std::ops::RangeInclusive<i32> = 1000..=1255;
const ALERT_PROTOCOL_VERSION: i32 = 1070;

impl WireError {
    /// Of a failed TCP connect.
    pub(super) fn from_connect(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::TimedOut => Self::ConnectTimeout,
            _ => Self::from_stream(error, Phase::Connect),
        }
    }

    /// Of a failed read or write on an open stream, TLS or not.
    pub(super) fn from_stream(error: &io::Error, phase: Phase) -> Self {
        use io::ErrorKind as Kind;
        if let Some(fault) = local_fault(error) {
            return Self::Local { fault };
        }
        if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
            return Self::from_tls(error, phase);
        }
        match error.kind() {
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => Self::Reset { phase },
            Kind::UnexpectedEof | Kind::WriteZero => Self::Closed { phase },
            Kind::TimedOut => Self::Unacknowledged { phase },
            Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::NetworkDown => {
                Self::Unreachable { phase, detail: error.to_string() }
            }
            _ => Self::Io { phase, detail: error.to_string() },
        }
    }

    /// Of a failed TLS stream, in the handshake or later: in TLS 1.3 the peer checks our certificate only after our side of
    /// the handshake is complete, so its alert arrives with the first read.
    pub(super) fn from_tls(error: &Error, phase: Phase) -> Self {
        if let Some(error) = error.io_error() {
            return Self::from_stream(error, phase);
        }
        // Neither an I/O error nor an OpenSSL error stack: the stream ended.
        let Some(stack) = error.ssl_error() else { return Self::Closed { phase } };
        if reasons(stack).any(|reason| reason == UNEXPECTED_EOF) {
            return Self::Closed { phase };
        }
        match reasons(stack).find(|reason| ALERTS.contains(reason)) {
            None | Some(ALERT_PROTOCOL_VERSION) => Self::from_tls_protocol(stack),
            Some(_) => Self::TlsRefused { alert: first_reason(stack) },
        }
    }

    /// Of an OpenSSL failure that is neither an alert nor a certificate.
    pub(super) fn from_tls_protocol(stack: &ErrorStack) -> Self {
        Self::TlsProtocol { detail: first_reason(stack) }
    }
}

/// What the prober's own host lacks for opening a socket now, if anything. Asked after a failed name resolution, because
/// the resolver reports a missing file descriptor only as a failure.
pub(super) fn local_shortage() -> Option<LocalFault> {
    let socket = std::net::UdpSocket::bind((std::net::Ipv4Addr::LOCALHOST, 0));
    socket.err().and_then(|error| local_fault(&error))
}

fn local_fault(error: &io::Error) -> Option<LocalFault> {
    // `io::ErrorKind` has no variants for these. The first two numbers are the same on all Unix systems, the third is Linux's.
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    const ENOBUFS: i32 = 105;
    match (error.raw_os_error(), error.kind()) {
        (Some(ENFILE | EMFILE), _) => Some(LocalFault::FileDescriptors),
        (Some(ENOBUFS), _) if cfg!(target_os = "linux") => Some(LocalFault::Memory),
        (_, io::ErrorKind::AddrNotAvailable) => Some(LocalFault::LocalAddress),
        (_, io::ErrorKind::PermissionDenied) => Some(LocalFault::Forbidden),
        (_, io::ErrorKind::OutOfMemory) => Some(LocalFault::Memory),
        _ => None,
    }
}

/// The reason codes of an OpenSSL error stack, the first cause first.
pub(super) fn reasons(stack: &ErrorStack) -> impl Iterator<Item = i32> {
    stack.errors().iter().map(openssl::error::Error::reason_code)
}

/// OpenSSL's text for the first reason, without its source file and line.
fn first_reason(stack: &ErrorStack) -> String {
    let first = stack.errors().first().and_then(openssl::error::Error::reason);
    first.unwrap_or("no reason given").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortage_on_the_own_host_is_a_local_fault_in_every_phase() {
        for (code, fault) in [(24, LocalFault::FileDescriptors), (23, LocalFault::FileDescriptors)] {
            let error = io::Error::from_raw_os_error(code);
            assert_eq!(WireError::from_connect(&error), WireError::Local { fault });
            assert_eq!(WireError::from_stream(&error, Phase::Serving), WireError::Local { fault });
        }
        let error = io::Error::from(io::ErrorKind::AddrNotAvailable);
        let fault = LocalFault::LocalAddress;
        assert_eq!(WireError::from_connect(&error), WireError::Local { fault });
    }

    #[test]
    fn time_out_is_a_connect_time_out_before_and_unacknowledged_bytes_after_the_connect() {
        let error = io::Error::from(io::ErrorKind::TimedOut);
        assert_eq!(WireError::from_connect(&error), WireError::ConnectTimeout);
        assert_eq!(WireError::from_stream(&error, Phase::Serving), WireError::Unacknowledged { phase: Phase::Serving });
    }

    #[test]
    fn reset_and_broken_pipe_map_to_the_same_error() {
        let phase = Phase::Serving;
        for kind in [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe] {
            assert_eq!(WireError::from_stream(&io::Error::from(kind), phase), WireError::Reset { phase });
        }
    }
}
