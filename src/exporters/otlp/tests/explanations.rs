//! Every explanation of a failed export names the setting to change.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::metrics::data::ResourceMetrics;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::super::failure::Failure;
use super::super::transport::Transport;
use super::super::{ClientIdentity, ExportError, OtlpSettings, Protocol, TlsSettings};
use super::receiver::{Receiver, Tls, certificates, free_address, key};
use super::settings;
use crate::authority::{Authority, Issued};

const BOTH: [Protocol; 2] = [Protocol::Grpc, Protocol::HttpProtobuf];
const LIMIT: Duration = Duration::from_secs(5);

/// The settings that an explanation names.
const ENDPOINT: &str = "otlp.endpoint (OTEL_EXPORTER_OTLP_ENDPOINT)";
const PROTOCOL: &str = "otlp.protocol (OTEL_EXPORTER_OTLP_PROTOCOL)";
const CA: &str = "otlp.ca (OTEL_EXPORTER_OTLP_CERTIFICATE)";
const CLIENT_CERTIFICATE: &str = "otlp.client_certificate (OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE)";

/// One export, and the explanation if it fails.
async fn outcome(settings: &OtlpSettings) -> Result<(), String> {
    let transport = Transport::new(settings).map_err(|error| error.to_string())?;
    let sent = timeout(LIMIT, transport.export(&ResourceMetrics::default())).await;
    match sent.unwrap_or_else(|_| Err(Failure::Late("no answer".to_owned()))) {
        Ok(()) => Ok(()),
        Err(failure) => Err(transport.explain(&failure, LIMIT).await),
    }
}

#[track_caller]
fn assert_explained(outcome: Result<(), String>, parts: &[&str]) {
    let cause = outcome.expect_err("the export fails");
    for part in parts {
        assert!(cause.contains(part), "no {part:?} in: {cause}");
    }
    assert!(!cause.contains('\n'), "{cause}");
}

fn secure(address: SocketAddr, protocol: Protocol, tls: TlsSettings) -> OtlpSettings {
    let plain = settings(address, protocol);
    OtlpSettings { endpoint: plain.endpoint.replace("http://", "https://"), tls, ..plain }
}

fn trusting(authority: &Authority) -> TlsSettings {
    TlsSettings { ca: Some(certificates(&authority.pem())), client: None }
}

fn identity(issued: &Issued) -> Option<ClientIdentity> {
    Some(ClientIdentity { chain: certificates(&issued.certificate), key: Arc::new(key(issued)) })
}

/// A server for these hosts; clients must show a certificate of `clients`, if there is one.
fn server(authority: &Authority, hosts: &[&str], clients: Option<&Authority>) -> Tls {
    Tls { shows: authority.issue(hosts), demands: clients.map(Authority::pem) }
}

#[tokio::test]
async fn address_that_refuses_is_named() {
    for protocol in BOTH {
        let address = free_address().await;
        let start = format!("cannot connect to {address}: Connection refused");
        assert_explained(outcome(&settings(address, protocol)).await, &[&start, ENDPOINT]);
    }
}

#[tokio::test]
async fn port_without_a_response_is_explained_as_no_answer() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = silent.local_addr().expect("it is bound");
    for protocol in BOTH {
        let transport = Transport::new(&settings(address, protocol)).expect("it is valid");
        let late = Failure::Late("no answer within 5s".to_owned());
        assert_eq!(transport.explain(&late, Duration::from_millis(200)).await, "no answer within 5s");
    }
}

#[tokio::test]
async fn port_of_the_other_protocol_is_named() {
    let receiver = Receiver::start(Protocol::Grpc).await;
    let over_http = outcome(&settings(receiver.address, Protocol::HttpProtobuf)).await;
    assert_explained(over_http, &["speaks HTTP/2, as gRPC does", PROTOCOL, "to grpc", "4318", ENDPOINT]);

    // This one takes HTTP/2 as well, and knows no gRPC there.
    let receiver = Receiver::start(Protocol::HttpProtobuf).await;
    let over_grpc = outcome(&settings(receiver.address, Protocol::Grpc)).await;
    assert_explained(over_grpc, &["gRPC status Unimplemented", PROTOCOL, "to http/protobuf", "4317", ENDPOINT]);

    let over_grpc = outcome(&settings(http1().await, Protocol::Grpc)).await;
    assert_explained(over_grpc, &["speaks HTTP/1, not gRPC", PROTOCOL, "to http/protobuf", "4317", ENDPOINT]);
}

/// A server of HTTP/1 alone, which answers to everything that it does not understand it.
async fn http1() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut first = [0; 16];
            // A client that goes away is no matter of this server.
            let _ = stream.read_exact(&mut first).await;
            let _ =
                stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    address
}

#[tokio::test]
async fn over_tls_the_other_protocol_is_named_too() {
    let authority = Authority::new();
    for (listens, speaks) in [(Protocol::Grpc, Protocol::HttpProtobuf), (Protocol::HttpProtobuf, Protocol::Grpc)] {
        let receiver = Receiver::secure(listens, server(&authority, &["127.0.0.1"], None)).await;
        let outcome = outcome(&secure(receiver.address, speaks, trusting(&authority))).await;
        assert_explained(outcome, &[PROTOCOL, ENDPOINT]);
    }
}

#[tokio::test]
async fn plain_http_to_a_tls_port_wants_https() {
    let authority = Authority::new();
    for listens in BOTH {
        let receiver = Receiver::secure(listens, server(&authority, &["127.0.0.1"], None)).await;
        for speaks in BOTH {
            let outcome = outcome(&settings(receiver.address, speaks)).await;
            assert_explained(outcome, &["speaks TLS; write https:// in", ENDPOINT]);
        }
    }
}

#[tokio::test]
async fn https_to_a_plain_port_wants_http() {
    for listens in BOTH {
        let receiver = Receiver::start(listens).await;
        for speaks in BOTH {
            let outcome = outcome(&secure(receiver.address, speaks, trusting(&Authority::new()))).await;
            assert_explained(outcome, &["speaks plain HTTP; write http:// in", ENDPOINT]);
        }
    }
}

#[tokio::test]
async fn unknown_ca_and_wrong_host_have_different_explanations() {
    let authority = Authority::new();
    for protocol in BOTH {
        let ours = server(&authority, &["127.0.0.1"], None);
        let receiver = Receiver::secure(protocol, ours).await;
        for other in [Authority::named("stranger"), Authority::new()] {
            let stranger = outcome(&secure(receiver.address, protocol, trusting(&other))).await;
            assert_explained(stranger, &["signed by a CA that we do not trust", CA]);
        }

        let elsewhere = server(&authority, &["collector.elsewhere.example"], None);
        let receiver = Receiver::secure(protocol, elsewhere).await;
        let wrong_host = outcome(&secure(receiver.address, protocol, trusting(&authority))).await;
        assert_explained(wrong_host, &["is for another host name", "collector.elsewhere.example", ENDPOINT]);
    }
}

#[tokio::test]
async fn demanded_client_certificate_is_named_and_a_good_one_is_taken() {
    let (servers, clients) = (Authority::new(), Authority::new());
    for protocol in BOTH {
        let demanding = server(&servers, &["127.0.0.1"], Some(&clients));
        let receiver = Receiver::secure(protocol, demanding).await;
        let with = |client| secure(receiver.address, protocol, TlsSettings { client, ..trusting(&servers) });
        assert_explained(outcome(&with(None)).await, &["demands a client certificate", CLIENT_CERTIFICATE]);
        for other in [&Authority::named("stranger"), &servers] {
            let of_another = outcome(&with(identity(&other.issue(&[])))).await;
            assert_explained(of_another, &["does not take our certificate", CLIENT_CERTIFICATE]);
        }
        assert_eq!(outcome(&with(identity(&clients.issue(&[])))).await, Ok(()));
        assert_eq!(receiver.received(1).await.len(), 1);
    }
}

#[tokio::test]
async fn wrong_path_is_named() {
    let receiver = Receiver::start(Protocol::HttpProtobuf).await;
    let plain = settings(receiver.address, Protocol::HttpProtobuf);
    let elsewhere = OtlpSettings { endpoint: format!("http://{}/elsewhere", receiver.address), ..plain };
    assert_explained(outcome(&elsewhere).await, &["HTTP status 404", "usually /v1/metrics", ENDPOINT]);
}

#[tokio::test]
async fn key_of_another_certificate_is_refused_at_the_start() {
    let authority = Authority::new();
    let (one, other) = (authority.issue(&[]), authority.issue(&[]));
    let mixed = Issued { certificate: one.certificate, key: other.key };
    let address = SocketAddr::from(([127, 0, 0, 1], 4317));
    let tls = TlsSettings { client: identity(&mixed), ..trusting(&authority) };
    let error = Transport::new(&secure(address, Protocol::Grpc, tls)).expect_err("it is refused");
    assert!(matches!(error, ExportError::Tls(_)));
    assert!(error.to_string().contains("does not belong to the certificate in otlp.client_certificate"), "{error}");
}
