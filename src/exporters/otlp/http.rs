//! OTLP over HTTP/1.1, as binary protobuf. One connection, kept open between two exports.

use std::io::{self, Write};

use axum::body::Bytes;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Uri};
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use prost::Message;

use super::failure::Failure;

const PROTOBUF: &str = "application/x-protobuf";

/// A collector's answer is some bytes; whatever else answers is not read further.
const LONGEST_ANSWER: usize = 64 * 1024;

/// One collector over HTTP.
#[derive(Debug)]
pub(super) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    endpoint: Uri,
    headers: HeaderMap,
    gzip: bool,
}

impl Http {
    /// `endpoint` with its path, used as it is.
    pub(super) fn new(endpoint: Uri, headers: HeaderMap, gzip: bool, connector: HttpsConnector<HttpConnector>) -> Http {
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        Http { client, endpoint, headers, gzip }
    }

    /// Sends one request.
    pub(super) async fn export(&self, message: ExportMetricsServiceRequest) -> Result<(), Failure> {
        let request = self.request(&message).map_err(Failure::Unsent)?;
        let answer = self.client.request(request).await.map_err(|error| Failure::broken(&error))?;
        let (head, body) = answer.into_parts();
        // A body that breaks off does not change what the status said.
        let body = Limited::new(body, LONGEST_ANSWER).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let content = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match head.status.as_u16() {
            200..300 if content.starts_with("text/html") => {
                Err(Failure::Http(head.status.as_u16(), "with a web page, which no collector sends".to_owned()))
            }
            200..300 if content.starts_with(PROTOBUF) => {
                let answer = ExportMetricsServiceResponse::decode(body);
                Failure::of_partial(answer.unwrap_or_default().partial_success)
            }
            200..300 => Ok(()),
            status => Err(Failure::Http(status, words(content, body))),
        }
    }

    fn request(&self, message: &ExportMetricsServiceRequest) -> Result<Request<Full<Bytes>>, String> {
        let body = message.encode_to_vec();
        let body = if self.gzip { zipped(&body).map_err(|error| error.to_string())? } else { body };
        let request = Request::builder().method(Method::POST).uri(self.endpoint.clone());
        let mut request = request.body(Full::from(body)).map_err(|error| error.to_string())?;
        let headers = request.headers_mut();
        headers.extend(self.headers.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROTOBUF));
        if self.gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(request)
    }
}

fn zipped(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain)?;
    encoder.finish()
}

/// What a refusal says. A collector says it in protobuf, everyone else in text; a page is left out.
fn words(content: &str, body: Bytes) -> String {
    if content.starts_with(PROTOBUF) {
        return RpcStatus::decode(body).unwrap_or_default().message;
    }
    if content.starts_with("text/html") { String::new() } else { String::from_utf8_lossy(&body).into_owned() }
}

/// `google.rpc.Status`, which OTLP over HTTP has as the body of every refusal.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(string, tag = "2")]
    message: String,
}
