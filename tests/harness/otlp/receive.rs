//! The two transports of OTLP metrics, each down to the decoded request.

use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use prost::Message;
use tokio::net::TcpListener;
use tonic::codec::CompressionEncoding;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::store::Store;

/// Far above any real receiver's limit: the test wants to see too large a request, not refuse it.
const LARGEST_REQUEST: usize = 64 << 20;

type Shared = Arc<Mutex<Store>>;

fn keep(store: &Shared, request: &ExportMetricsServiceRequest) {
    store.lock().unwrap_or_else(PoisonError::into_inner).take(request);
}

/// Serves `opentelemetry.proto.collector.metrics.v1.MetricsService`.
pub(super) async fn grpc(listener: TcpListener, store: Shared) {
    let service = MetricsServiceServer::new(Grpc(store))
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(LARGEST_REQUEST);
    let served = Server::builder().add_service(service).serve_with_incoming(TcpIncoming::from(listener));
    served.await.expect("a listening server serves");
}

struct Grpc(Shared);

#[tonic::async_trait]
impl MetricsService for Grpc {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, tonic::Status> {
        keep(&self.0, request.get_ref());
        Ok(tonic::Response::new(ExportMetricsServiceResponse::default()))
    }
}

/// Serves `POST /v1/metrics`, binary protobuf, plain or gzip.
pub(super) async fn http(listener: TcpListener, store: Shared) {
    let routes = Router::new()
        .route("/v1/metrics", post(export))
        .layer(DefaultBodyLimit::max(LARGEST_REQUEST))
        .with_state(store);
    axum::serve(listener, routes).await.expect("a listening server serves");
}

async fn export(State(store): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    match decode(&headers, &body) {
        Ok(request) => {
            keep(&store, &request);
            let answer = ExportMetricsServiceResponse::default().encode_to_vec();
            ([(header::CONTENT_TYPE, "application/x-protobuf")], answer).into_response()
        }
        Err(refusal) => refusal.into_response(),
    }
}

fn decode(headers: &HeaderMap, body: &Bytes) -> Result<ExportMetricsServiceRequest, (StatusCode, String)> {
    let value = |name| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("");
    let content_type = value(header::CONTENT_TYPE);
    if content_type != "application/x-protobuf" {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, content_type.to_owned()));
    }
    let plain = match value(header::CONTENT_ENCODING) {
        "" | "identity" => body.to_vec(),
        "gzip" => unzip(body).map_err(|e| (StatusCode::BAD_REQUEST, e.to_string()))?,
        other => return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, other.to_owned())),
    };
    ExportMetricsServiceRequest::decode(plain.as_slice()).map_err(|e| (StatusCode::BAD_REQUEST, e.to_string()))
}

fn unzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    let limit = u64::try_from(LARGEST_REQUEST).unwrap_or(u64::MAX);
    GzDecoder::new(body).take(limit).read_to_end(&mut plain)?;
    Ok(plain)
}
