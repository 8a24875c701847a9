//! Why an export fails, and which setting to change to what.
//!
//! The error of an HTTP library seldom names the cause of a wrong port ("frame with invalid size"). So after a failure
//! without an answer the port is tried, once an outage, on connections of its own: does it accept, is it TLS, do both
//! sides trust each other, and which version of HTTP does it speak?

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{AlertDescription, CertificateError, ClientConfig, ClientConnection, Error as TlsError};

use super::failure::Failure;
use super::tls::{self, TlsSettings};
use super::{Protocol, keys};

/// The client's preface of HTTP/2 and an empty SETTINGS frame (RFC 9113, section 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// The part of the limit that one wait for the first bytes of a port may take; there are at most two such waits.
const WAIT_PART: u32 = 4;

/// The collector's port, as far as the configuration describes it.
#[derive(Debug)]
pub(super) struct Peer {
    protocol: Protocol,
    host: String,
    port: u16,
    name: ServerName<'static>,
    /// `None` over plain HTTP.
    tls: Option<Arc<ClientConfig>>,
}

/// The protocol of a port, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    Http1,
    Http2,
    Tls,
    /// Another protocol, or no bytes at all.
    Unknown,
}

impl Peer {
    pub(super) fn new(
        protocol: Protocol,
        host: String,
        port: u16,
        name: ServerName<'static>,
        tls: Option<ClientConfig>,
    ) -> Peer {
        let tls = tls.map(|mut tls| {
            tls.alpn_protocols = vec![alpn(protocol)];
            Arc::new(tls)
        });
        Peer { protocol, host, port, name, tls }
    }

    /// The explanation of a failure; `text`, the failure's own, where none is found within `limit`.
    pub(super) async fn explain(&self, failure: &Failure, text: String, limit: Duration) -> String {
        let found = match failure {
            Failure::Grpc(code, message) => self.hint_of_grpc(code, message).map(|hint| format!("{text}; {hint}")),
            // How servers of TLS answer plain HTTP.
            Failure::Http(400, _) if self.tls.is_none() => {
                let is_tls = timeout(limit, self.greets_in_tls(limit)).await.unwrap_or_default();
                is_tls.then(|| self.is_tls())
            }
            Failure::Http(status, _) => self.hint_of_http(*status).map(|hint| format!("{text}; {hint}")),
            Failure::Rejected(..) | Failure::Unsent(_) => None,
            Failure::Broken(_) | Failure::Late(_) => timeout(limit, self.try_port(limit)).await.unwrap_or_default(),
        };
        found.unwrap_or(text)
    }

    fn hint_of_grpc(&self, code: &str, message: &str) -> Option<String> {
        match code {
            "Unimplemented" => Some(self.other_protocol()),
            // How tonic reads the text of a web server that answers over HTTP/2.
            "Internal" if message.starts_with("protocol error") => Some(self.other_protocol()),
            "Unauthenticated" | "PermissionDenied" => Some(format!("check {}", keys::HEADERS)),
            _ => None,
        }
    }

    fn hint_of_http(&self, status: u16) -> Option<String> {
        match status {
            401 | 403 => Some(format!("check {}", keys::HEADERS)),
            404 | 405 => Some(format!(
                "the path of {} is usually /v1/metrics; or else {}",
                keys::ENDPOINT,
                self.other_protocol()
            )),
            415 => Some(self.other_protocol()),
            300..=399 => Some(format!("it points elsewhere; give the final address in {}", keys::ENDPOINT)),
            _ => None,
        }
    }

    /// Tries the port; `None` if it behaves as it should.
    async fn try_port(&self, limit: Duration) -> Option<String> {
        let stream = match TcpStream::connect((self.host.as_str(), self.port)).await {
            Ok(stream) => stream,
            Err(error) => {
                return Some(format!("cannot connect to {}: {error}; check {}", self.address(), keys::ENDPOINT));
            }
        };
        let wait = limit / WAIT_PART;
        let Some(tls) = &self.tls else {
            return match protocol_of(stream, wait).await {
                Speaks::Unknown if self.greets_in_tls(wait).await => Some(self.is_tls()),
                speaks => self.mismatch(speaks),
            };
        };
        let mut stream = match TlsConnector::from(Arc::clone(tls)).connect(self.name.clone(), stream).await {
            Ok(stream) => stream,
            Err(error) => return Some(self.hint_of_handshake(error, wait).await),
        };
        // In TLS 1.3 a server checks our certificate after the client's side of the handshake is done. Unread bytes of
        // ours could make it reset the connection before its alert arrives, so we read first.
        let agreed = stream.get_ref().1.alpn_protocol().is_some();
        match first_bytes(&mut stream, wait).await {
            // Go's TLS accepts a client of HTTP/1 where only HTTP/2 is spoken; its gRPC then closes the connection.
            Err(_) if !agreed && self.agrees_on_the_other(tls).await => Some(self.other_protocol()),
            Err(error) => Some(self.hint_of_handshake(error, wait).await),
            Ok(Speaks::Unknown) => self.mismatch(protocol_of(stream, wait).await),
            Ok(speaks) => self.mismatch(speaks),
        }
    }

    async fn hint_of_handshake(&self, error: io::Error, wait: Duration) -> String {
        let of_tls = error.get_ref().and_then(|error| error.downcast_ref::<TlsError>());
        if let Some(hint) = of_tls.and_then(|error| self.hint_of_tls(error)) {
            return hint;
        }
        // The server closed the connection, or sent something other than TLS.
        let speaks = match TcpStream::connect((self.host.as_str(), self.port)).await {
            Ok(stream) => protocol_of(stream, wait).await,
            Err(_) => Speaks::Unknown,
        };
        match speaks {
            Speaks::Http1 | Speaks::Http2 => {
                format!("port {} speaks plain HTTP; write http:// in {}", self.port, keys::ENDPOINT)
            }
            Speaks::Tls | Speaks::Unknown => format!(
                "the TLS handshake with {} fails: {error}; check {}, and {} if it demands a certificate",
                self.address(),
                keys::ENDPOINT,
                keys::CLIENT_CERTIFICATE
            ),
        }
    }

    fn hint_of_tls(&self, error: &TlsError) -> Option<String> {
        let certificate = format!("the certificate of {}", self.address());
        match error {
            // The signature is bad when the CA has our CA's name but another key, as a renewed one has.
            TlsError::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
                Some(format!(
                    "{certificate} is signed by a CA that we do not trust; give that CA's PEM file in {}",
                    keys::CA
                ))
            }
            TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => Some(format!(
                "{certificate} is for another host name ({error}); use a name that it holds in {}",
                keys::ENDPOINT
            )),
            TlsError::InvalidCertificate(problem) => Some(format!("{certificate} is not valid: {problem}")),
            TlsError::AlertReceived(AlertDescription::NoApplicationProtocol) => Some(self.other_protocol()),
            TlsError::AlertReceived(AlertDescription::CertificateRequired) => Some(self.certificate_demanded()),
            TlsError::AlertReceived(alert) if Self::is_about_certificates(*alert) => Some(match self.has_identity() {
                true => format!(
                    "{} does not take our certificate ({alert:?}); check {} and {}",
                    self.address(),
                    keys::CLIENT_CERTIFICATE,
                    keys::CLIENT_KEY
                ),
                false => self.certificate_demanded(),
            }),
            _ => None,
        }
    }

    fn is_about_certificates(alert: AlertDescription) -> bool {
        matches!(
            alert,
            AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::DecryptError
                | AlertDescription::AccessDenied
        )
    }

    fn has_identity(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.client_auth_cert_resolver.has_certs())
    }

    fn certificate_demanded(&self) -> String {
        format!(
            "{} demands a client certificate; give PEM files in {} and {}",
            self.address(),
            keys::CLIENT_CERTIFICATE,
            keys::CLIENT_KEY
        )
    }

    fn mismatch(&self, speaks: Speaks) -> Option<String> {
        match (self.protocol, speaks) {
            (_, Speaks::Tls) => Some(self.is_tls()),
            (Protocol::Grpc, Speaks::Http1) => {
                Some(format!("port {} speaks HTTP/1, not gRPC; {}", self.port, self.other_protocol()))
            }
            (Protocol::HttpProtobuf, Speaks::Http2) => {
                Some(format!("port {} speaks HTTP/2, as gRPC does; {}", self.port, self.other_protocol()))
            }
            _ => None,
        }
    }

    fn is_tls(&self) -> String {
        format!("port {} speaks TLS; write https:// in {}", self.port, keys::ENDPOINT)
    }

    fn other_protocol(&self) -> String {
        let (here, usual, other, others) = match self.protocol {
            Protocol::Grpc => ("gRPC", 4317, "http/protobuf", 4318),
            Protocol::HttpProtobuf => ("HTTP", 4318, "grpc", 4317),
        };
        format!(
            "either set {} to {other} (usually port {others}), or give the port for OTLP over {here} (usually {usual}) in {}",
            keys::PROTOCOL,
            keys::ENDPOINT
        )
    }

    fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Whether a fresh connection negotiates what the other protocol needs (ALPN, RFC 7301).
    async fn agrees_on_the_other(&self, tls: &ClientConfig) -> bool {
        let other = alpn(match self.protocol {
            Protocol::Grpc => Protocol::HttpProtobuf,
            Protocol::HttpProtobuf => Protocol::Grpc,
        });
        let mut tls = tls.clone();
        tls.alpn_protocols = vec![other.clone()];
        let Ok(stream) = TcpStream::connect((self.host.as_str(), self.port)).await else { return false };
        let stream = TlsConnector::from(Arc::new(tls)).connect(self.name.clone(), stream).await;
        stream.is_ok_and(|stream| stream.get_ref().1.alpn_protocol() == Some(&other))
    }

    /// Whether a fresh connection answers a TLS ClientHello with TLS. No certificate is checked.
    async fn greets_in_tls(&self, wait: Duration) -> bool {
        let Ok(hello) = client_hello(self.name.clone()) else { return false };
        let Ok(mut stream) = TcpStream::connect((self.host.as_str(), self.port)).await else { return false };
        stream.write_all(&hello).await.is_ok()
            && first_bytes(&mut stream, wait).await.is_ok_and(|speaks| speaks == Speaks::Tls)
    }
}

/// The ALPN name that the protocol needs (RFC 7301).
fn alpn(protocol: Protocol) -> Vec<u8> {
    match protocol {
        Protocol::Grpc => b"h2".to_vec(),
        Protocol::HttpProtobuf => b"http/1.1".to_vec(),
    }
}

/// The protocol of a connection, by its answer to the preface of HTTP/2: servers of HTTP/1 answer it too.
async fn protocol_of<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, wait: Duration) -> Speaks {
    if stream.write_all(HTTP2_PREFACE).await.is_err() || stream.flush().await.is_err() {
        return Speaks::Unknown;
    }
    first_bytes(&mut stream, wait).await.unwrap_or(Speaks::Unknown)
}

/// The protocol of the first bytes that arrive; an error if the connection ends without any.
async fn first_bytes<S: AsyncRead + Unpin>(stream: &mut S, wait: Duration) -> io::Result<Speaks> {
    // A frame header of HTTP/2 has 9 bytes; the others are recognized by fewer.
    let mut first = [0; 9];
    let read = timeout(wait, stream.read_exact(&mut first)).await;
    match (first, read) {
        // Handshake or alert, version 3.x (RFC 8446, section 5.1). An alert is 7 bytes in all.
        ([0x15 | 0x16, 3, ..], _) => Ok(Speaks::Tls),
        ([b'H', b'T', b'T', b'P', b'/', b'1', ..], _) => Ok(Speaks::Http1),
        // SETTINGS on the connection itself (RFC 9113, section 6.5).
        ([0, _, _, 4, _, 0, 0, 0, 0], Ok(Ok(_))) => Ok(Speaks::Http2),
        (_, Ok(Err(error))) => Err(error),
        _ => Ok(Speaks::Unknown),
    }
}

/// The ClientHello of a TLS client.
fn client_hello(name: ServerName<'static>) -> Result<Vec<u8>, String> {
    let settings = TlsSettings { ca: Some(Vec::new()), client: None };
    let mut config = tls::client(&settings)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut client = ClientConnection::new(Arc::new(config), name).map_err(|error| error.to_string())?;
    let mut hello = Vec::new();
    client.write_tls(&mut hello).map_err(|error| error.to_string())?;
    Ok(hello)
}
