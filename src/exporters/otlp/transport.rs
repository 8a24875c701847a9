//! The connection to the collector: `opentelemetry-otlp` with our address, headers, TLS and compression, over gRPC or HTTP.
//! Everything that can be checked without connecting is checked at construction.
//!
//! The configuration has read the environment; its layers decide. The crate reads the environment too: what it finds
//! there is overwritten (endpoint, protocol, time-out, headers), with one exception. Over gRPC compression can be
//! switched on but not off, so that `OTEL_EXPORTER_OTLP_COMPRESSION=gzip` wins over a file that sets no compression.

use std::time::Duration;

use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use opentelemetry_otlp::{
    Compression, ExporterBuildError, MetricExporter, RetryPolicy, WithExportConfig, WithHttpConfig, WithTonicConfig,
};
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tonic::metadata::MetadataMap;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use super::exchange::{CrateLog, Exchange};
use super::explain::Peer;
use super::failure::Failure;
use super::tls::{self, TlsSettings};
use super::{ExportError, OtlpSettings, Protocol, grpc, http, keys};

/// One collector.
#[derive(Debug)]
pub(super) struct Transport {
    exporter: MetricExporter,
    dial: Dial,
    exchange: Exchange,
    /// Reads the crate's log while it exports.
    crate_log: Dispatch,
    peer: Peer,
    /// The values of the headers, to keep them out of the log.
    secrets: Vec<String>,
}

/// What an exporter is made of.
#[derive(Debug)]
struct Dial {
    protocol: Protocol,
    uri: Uri,
    headers: HeaderMap,
    gzip: bool,
    tls: ClientConfig,
    timeout: Duration,
}

impl Transport {
    /// To be called within the runtime that will export.
    pub(super) fn new(settings: &OtlpSettings) -> Result<Transport, ExportError> {
        let refuse = |problem: String| ExportError::Endpoint { endpoint: settings.endpoint.clone(), problem };
        let Address { uri, secure, host, port } = Address::parse(&settings.endpoint).map_err(refuse)?;
        let headers = headers(&settings.headers)?;
        let name = ServerName::try_from(host.clone()).map_err(|error| refuse(error.to_string()))?;
        let (protocol, gzip, timeout) = (settings.protocol, settings.gzip, settings.timeout);
        // Over plain HTTP certificates mean nothing, and a machine may have none.
        let (peer_tls, tls) = if secure {
            let tls = tls::client(&settings.tls).map_err(ExportError::Tls)?;
            (Some(tls.clone()), tls)
        } else {
            // The connector wants a configuration although no address will need it.
            (None, tls::client(&TlsSettings { ca: Some(Vec::new()), client: None }).map_err(ExportError::Tls)?)
        };
        let exchange = Exchange::default();
        let dial = Dial { protocol, uri, headers, gzip, tls, timeout };
        Ok(Transport {
            exporter: dial.exporter(&exchange).map_err(|error| refuse(error.to_string()))?,
            dial,
            crate_log: Dispatch::new(CrateLog(exchange.clone())),
            exchange,
            peer: Peer::new(protocol, host, port, name, peer_tls),
            secrets: settings.headers.iter().map(|(_, value)| value.clone()).collect(),
        })
    }

    /// Sends one request. Ends by itself only if the collector does; the caller keeps the limit.
    pub(super) async fn export(&self, metrics: &ResourceMetrics) -> Result<(), Failure> {
        // Of an export that was given up.
        self.exchange.take();
        let result = self.exporter.export(metrics).with_subscriber(self.crate_log.clone()).await;
        match (self.exchange.take(), result) {
            (Some(Failure::Grpc(code, message)), Err(OTelSdkError::InternalFailure(error))) => {
                // What follows the code are the causes of a status that was made on this side of the connection.
                let causes = error.split_once(&format!("gRPC code: {code}: ")).map(|(_, causes)| causes.to_owned());
                Err(causes.map_or(Failure::Grpc(code, message), Failure::Broken))
            }
            (Some(failure), _) => Err(failure),
            (None, Err(error)) => Err(Failure::Unsent(error.to_string())),
            (None, Ok(())) => Ok(()),
        }
    }

    /// Makes the next export use a new connection. For a connection that did not answer: HTTP/2 would keep sending on
    /// it, and a proxy that still acknowledges the bytes keeps it open for ever.
    pub(super) fn reconnect(&mut self) {
        // It succeeded at construction, from the same settings.
        if let Ok(exporter) = self.dial.exporter(&self.exchange) {
            self.exporter = exporter;
        }
    }

    /// The cause of a failed export, and what to change if that can be known. Looks for it no longer than `limit`.
    pub(super) async fn explain(&self, failure: &Failure, limit: Duration) -> String {
        let text = failure.text(self.secrets.iter().map(String::as_str));
        self.peer.explain(failure, text, limit).await
    }
}

impl Dial {
    fn exporter(&self, exchange: &Exchange) -> Result<MetricExporter, ExporterBuildError> {
        let Dial { protocol, uri, headers, gzip, tls, timeout } = self;
        let (timeout, gzip) = (*timeout, *gzip);
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http();
        // The reader of `instruments.rs` decides the temporality; a value here keeps the crate from the environment.
        let builder = MetricExporter::builder().with_temporality(Temporality::Cumulative);
        match protocol {
            Protocol::Grpc => {
                let connector: HttpsConnector<_> = connector.enable_http2().wrap_connector(tcp(timeout));
                let metadata = MetadataMap::from_headers(headers.clone());
                let builder = builder
                    .with_tonic()
                    .with_channel(grpc::channel(uri.clone(), connector))
                    .with_timeout(timeout)
                    .with_retry_policy(RetryPolicy::disabled())
                    .with_interceptor(move |mut request: tonic::Request<()>| {
                        *request.metadata_mut() = metadata.clone();
                        request.set_timeout(timeout);
                        Ok(request)
                    });
                if gzip { builder.with_compression(Compression::Gzip).build() } else { builder.build() }
            }
            Protocol::HttpProtobuf => {
                let connector = connector.enable_http1().wrap_connector(tcp(timeout));
                let client = http::Client::new(uri.clone(), headers.clone(), gzip, connector, exchange.clone());
                builder
                    .with_http()
                    .with_http_client(client)
                    .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
                    .with_endpoint(uri.to_string())
                    .with_timeout(timeout)
                    .with_retry_policy(RetryPolicy::disabled())
                    .build()
            }
        }
    }
}

/// A connection whose bytes are not acknowledged ends with the export that waits for it, not after the system's
/// 15 minutes (`tcp_retries2`).
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
            // Anything else beside the host is a user, or a port that is not a number.
            None if authority.as_str() == host => default_port,
            None => return Err(invalid()),
        };
        // An IPv6 address has brackets in a URL, and none in a socket address.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Address { uri, secure, host, port })
    }
}

fn headers(given: &[(String, String)]) -> Result<HeaderMap, ExportError> {
    let mut headers = HeaderMap::new();
    // The OTLP specification asks for one; the user's own replaces it.
    let agent = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    for (name, value) in given {
        let refuse = || ExportError::Header { name: name.clone(), setting: keys::HEADERS };
        let key = HeaderName::try_from(name.as_str()).map_err(|_| refuse())?;
        let mut value = HeaderValue::try_from(value.as_str()).map_err(|_| refuse())?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}
