//! OTLP over gRPC: one HTTP/2 connection, opened when first needed and again when it broke.

use std::error::Error;
use std::time::Duration;

use axum::http::{HeaderMap, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataMap;
use tonic::{Request, body};

use super::failure::Failure;

/// One collector over gRPC.
#[derive(Debug)]
pub(super) struct Grpc {
    client: MetricsServiceClient<Client<HttpsConnector<HttpConnector>, body::Body>>,
    metadata: MetadataMap,
}

impl Grpc {
    /// `connector` offers HTTP/2 only.
    pub(super) fn new(endpoint: Uri, headers: HeaderMap, gzip: bool, connector: HttpsConnector<HttpConnector>) -> Grpc {
        let client = Client::builder(TokioExecutor::new()).timer(TokioTimer::new()).http2_only(true).build(connector);
        let client = MetricsServiceClient::with_origin(client, endpoint);
        let client = if gzip { client.send_compressed(CompressionEncoding::Gzip) } else { client };
        Grpc { client, metadata: MetadataMap::from_headers(headers) }
    }

    /// Sends one request. `limit` is told to the collector; the caller keeps it.
    pub(super) async fn export(&self, message: ExportMetricsServiceRequest, limit: Duration) -> Result<(), Failure> {
        let mut request = Request::new(message);
        *request.metadata_mut() = self.metadata.clone();
        request.set_timeout(limit);
        match self.client.clone().export(request).await {
            Ok(answer) => Failure::of_partial(answer.into_inner().partial_success),
            // A status with a source was made on this side, of what happened to the connection.
            Err(status) => Err(match status.source() {
                Some(cause) => Failure::broken(cause),
                None => Failure::Grpc(status.code(), status.message().to_owned()),
            }),
        }
    }
}
