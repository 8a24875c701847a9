//! TLS between TCP and Kafka: the handshake, and what OpenSSL's failures mean.
//!
//! OpenSSL checks a certificate in this order: trust, name, dates. So an expired one is named as such only if it was
//! ours to trust otherwise.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;

use openssl::error::ErrorStack;
use openssl::ssl::{Error, SslRef};
use openssl::x509::X509VerifyResult;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use tokio_openssl::SslStream;

use super::error::{Phase, WireError};
use crate::kafka::security::Tls;

/// OpenSSL's reasons (`openssl/sslerr.h`), the same since they were introduced.
const CERTIFICATE_VERIFY_FAILED: i32 = 134;
const UNEXPECTED_EOF: i32 = 294;
/// An alert from the peer is a reason of 1000 and its number (RFC 8446, 6).
const ALERTS: std::ops::RangeInclusive<i32> = 1000..=1255;
const ALERT_PROTOCOL_VERSION: i32 = 1070;

/// Verdicts on a certificate (`openssl/x509_vfy.h`).
const NOT_YET_VALID: i32 = 9;
const HAS_EXPIRED: i32 = 10;
const HOSTNAME_MISMATCH: i32 = 62;
const IP_ADDRESS_MISMATCH: i32 = 64;

/// Wraps a connected stream in TLS; `host` is what the certificate must be for, the name or address that was dialled.
///
/// # Errors
/// [`WireError::NoAnswer`] if the handshake is not over by `by`; otherwise what the certificate, the alert or the stream
/// says.
pub(super) async fn handshake<S>(tls: &Tls, host: &str, stream: S, by: Instant) -> Result<SslStream<S>, WireError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut stream = open(tls, host, stream).map_err(|error| protocol(&error))?;
    match timeout_at(by, Pin::new(&mut stream).connect()).await {
        Ok(Ok(())) => Ok(stream),
        Ok(Err(error)) => {
            Err(refused_certificate(&error, stream.ssl(), host).unwrap_or_else(|| failed(&error, Phase::Tls)))
        }
        Err(_) => Err(WireError::NoAnswer { phase: Phase::Tls }),
    }
}

fn open<S: AsyncRead + AsyncWrite>(tls: &Tls, host: &str, stream: S) -> Result<SslStream<S>, ErrorStack> {
    // An address is no name to be indicated (RFC 6066, 3).
    let is_name = host.parse::<IpAddr>().is_err();
    let connecting = tls.connector.configure()?.use_server_name_indication(is_name);
    SslStream::new(connecting.verify_hostname(!tls.settings.any_hostname).into_ssl(host)?, stream)
}

/// What we hold against the peer's certificate, if that is why the handshake failed.
fn refused_certificate(error: &Error, ssl: &SslRef, host: &str) -> Option<WireError> {
    let by_certificate = |stack: &ErrorStack| reasons(stack).any(|reason| reason == CERTIFICATE_VERIFY_FAILED);
    error.ssl_error().filter(|stack| by_certificate(stack))?;
    Some(verdict(ssl.verify_result(), host))
}

fn verdict(result: X509VerifyResult, host: &str) -> WireError {
    let detail = result.error_string().to_owned();
    match result.as_raw() {
        NOT_YET_VALID | HAS_EXPIRED => WireError::CertificateExpired { detail },
        HOSTNAME_MISMATCH | IP_ADDRESS_MISMATCH => WireError::CertificateWrongName { host: host.to_owned() },
        _ => WireError::CertificateUntrusted { detail },
    }
}

/// What a failure of a TLS stream means, in the handshake or later: in TLS 1.3 the peer judges our certificate when we
/// are through with the handshake already.
fn failed(error: &Error, phase: Phase) -> WireError {
    if let Some(error) = error.io_error() {
        return WireError::from_stream(error, phase);
    }
    // Neither of the two: the stream ended.
    let Some(stack) = error.ssl_error() else { return WireError::Closed { phase } };
    if reasons(stack).any(|reason| reason == UNEXPECTED_EOF) {
        return WireError::Closed { phase };
    }
    match reasons(stack).find(|reason| ALERTS.contains(reason)) {
        None | Some(ALERT_PROTOCOL_VERSION) => protocol(stack),
        Some(_) => WireError::TlsRefused { alert: words(stack) },
    }
}

/// The same for an error that came out of reading or writing; none if TLS has no part in it.
pub(super) fn failed_stream(error: &io::Error, phase: Phase) -> Option<WireError> {
    error.get_ref()?.downcast_ref().map(|error| failed(error, phase))
}

fn protocol(stack: &ErrorStack) -> WireError {
    WireError::TlsProtocol { detail: words(stack) }
}

fn reasons(stack: &ErrorStack) -> impl Iterator<Item = i32> {
    stack.errors().iter().map(openssl::error::Error::reason_code)
}

/// OpenSSL's words for the first reason, without the place in its sources.
fn words(stack: &ErrorStack) -> String {
    let first = stack.errors().first().and_then(openssl::error::Error::reason);
    first.unwrap_or("no reason given").to_owned()
}
