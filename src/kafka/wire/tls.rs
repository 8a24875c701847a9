//! The TLS handshake between TCP connect and the first Kafka request, and which defect of the broker's certificate made it
//! fail.
//!
//! OpenSSL checks a certificate in this order: trust, name, dates. A certificate that is both untrusted and expired is
//! therefore reported as untrusted.

use std::net::IpAddr;
use std::pin::Pin;

use openssl::error::ErrorStack;
use openssl::ssl::{Error, SslRef};
use openssl::x509::X509VerifyResult;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use tokio_openssl::SslStream;

use super::error::{Phase, WireError};
use super::stream_error::{CERTIFICATE_VERIFY_FAILED, reasons};
use crate::kafka::security::Tls;

/// Results of certificate verification (`openssl/x509_vfy.h`).
const NOT_YET_VALID: i32 = 9;
const HAS_EXPIRED: i32 = 10;
const HOSTNAME_MISMATCH: i32 = 62;
const IP_ADDRESS_MISMATCH: i32 = 64;

/// Performs the TLS handshake over a connected stream. The certificate must be valid for `host`, the name or address that
/// was dialled.
///
/// # Errors
/// [`WireError::NoAnswer`] if the handshake is not complete by `by`; otherwise the defect of the certificate, the alert
/// that the broker sent, or the failure of the stream.
pub(super) async fn handshake<S>(tls: &Tls, host: &str, stream: S, by: Instant) -> Result<SslStream<S>, WireError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut stream = open(tls, host, stream).map_err(|error| WireError::from_tls_protocol(&error))?;
    match timeout_at(by, Pin::new(&mut stream).connect()).await {
        Ok(Ok(())) => Ok(stream),
        Ok(Err(error)) => {
            let defect = certificate_defect(&error, stream.ssl(), host);
            Err(defect.unwrap_or_else(|| WireError::from_tls(&error, Phase::Tls)))
        }
        Err(_) => Err(WireError::NoAnswer { phase: Phase::Tls }),
    }
}

fn open<S: AsyncRead + AsyncWrite>(tls: &Tls, host: &str, stream: S) -> Result<SslStream<S>, ErrorStack> {
    // SNI carries host names only, not addresses (RFC 6066, 3).
    let is_name = host.parse::<IpAddr>().is_err();
    let connecting = tls.connector.configure()?.use_server_name_indication(is_name);
    SslStream::new(connecting.verify_hostname(!tls.settings.any_hostname).into_ssl(host)?, stream)
}

/// Why we rejected the broker's certificate, if that made the handshake fail.
fn certificate_defect(error: &Error, ssl: &SslRef, host: &str) -> Option<WireError> {
    let by_certificate = |stack: &ErrorStack| reasons(stack).any(|reason| reason == CERTIFICATE_VERIFY_FAILED);
    error.ssl_error().filter(|stack| by_certificate(stack))?;
    Some(defect_of(ssl.verify_result(), host))
}

fn defect_of(result: X509VerifyResult, host: &str) -> WireError {
    let detail = result.error_string().to_owned();
    match result.as_raw() {
        NOT_YET_VALID | HAS_EXPIRED => WireError::CertificateExpired { detail },
        HOSTNAME_MISMATCH | IP_ADDRESS_MISMATCH => WireError::CertificateWrongName { host: host.to_owned() },
        _ => WireError::CertificateUntrusted { detail },
    }
}
