//! The gRPC channel that `opentelemetry-otlp` sends with: one HTTP/2 connection with our TLS, opened when first needed
//! and again when it broke.

use std::task::{Context, Poll};

use axum::http::Uri;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use tonic::codegen::Service;
use tonic::transport::{Channel, Endpoint};

/// A channel to `endpoint`; `connector` offers HTTP/2 only.
pub(super) fn channel(endpoint: Uri, connector: HttpsConnector<HttpConnector>) -> Channel {
    // Tonic's own TLS, where it is compiled in, would want a second configuration for a URI of https.
    Endpoint::from(Uri::from_static("http://collector"))
        .origin(endpoint.clone())
        .connect_with_connector_lazy(Dialer { endpoint, connector })
}

/// Connects to its own endpoint and ignores the URI of the channel.
struct Dialer {
    endpoint: Uri,
    connector: HttpsConnector<HttpConnector>,
}

impl Service<Uri> for Dialer {
    type Response = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;
    type Error = <HttpsConnector<HttpConnector> as Service<Uri>>::Error;
    type Future = <HttpsConnector<HttpConnector> as Service<Uri>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        self.connector.call(self.endpoint.clone())
    }
}
