//! What `opentelemetry-otlp` keeps to itself, each beside what the exporter makes of it: were a newer crate to tell, the
//! part of `exchange.rs` that reads its log could go.

use std::net::SocketAddr;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use opentelemetry_otlp::{MetricExporter, RetryPolicy, WithExportConfig, WithHttpConfig, WithTonicConfig};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use prost::Message;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Response, Status};

use super::super::failure::Failure;
use super::super::transport::Transport;
use super::{Protocol, settings};

/// How a collector answers every request.
#[derive(Clone, Copy)]
enum Answer {
    /// It takes the request, but not three of its points.
    Rejects,
    /// It takes everything, with a remark.
    Warns,
    /// It refuses the request.
    Refuses,
}

const REJECTED: i64 = 3;
const REMARK: &str = "points are too old";
const REFUSAL: &str = "no such tenant";

impl Answer {
    fn of_grpc(self) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let rejected_data_points = match self {
            Answer::Rejects => REJECTED,
            Answer::Warns => 0,
            Answer::Refuses => return Err(Status::new(Code::PermissionDenied, REFUSAL)),
        };
        let partial = ExportMetricsPartialSuccess { rejected_data_points, error_message: REMARK.to_owned() };
        Ok(Response::new(ExportMetricsServiceResponse { partial_success: Some(partial) }))
    }

    fn of_http(self) -> (axum::http::StatusCode, [(axum::http::HeaderName, &'static str); 1], Vec<u8>) {
        match self.of_grpc() {
            Ok(response) => (
                axum::http::StatusCode::OK,
                [(CONTENT_TYPE, "application/x-protobuf")],
                response.into_inner().encode_to_vec(),
            ),
            Err(status) => (
                axum::http::StatusCode::FORBIDDEN,
                [(CONTENT_TYPE, "text/plain")],
                status.message().as_bytes().to_vec(),
            ),
        }
    }
}

#[tonic::async_trait]
impl MetricsService for Answer {
    async fn export(
        &self,
        _: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.of_grpc()
    }
}

async fn collector(protocol: Protocol, answer: Answer) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        match protocol {
            Protocol::Grpc => {
                let service = MetricsServiceServer::new(answer);
                let server = tonic::transport::Server::builder().add_service(service);
                server.serve_with_incoming(TcpIncoming::from(listener)).await.expect("it serves");
            }
            Protocol::HttpProtobuf => {
                let routes = Router::new().route("/v1/metrics", post(move || async move { answer.of_http() }));
                axum::serve(listener, routes).await.expect("it serves");
            }
        }
    });
    address
}

/// The result of the crate's own exporter, as its documentation makes it.
async fn of_the_crate(protocol: Protocol, answer: Answer) -> OTelSdkResult {
    let address = collector(protocol, answer).await;
    let exporter = match protocol {
        Protocol::Grpc => MetricExporter::builder()
            .with_tonic()
            .with_endpoint(format!("http://{address}"))
            .with_retry_policy(RetryPolicy::disabled())
            .build(),
        Protocol::HttpProtobuf => MetricExporter::builder()
            .with_http()
            .with_http_client(opentelemetry_http::hyper::HyperClient::with_default_connector(super::DEADLINE, None))
            .with_endpoint(format!("http://{address}/v1/metrics"))
            .with_retry_policy(RetryPolicy::disabled())
            .build(),
    };
    exporter.expect("it is valid").export(&ResourceMetrics::default()).await
}

/// The result of our transport over the crate.
async fn of_ours(protocol: Protocol, answer: Answer) -> Result<(), Failure> {
    let address = collector(protocol, answer).await;
    Transport::new(&settings(address, protocol)).expect("it is valid").export(&ResourceMetrics::default()).await
}

const BOTH: [Protocol; 2] = [Protocol::Grpc, Protocol::HttpProtobuf];

#[tokio::test]
async fn crate_returns_success_for_rejected_points_and_the_transport_a_failure() {
    for protocol in BOTH {
        of_the_crate(protocol, Answer::Rejects).await.expect("the crate keeps the rejected points to itself");
        let rejected = Failure::Rejected(REJECTED, REMARK.to_owned());
        assert_eq!(of_ours(protocol, Answer::Rejects).await, Err(rejected), "{protocol:?}");
    }
}

#[tokio::test]
async fn message_without_a_rejected_point_is_a_success() {
    for protocol in BOTH {
        assert_eq!(of_ours(protocol, Answer::Warns).await, Ok(()), "{protocol:?}");
    }
}

#[tokio::test]
async fn crate_returns_the_status_without_its_message_and_the_transport_both() {
    for (protocol, failure) in [
        (Protocol::Grpc, Failure::Grpc("PermissionDenied".to_owned(), REFUSAL.to_owned())),
        (Protocol::HttpProtobuf, Failure::Http(403, REFUSAL.to_owned())),
    ] {
        let error = of_the_crate(protocol, Answer::Refuses).await.expect_err("it is refused").to_string();
        assert!(!error.contains(REFUSAL), "the crate reports the message by now: {error}");
        assert_eq!(of_ours(protocol, Answer::Refuses).await, Err(failure));
    }
}
