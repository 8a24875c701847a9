//! Reads two pages of a running prober over plain HTTP.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::Uri;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// Time limit of a page, which takes milliseconds, over a slow network.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Largest page in bytes; that of a hundred brokers has less than one MiB.
const LARGEST_PAGE: usize = 64 << 20;

const PAGES: [&str; 2] = ["/api/v1/findings", "/api/v1/status"];

/// Why the pages could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    /// The argument is not a URL.
    #[error("{url:?} is not the URL of a prober; write it like http://127.0.0.1:9464")]
    Url {
        /// The argument.
        url: String,
    },
    /// No answer.
    #[error("no prober answers at {url}: {problem}; check that it runs, or give its address with --url")]
    NoAnswer {
        /// The page that was requested.
        url: String,
        /// The operating system's or HTTP client's reason.
        problem: String,
    },
    /// The answer is not that of a prober.
    #[error("the server at {url} is not a prober: {problem}")]
    NotAProber {
        /// The page that was requested.
        url: String,
        /// How it differs.
        problem: String,
    },
}

/// The page of findings and the page of counts, as text.
pub(super) async fn pages(url: &str) -> Result<[String; 2], ClientError> {
    let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let [findings, status] = PAGES;
    Ok([page(&client, url, findings).await?, page(&client, url, status).await?])
}

async fn page(client: &Client<HttpConnector, Empty<Bytes>>, url: &str, path: &str) -> Result<String, ClientError> {
    let full = format!("{}{path}", url.trim_end_matches('/'));
    let refuse = || ClientError::Url { url: url.to_owned() };
    let uri: Uri = full.parse().map_err(|_| refuse())?;
    if uri.scheme_str() != Some("http") || uri.host().is_none() {
        return Err(refuse());
    }
    let no_answer = |problem: String| ClientError::NoAnswer { url: full.clone(), problem };
    let not_a_prober = |problem: String| ClientError::NotAProber { url: full.clone(), problem };
    let got = async {
        let answer = client.get(uri).await.map_err(|error| no_answer(root(&error)))?;
        let status = answer.status();
        if !status.is_success() {
            return Err(not_a_prober(format!("HTTP {}", status.as_u16())));
        }
        let body = Limited::new(answer.into_body(), LARGEST_PAGE).collect().await;
        Ok(body.map_err(|error| no_answer(root(error.as_ref())))?.to_bytes())
    };
    let late = |_| no_answer(format!("no answer within {} s", TIMEOUT.as_secs()));
    let bytes = tokio::time::timeout(TIMEOUT, got).await.map_err(late)??;
    String::from_utf8(bytes.into()).map_err(|_| not_a_prober("its page is not text".to_owned()))
}

/// The innermost cause, which has the operating system's reason.
fn root(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The address at which a listener is reached from this host: loopback for one on every address.
pub(super) fn reachable(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listener.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listener_on_every_address_is_reached_at_loopback() {
        let of = |address: &str| reachable(address.parse().expect("an address")).to_string();
        assert_eq!(of("0.0.0.0:9464"), "127.0.0.1:9464");
        assert_eq!(of("[::]:1"), "[::1]:1");
        assert_eq!(of("10.1.2.3:9464"), "10.1.2.3:9464");
    }

    #[tokio::test]
    async fn text_that_is_not_a_url_is_refused_with_an_example() {
        for url in ["localhost:9464", "https://prober:9464", "http://", ""] {
            let error = pages(url).await.expect_err("it is not a URL").to_string();
            assert!(error.ends_with("write it like http://127.0.0.1:9464"), "{url}: {error}");
        }
    }
}
