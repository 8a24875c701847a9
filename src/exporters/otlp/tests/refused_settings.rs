//! Settings that cannot work are refused with a sentence.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;

use super::{Otlp, OtlpSettings, Protocol, settings};
use crate::exporters::fixture;

fn refusal(endpoint: &str, protocol: Protocol) -> String {
    let (_, snapshots) = watch::channel(Arc::new(fixture::snapshot(1)));
    let address = SocketAddr::from(([127, 0, 0, 1], 4317));
    let settings = OtlpSettings { endpoint: endpoint.to_owned(), ..settings(address, protocol) };
    Otlp::new(settings, snapshots, &[], Arc::default()).map(|_| ()).expect_err("it is refused").to_string()
}

#[tokio::test]
async fn bad_endpoints_are_named_with_what_would_work() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        for (endpoint, problem) in [
            ("collector:4317", "is not an http or https URL"),
            ("http://", "is not a valid URL"),
            ("http://a b:4317", "is not a valid URL"),
            ("http://collector:port", "no valid host and port"),
            ("ftp://collector:4317", "is not an http or https URL"),
        ] {
            let message = refusal(endpoint, protocol);
            assert!(message.starts_with(&format!("OTLP endpoint \"{endpoint}\": ")), "{message}");
            assert!(message.contains(problem), "{message}");
        }
    }
}

#[tokio::test]
async fn bad_headers_are_named_without_their_value() {
    let (_, snapshots) = watch::channel(Arc::new(fixture::snapshot(1)));
    let address = SocketAddr::from(([127, 0, 0, 1], 4317));
    let headers = vec![("authorization".to_owned(), "secret\n".to_owned())];
    let settings = OtlpSettings { headers, ..settings(address, Protocol::Grpc) };
    let error = Otlp::new(settings, snapshots, &[], Arc::default()).map(|_| ()).expect_err("it is refused");
    let message = error.to_string();
    assert!(message.contains("\"authorization\"") && !message.contains("secret"), "{message}");
}
