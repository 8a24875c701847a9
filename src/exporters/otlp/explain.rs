//! Why an export fails, told to the person who can change it: which setting, and to what.
//!
//! What a client's library says of a wrong port is seldom what is wrong with it ("frame with invalid size"). So after
//! a failure without an answer the port itself is asked: does anyone listen, is it TLS, do both sides trust each other,
//! and which HTTP does it speak? That is asked once per outage, on connections of its own.

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

/// How long a port may take to say something; of the whole look two such waits at most.
const SAYS_WITHIN: u32 = 4;

/// The collector as it can be asked.
#[derive(Debug)]
pub(super) struct Peer {
    protocol: Protocol,
    host: String,
    port: u16,
    name: ServerName<'static>,
    /// `None` over plain HTTP.
    tls: Option<Arc<ClientConfig>>,
}

/// What a port was heard to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    Http1,
    Http2,
    Tls,
    /// Nothing that we know, or nothing at all.
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

    /// `text` is what the failure says itself; it stands where nothing better is found within `limit`.
    pub(super) async fn explain(&self, failure: &Failure, text: String, limit: Duration) -> String {
        let found = match failure {
            Failure::Grpc(code, message) => self.hint_of_grpc(code, message).map(|hint| format!("{text}; {hint}")),
            // What servers of TLS answer to plain HTTP.
            Failure::Http(400, _) if self.tls.is_none() => {
                let is_tls = timeout(limit, self.greets_in_tls(limit)).await.unwrap_or_default();
                is_tls.then(|| self.is_tls())
            }
            Failure::Http(status, _) => self.hint_of_http(*status).map(|hint| format!("{text}; {hint}")),
            Failure::Rejected(..) | Failure::Unsent(_) => None,
            Failure::Broken(_) | Failure::Late(_) => timeout(limit, self.ask(limit)).await.unwrap_or_default(),
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

    /// Asks the port; `None` if it behaves as it should.
    async fn ask(&self, limit: Duration) -> Option<String> {
        let stream = match TcpStream::connect((self.host.as_str(), self.port)).await {
            Ok(stream) => stream,
            Err(error) => {
                return Some(format!("cannot connect to {}: {error}; check {}", self.address(), keys::ENDPOINT));
            }
        };
        let patience = limit / SAYS_WITHIN;
        let Some(tls) = &self.tls else {
            return match spoken(stream, patience).await {
                Speaks::Unknown if self.greets_in_tls(patience).await => Some(self.is_tls()),
                speaks => self.mismatch(speaks),
            };
        };
        let mut stream = match TlsConnector::from(Arc::clone(tls)).connect(self.name.clone(), stream).await {
            Ok(stream) => stream,
            Err(error) => return Some(self.hint_of_handshake(error, patience).await),
        };
        // In TLS 1.3 a server judges our certificate after the client's side of the handshake is done. Bytes of ours
        // that it does not read could cost us its verdict, so it has the first word.
        let agreed = stream.get_ref().1.alpn_protocol().is_some();
        match heard(&mut stream, patience).await {
            // Go's TLS lets a client of HTTP/1 in where only HTTP/2 is spoken, and gRPC then closes the door.
            Err(_) if !agreed && self.agrees_on_the_other(tls).await => Some(self.other_protocol()),
            Err(error) => Some(self.hint_of_handshake(error, patience).await),
            Ok(Speaks::Unknown) => self.mismatch(spoken(stream, patience).await),
            Ok(speaks) => self.mismatch(speaks),
        }
    }

    async fn hint_of_handshake(&self, error: io::Error, patience: Duration) -> String {
        let of_tls = error.get_ref().and_then(|error| error.downcast_ref::<TlsError>());
        if let Some(hint) = of_tls.and_then(|error| self.hint_of_tls(error)) {
            return hint;
        }
        // It hung up, or sent something that is no TLS.
        let speaks = match TcpStream::connect((self.host.as_str(), self.port)).await {
            Ok(stream) => spoken(stream, patience).await,
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
            // The signature is bad when a CA of the same name, but another key, has signed: one that was renewed.
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

    /// Whether a fresh connection settles on what the other protocol needs.
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

    /// Whether a fresh connection answers the beginning of TLS with TLS; nobody's certificate matters here.
    async fn greets_in_tls(&self, patience: Duration) -> bool {
        let Ok(hello) = client_hello(self.name.clone()) else { return false };
        let Ok(mut stream) = TcpStream::connect((self.host.as_str(), self.port)).await else { return false };
        stream.write_all(&hello).await.is_ok()
            && heard(&mut stream, patience).await.is_ok_and(|speaks| speaks == Speaks::Tls)
    }
}

/// What the protocol needs of the connection, in TLS's words (RFC 7301).
fn alpn(protocol: Protocol) -> Vec<u8> {
    match protocol {
        Protocol::Grpc => b"h2".to_vec(),
        Protocol::HttpProtobuf => b"http/1.1".to_vec(),
    }
}

/// What a connection speaks, by its answer to the beginning of HTTP/2: servers of HTTP/1 answer to it too.
async fn spoken<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, patience: Duration) -> Speaks {
    if stream.write_all(HTTP2_PREFACE).await.is_err() || stream.flush().await.is_err() {
        return Speaks::Unknown;
    }
    heard(&mut stream, patience).await.unwrap_or(Speaks::Unknown)
}

/// The kind of the first bytes that arrive; an error if the connection ends without a word.
async fn heard<S: AsyncRead + Unpin>(stream: &mut S, patience: Duration) -> io::Result<Speaks> {
    // A frame header of HTTP/2; the others tell themselves apart sooner.
    let mut first = [0; 9];
    let read = timeout(patience, stream.read_exact(&mut first)).await;
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

/// The first bytes of a TLS client.
fn client_hello(name: ServerName<'static>) -> Result<Vec<u8>, String> {
    let settings = TlsSettings { ca: Some(Vec::new()), client: None };
    let mut config = tls::client(&settings)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut client = ClientConnection::new(Arc::new(config), name).map_err(|error| error.to_string())?;
    let mut hello = Vec::new();
    client.write_tls(&mut hello).map_err(|error| error.to_string())?;
    Ok(hello)
}
