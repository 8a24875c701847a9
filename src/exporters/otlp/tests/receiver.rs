//! A collector in the test's process, over either protocol, that keeps every decoded request.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use prost::Message;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;
use tonic::codec::CompressionEncoding;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, ServerTlsConfig};

use super::super::Protocol;
use super::DEADLINE;
use super::decoded::{Points, decode};
use crate::authority::Issued;

#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: ExportMetricsServiceRequest,
}

type Requests = Arc<watch::Sender<Vec<Request>>>;

/// A collector over either protocol. Its runtime is its own, so that dropping it cuts its connections too.
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    requests: Requests,
    runtime: Option<Runtime>,
}

impl Receiver {
    pub(super) async fn start(protocol: Protocol) -> Receiver {
        Receiver::at(free_address().await, protocol).await
    }

    /// Behind TLS.
    pub(super) async fn secure(protocol: Protocol, tls: Tls) -> Receiver {
        Receiver::serving(free_address().await, protocol, Some(tls)).await
    }

    pub(super) async fn at(address: SocketAddr, protocol: Protocol) -> Receiver {
        Receiver::serving(address, protocol, None).await
    }

    async fn serving(address: SocketAddr, protocol: Protocol, tls: Option<Tls>) -> Receiver {
        let requests: Requests = Arc::new(watch::Sender::new(Vec::new()));
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().expect("a runtime starts");
        let (listening, listens) = oneshot::channel();
        let server = serve(address, protocol, tls, Arc::clone(&requests), listening);
        runtime.spawn(server);
        listens.await.expect("it listens");
        Receiver { address, requests, runtime: Some(runtime) }
    }

    pub(super) async fn received(&self, count: usize) -> Vec<Request> {
        let mut requests = self.requests.subscribe();
        let enough = requests.wait_for(|requests| count <= requests.len());
        timeout(DEADLINE, enough).await.expect("requests arrive").expect("the sender lives").clone()
    }

    pub(super) fn newest(&self) -> Points {
        decode(self.requests.borrow().last().expect("a request arrived"))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(
    address: SocketAddr,
    protocol: Protocol,
    tls: Option<Tls>,
    requests: Requests,
    listening: oneshot::Sender<()>,
) {
    // An earlier receiver at this address may still be closing.
    let listener = loop {
        match TcpListener::bind(address).await {
            Ok(listener) => break listener,
            Err(_) => sleep(Duration::from_millis(2)).await,
        }
    };
    let _ = listening.send(());
    match (protocol, tls) {
        (Protocol::Grpc, tls) => serve_grpc(listener, tls, requests).await,
        (Protocol::HttpProtobuf, None) => axum::serve(listener, over_http(requests)).await.expect("it serves"),
        (Protocol::HttpProtobuf, Some(tls)) => {
            let secure = Secure(listener, TlsAcceptor::from(Arc::new(tls.of_rustls())));
            axum::serve(secure, over_http(requests)).await.expect("it serves");
        }
    }
}

/// The certificates of a receiver behind TLS.
pub(super) struct Tls {
    pub(super) shows: Issued,
    /// The PEM of the CA that must have signed a client's certificate.
    pub(super) demands: Option<String>,
}

impl Tls {
    fn of_tonic(&self) -> ServerTlsConfig {
        let tls = ServerTlsConfig::new().identity(Identity::from_pem(&self.shows.certificate, &self.shows.key));
        match &self.demands {
            None => tls,
            Some(clients) => tls.client_ca_root(tonic::transport::Certificate::from_pem(clients)),
        }
    }

    fn of_rustls(&self) -> ServerConfig {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().expect("ring has them");
        let builder = match &self.demands {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(certificates(clients));
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.expect("there is a root"))
            }
        };
        let shown = builder.with_single_cert(certificates(&self.shows.certificate), key(&self.shows));
        let mut config = shown.expect("the key belongs to it");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config
    }
}

pub(super) fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().expect("it is PEM")
}

pub(super) fn key(issued: &Issued) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).expect("it is PEM")
}

/// Takes connections whose handshake succeeds; one after the other, which is enough for a test.
struct Secure(TcpListener, TlsAcceptor);

impl axum::serve::Listener for Secure {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TlsStream<TcpStream>, SocketAddr) {
        loop {
            let Ok((stream, address)) = self.0.accept().await else { continue };
            if let Ok(Ok(stream)) = timeout(DEADLINE, self.1.accept(stream)).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

struct Grpc(Requests);

#[tonic::async_trait]
impl MetricsService for Grpc {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, tonic::Status> {
        let headers = text_of(&request.metadata().clone().into_headers());
        let body = request.into_inner();
        self.0.send_modify(|requests| requests.push(Request { headers, body }));
        Ok(tonic::Response::new(ExportMetricsServiceResponse::default()))
    }
}

async fn serve_grpc(listener: TcpListener, tls: Option<Tls>, requests: Requests) {
    let service = MetricsServiceServer::new(Grpc(requests)).accept_compressed(CompressionEncoding::Gzip);
    let mut server = tonic::transport::Server::builder();
    if let Some(tls) = tls {
        server = server.tls_config(tls.of_tonic()).expect("it is a certificate and its key");
    }
    server.add_service(service).serve_with_incoming(TcpIncoming::from(listener)).await.expect("it serves");
}

fn over_http(requests: Requests) -> Router {
    let take = move |headers: HeaderMap, body: Bytes| async move {
        let headers = text_of(&headers);
        let mut plain = Vec::new();
        if headers.get("content-encoding").is_some_and(|encoding| encoding == "gzip") {
            flate2::read::GzDecoder::new(&*body).read_to_end(&mut plain).expect("it is gzip");
        } else {
            plain = body.to_vec();
        }
        let body = ExportMetricsServiceRequest::decode(&*plain).expect("it is protobuf");
        requests.send_modify(|requests| requests.push(Request { headers, body }));
    };
    let limit = axum::extract::DefaultBodyLimit::disable();
    Router::new().route("/v1/metrics", post(take)).layer(limit)
}

fn text_of(headers: &HeaderMap) -> BTreeMap<String, String> {
    headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned())).collect()
}

pub(super) async fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    listener.local_addr().expect("it is bound")
}
