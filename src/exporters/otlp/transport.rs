//! The way to the collector: its address, the headers, and one of the two transports. It is checked at construction, as
//! far as that goes without connecting.
//!
//! Nothing here reads the environment: the configuration has done so, and its layers stay in their order.

use std::time::Duration;

use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use tokio_rustls::rustls::pki_types::ServerName;

use super::explain::Peer;
use super::failure::Failure;
use super::grpc::Grpc;
use super::http::Http;
use super::tls::{self, TlsSettings};
use super::{ExportError, OtlpSettings, Protocol, names};

/// One collector.
#[derive(Debug)]
pub(super) struct Transport {
    wire: Wire,
    peer: Peer,
    /// The values of the headers, to keep them out of the log.
    secrets: Vec<String>,
}

#[derive(Debug)]
enum Wire {
    Grpc(Grpc),
    Http(Http),
}

impl Transport {
    pub(super) fn new(settings: &OtlpSettings) -> Result<Transport, ExportError> {
        let refuse = |problem: String| ExportError::Endpoint { endpoint: settings.endpoint.clone(), problem };
        let Address { uri, secure, host, port } = Address::parse(&settings.endpoint).map_err(refuse)?;
        let headers = headers(&settings.headers)?;
        // Over plain HTTP certificates mean nothing, and a machine may well have none.
        let tls = match secure {
            true => Some(tls::client(&settings.tls).map_err(ExportError::Tls)?),
            false => None,
        };
        let name = ServerName::try_from(host.clone()).map_err(|error| refuse(error.to_string()))?;
        let peer = Peer::new(settings.protocol, host, port, name, tls.clone());
        let tls = match tls {
            Some(tls) => tls,
            // The connector wants one although no address will need it.
            None => tls::client(&TlsSettings { ca: Some(Vec::new()), client: None }).map_err(ExportError::Tls)?,
        };
        let tcp = tcp(settings.timeout);
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        let wire = match settings.protocol {
            Protocol::Grpc => {
                let connector: HttpsConnector<_> = connector.enable_http2().wrap_connector(tcp);
                Wire::Grpc(Grpc::new(uri, headers, settings.gzip, connector))
            }
            Protocol::HttpProtobuf => {
                let connector = connector.enable_http1().wrap_connector(tcp);
                Wire::Http(Http::new(uri, headers, settings.gzip, connector))
            }
        };
        let secrets = settings.headers.iter().map(|(_, value)| value.clone()).collect();
        Ok(Transport { wire, peer, secrets })
    }

    /// Sends one request. Ends by itself only if the collector does; the caller keeps the limit.
    pub(super) async fn export(&self, request: ExportMetricsServiceRequest, limit: Duration) -> Result<(), Failure> {
        match &self.wire {
            Wire::Grpc(grpc) => grpc.export(request, limit).await,
            Wire::Http(http) => http.export(request).await,
        }
    }

    /// The cause of a failed export, and what to change if that can be known. Looks for it no longer than `limit`.
    pub(super) async fn explain(&self, failure: &Failure, limit: Duration) -> String {
        let text = failure.text(self.secrets.iter().map(String::as_str));
        self.peer.explain(failure, text, limit).await
    }
}

/// A connection that a network swallowed ends with the export that it held up, not after the system's 15 minutes.
fn tcp(timeout: Duration) -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(timeout));
    tcp.set_tcp_user_timeout(Some(timeout));
    tcp
}

/// A collector's URL, taken apart.
struct Address {
    uri: Uri,
    secure: bool,
    /// An IPv6 address without its brackets.
    host: String,
    port: u16,
}

impl Address {
    fn parse(endpoint: &str) -> Result<Address, String> {
        const EXAMPLE: &str = "write it like http://collector:4317";
        let (secure, default_port) = match endpoint.split_once("://") {
            Some(("http", _)) => (false, 80),
            Some(("https", _)) => (true, 443),
            _ => return Err(format!("is not an http or https URL; {EXAMPLE}")),
        };
        let uri: Uri = endpoint.parse().map_err(|error| format!("is not a valid URL ({error}); {EXAMPLE}"))?;
        let invalid = || format!("has no valid host and port; {EXAMPLE}");
        let authority = uri.authority().ok_or_else(invalid)?;
        let host = authority.host();
        let port = match authority.port_u16() {
            Some(port) => port,
            // Whatever else stands beside the host is a user, or a port that is no number.
            None if authority.as_str() == host => default_port,
            None => return Err(invalid()),
        };
        // An IPv6 address stands in brackets in a URL, and without them in a socket address.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Address { uri, secure, host, port })
    }
}

fn headers(given: &[(String, String)]) -> Result<HeaderMap, ExportError> {
    let mut headers = HeaderMap::new();
    // The OTLP specification asks for one; a user's own goes before it.
    let agent = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    for (name, value) in given {
        let refuse = || ExportError::Header { name: name.clone(), setting: names::HEADERS };
        let key = HeaderName::try_from(name.as_str()).map_err(|_| refuse())?;
        let mut value = HeaderValue::try_from(value.as_str()).map_err(|_| refuse())?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}
