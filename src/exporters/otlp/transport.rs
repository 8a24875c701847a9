//! The connection to the collector. It is checked at construction, as far as that goes without connecting.

use std::collections::HashMap;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use opentelemetry_otlp::tonic_types::metadata::MetadataMap;
use opentelemetry_otlp::{
    Compression, ExporterBuildError, MetricExporter, RetryPolicy, WithExportConfig, WithHttpConfig, WithTonicConfig,
};
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{ExportError, OtlpSettings, Protocol};

/// The SDK's own time-out lies this far behind ours, so that ours ends every export that hangs.
const SLACK: Duration = Duration::from_secs(1);
/// How long to look for the cause of a failure.
const EXPLAIN: Duration = Duration::from_millis(250);

/// One collector.
#[derive(Debug)]
pub(super) struct Transport {
    exporter: MetricExporter,
    protocol: Protocol,
    host: String,
    port: u16,
}

impl Transport {
    pub(super) fn new(settings: &OtlpSettings) -> Result<Transport, ExportError> {
        let refuse = |problem: String| ExportError::Endpoint { endpoint: settings.endpoint.clone(), problem };
        let (host, port) = host_and_port(&settings.endpoint).map_err(refuse)?;
        let headers = headers(&settings.headers)?;
        let built = match settings.protocol {
            Protocol::Grpc => grpc(settings, headers),
            Protocol::HttpProtobuf => http(settings),
        };
        let exporter = built.map_err(|error| refuse(error.to_string()))?;
        Ok(Transport { exporter, protocol: settings.protocol, host, port })
    }

    /// Cumulative, unless `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` says otherwise.
    pub(super) fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }

    pub(super) async fn export(&self, metrics: &ResourceMetrics) -> Result<(), String> {
        self.exporter.export(metrics).await.map_err(|error| match error {
            OTelSdkError::InternalFailure(cause) => cause,
            error => error.to_string(),
        })
    }

    /// The cause of a failed export, with what the SDK leaves out: whether anyone listens there, and the commonest
    /// mistake, a port that speaks the other protocol.
    pub(super) async fn explain(&self, cause: String) -> String {
        let address = (self.host.as_str(), self.port);
        if let Ok(Err(error)) = timeout(EXPLAIN, TcpStream::connect(address)).await {
            return format!("cannot connect to {}:{}: {error}", self.host, self.port);
        }
        let wrong_protocol = match self.protocol {
            Protocol::Grpc => {
                ["Unimplemented", "h2 protocol", "http2", "frame"].iter().any(|sign| cause.contains(sign))
            }
            Protocol::HttpProtobuf => ["network error", "404", "405", "415"].iter().any(|sign| cause.contains(sign)),
        };
        match (wrong_protocol, self.protocol) {
            (false, _) => cause,
            (true, Protocol::Grpc) => {
                format!("{cause}; does {} speak gRPC? OTLP over HTTP is usually port 4318", self.port)
            }
            (true, Protocol::HttpProtobuf) => {
                format!(
                    "{cause}; does {} speak OTLP over HTTP at that path? OTLP over gRPC is usually port 4317",
                    self.port
                )
            }
        }
    }
}

/// There are no retries below our loop: the next export is the retry, and it carries newer totals.
fn grpc(settings: &OtlpSettings, headers: HeaderMap) -> Result<MetricExporter, ExporterBuildError> {
    let builder = MetricExporter::builder()
        .with_tonic()
        .with_endpoint(&settings.endpoint)
        .with_timeout(settings.timeout + SLACK)
        .with_retry_policy(RetryPolicy::disabled())
        .with_metadata(MetadataMap::from_headers(headers));
    if settings.gzip { builder.with_compression(Compression::Gzip).build() } else { builder.build() }
}

fn http(settings: &OtlpSettings) -> Result<MetricExporter, ExporterBuildError> {
    let builder = MetricExporter::builder()
        .with_http()
        .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
        .with_endpoint(&settings.endpoint)
        .with_timeout(settings.timeout + SLACK)
        .with_retry_policy(RetryPolicy::disabled())
        .with_headers(settings.headers.iter().cloned().collect::<HashMap<_, _>>());
    if settings.gzip { builder.with_compression(Compression::Gzip).build() } else { builder.build() }
}

fn host_and_port(endpoint: &str) -> Result<(String, u16), String> {
    const EXAMPLE: &str = "write it like http://collector:4317";
    if endpoint.starts_with("https://") {
        return Err("this build has no TLS for OTLP; export over http to a collector nearby, which adds TLS".to_owned());
    }
    if !endpoint.starts_with("http://") {
        return Err(format!("is not an http URL; {EXAMPLE}"));
    }
    let uri: Uri = endpoint.parse().map_err(|error| format!("is not a valid URL ({error}); {EXAMPLE}"))?;
    let invalid = || format!("has no valid host and port; {EXAMPLE}");
    let authority = uri.authority().ok_or_else(invalid)?;
    let host = authority.host();
    let port = match authority.port_u16() {
        Some(port) => port,
        // Whatever else stands beside the host is a user, or a port that is no number.
        None if authority.as_str() == host => 80,
        None => return Err(invalid()),
    };
    // An IPv6 address stands in brackets in a URL, and without them in a socket address.
    Ok((host.trim_start_matches('[').trim_end_matches(']').to_owned(), port))
}

/// The SDK would leave out what it cannot send, without a word.
fn headers(given: &[(String, String)]) -> Result<HeaderMap, ExportError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let refuse = || ExportError::Header { name: name.clone() };
        let key = HeaderName::try_from(name.as_str()).map_err(|_| refuse())?;
        let mut value = HeaderValue::try_from(value.as_str()).map_err(|_| refuse())?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}
