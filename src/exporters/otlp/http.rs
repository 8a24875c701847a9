//! The HTTP client that `opentelemetry-otlp` sends with: our address, our headers, our TLS, and the text of a failed response.
//!
//! The crate reads headers and compression from the environment itself and puts them above what it is given. Here every
//! request gets its address and compression here, so that the configuration's layers hold. Of a failed request the crate
//! reports the status only; the response's text is noted here.

use std::io::Write;
use std::time::Duration;

use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use prost::Message;

use super::exchange::Exchange;
use super::failure::Failure;

const PROTOBUF: &str = "application/x-protobuf";

/// One collector over HTTP/1.1.
#[derive(Debug)]
pub(super) struct Client {
    hyper: HyperClient<HttpsConnector<HttpConnector>>,
    endpoint: Uri,
    headers: HeaderMap,
    gzip: bool,
    exchange: Exchange,
}

impl Client {
    /// `endpoint` is used as it is, with its path. Failures go to `exchange`.
    pub(super) fn new(
        endpoint: Uri,
        headers: HeaderMap,
        gzip: bool,
        connector: HttpsConnector<HttpConnector>,
        exchange: Exchange,
    ) -> Client {
        // The export has a limit of its own; this one is never reached.
        let hyper = HyperClient::new(connector, Duration::MAX, None);
        Client { hyper, endpoint, headers, gzip, exchange }
    }

    fn addressed(&self, protobuf: Bytes) -> Result<Request<Bytes>, HttpError> {
        let mut request = Request::builder().method(Method::POST).uri(self.endpoint.clone()).body(protobuf)?;
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROTOBUF));
        if self.gzip {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(request.body())?;
            *request.body_mut() = Bytes::from(encoder.finish()?);
            request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(request)
    }
}

#[tonic::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = self.addressed(request.into_body())?;
        let response = self.hyper.send_bytes(request).await.inspect_err(|error| {
            self.exchange.failed(Failure::broken(error.as_ref()));
        })?;
        let status = response.status().as_u16();
        let content = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match status {
            200..300 if content.starts_with("text/html") => {
                self.exchange.failed(Failure::Http(status, "with a web page, which no collector sends".to_owned()));
            }
            200..300 => {}
            _ => self.exchange.failed(Failure::Http(status, refusal(content, response.body()))),
        }
        Ok(response)
    }
}

/// The text of a refusal. A collector writes it in protobuf, others in plain text; a web page is left out.
fn refusal(content: &str, body: &Bytes) -> String {
    if content.starts_with(PROTOBUF) {
        return RpcStatus::decode(body.clone()).unwrap_or_default().message;
    }
    if content.starts_with("text/html") { String::new() } else { String::from_utf8_lossy(body).into_owned() }
}

/// `google.rpc.Status`, the body of every refusal of OTLP over HTTP.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(string, tag = "2")]
    message: String,
}
