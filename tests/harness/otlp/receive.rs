//! The two transports of OTLP metrics, each down to the decoded request.

use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
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

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

type Shared = Arc<Mutex<Store>>;

fn keep(store: &Shared, headers: &HeaderMap, request: &ExportMetricsServiceRequest) {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    store.lock().unwrap_or_else(PoisonError::into_inner).take(headers, request);
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
        let headers = request.metadata().clone().into_headers();
        keep(&self.0, &headers, request.get_ref());
        Ok(tonic::Response::new(ExportMetricsServiceResponse::default()))
    }
}

/// Serves `POST /v1/metrics`: binary protobuf, plain or gzip, and the JSON that a collector sends on.
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
            keep(&store, &headers, &request);
            match of_type(&headers) {
                JSON => ([(header::CONTENT_TYPE, JSON)], "{}").into_response(),
                _ => {
                    let answer = ExportMetricsServiceResponse::default().encode_to_vec();
                    ([(header::CONTENT_TYPE, PROTOBUF)], answer).into_response()
                }
            }
        }
        Err(refusal) => refusal.into_response(),
    }
}

fn decode(headers: &HeaderMap, body: &Bytes) -> Result<ExportMetricsServiceRequest, (StatusCode, String)> {
    let bad = |error: String| (StatusCode::BAD_REQUEST, error);
    let plain = match value(headers, header::CONTENT_ENCODING) {
        "" | "identity" => body.to_vec(),
        "gzip" => unzip(body).map_err(|e| bad(e.to_string()))?,
        other => return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, other.to_owned())),
    };
    match of_type(headers) {
        PROTOBUF => ExportMetricsServiceRequest::decode(plain.as_slice()).map_err(|e| bad(e.to_string())),
        JSON => serde_json::from_slice(&plain).map_err(|e| bad(e.to_string())),
        other => Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, other.to_owned())),
    }
}

fn of_type(headers: &HeaderMap) -> &str {
    value(headers, header::CONTENT_TYPE)
}

fn value(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

fn unzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    let limit = u64::try_from(LARGEST_REQUEST).unwrap_or(u64::MAX);
    GzDecoder::new(body).take(limit).read_to_end(&mut plain)?;
    Ok(plain)
}
