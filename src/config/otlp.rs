//! `[otlp]`: the export to a collector, its URL and its headers.

#![expect(missing_docs, reason = "a field is a key: `config/default.toml` has its meaning, unit and range")]

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::address::{Address, is_host};
use super::text::{HOUR, Millis, OrEmpty, comma_list, quoted, word};
use super::{Certificates, Origin, PrivateKey, Secret};

/// The longest time-out of an export, in milliseconds.
pub(crate) const LONGEST_TIMEOUT: u64 = 600_000;

/// For all signals: over HTTP, the path of the signal is appended.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// For metrics alone: over HTTP, used as it is.
const METRICS_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
/// Where a collector takes metrics over HTTP.
const METRICS_PATH: &str = "/v1/metrics";

/// `[otlp]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Otlp {
    /// The complete URL to export to, path included, or `None` if the export is off.
    #[serde(with = "OrEmpty")]
    pub endpoint: Option<String>,
    #[serde(deserialize_with = "word")]
    pub protocol: Protocol,
    #[serde(with = "Millis::<100, HOUR>")]
    pub interval: Duration,
    #[serde(with = "Millis::<1, LONGEST_TIMEOUT>")]
    pub timeout: Duration,
    #[serde(deserialize_with = "word")]
    pub compression: Compression,
    #[serde(deserialize_with = "word")]
    pub temporality: Temporality,
    #[serde(deserialize_with = "word")]
    pub histograms: Histograms,
    #[serde(with = "OrEmpty")]
    pub ca: Option<Certificates>,
    /// There with the key or not at all.
    #[serde(with = "OrEmpty")]
    pub client_certificate: Option<Certificates>,
    #[serde(with = "OrEmpty")]
    pub client_key: Option<PrivateKey>,
    /// Names in lower case.
    pub headers: BTreeMap<String, Secret>,
}

/// The transport of OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    #[serde(rename = "grpc")]
    Grpc,
    /// Over HTTP/1.1.
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
}

/// The compression of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compression {
    #[serde(rename = "")]
    None,
    #[serde(rename = "gzip")]
    Gzip,
}

/// What a point says (OpenTelemetry metrics data model, "Temporality").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Temporality {
    Cumulative,
    Delta,
    LowMemory,
}

/// The buckets of the histograms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Histograms {
    ExplicitBucketHistogram,
    Base2ExponentialBucketHistogram,
}

/// The URL to export to: checked, and with the path that its origin and protocol imply.
pub(crate) fn endpoint(url: &str, protocol: Protocol, origin: Option<&Origin>) -> Result<String, String> {
    let path = check_url(url)?;
    if protocol == Protocol::Grpc {
        return Ok(url.to_owned());
    }
    let is_variable = |wanted| matches!(origin, Some(Origin::Variable(name)) if name == wanted);
    Ok(if is_variable(ENDPOINT) {
        format!("{}{METRICS_PATH}", url.trim_end_matches('/'))
    } else if !path.is_empty() {
        url.to_owned()
    } else if is_variable(METRICS_ENDPOINT) {
        format!("{url}/")
    } else {
        format!("{url}{METRICS_PATH}")
    })
}

/// Checks a collector's URL and gives its path.
fn check_url(url: &str) -> Result<&str, String> {
    // Both would be seen in outputs and in the logs of others; there is a key for secrets.
    if url.contains(['@', '?', '#']) {
        let problem = "a URL with a user, a query or a fragment is not taken; put credentials into otlp.headers";
        return Err(problem.to_owned());
    }
    let problem = |problem: &str| Err(format!("{} {problem}; write it like http://collector:4317", quoted(url)));
    let Some(rest) = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")) else {
        return problem("is not a URL of a collector");
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let is_printable = path.bytes().all(|b| b.is_ascii_graphic());
    if is_printable && (is_host(authority) || authority.parse::<Address>().is_ok()) {
        return Ok(path);
    }
    problem("has no valid host and port")
}

/// `name=value,name=value` with percent-encoded values, as `OTEL_EXPORTER_OTLP_HEADERS` has
/// it (OTLP exporter specification; W3C baggage without properties).
///
/// The error never quotes: all of it may be secret.
pub(crate) fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    comma_list(text)
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let (name, value) = (name.trim(), percent_decoded(value.trim())?);
            (!name.is_empty()).then(|| (name.to_owned(), value))
        })
        .collect::<Option<_>>()
        .ok_or_else(|| "must be written name=value,name=value, with a comma inside a value as %2C".to_owned())
}

/// A header's name (an RFC 9110 token) and value (visible ASCII and blanks); no quote.
pub(crate) fn header(name: &str, value: &str) -> Result<(), String> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        return Err("this is not a header name; use a-z, 0-9 and '-'".to_owned());
    }
    let visible = |b: u8| matches!(b, b'\t' | b' '..=b'~');
    match value.bytes().all(visible) {
        true => Ok(()),
        false => Err("a header's value must be visible ASCII characters".to_owned()),
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let value = digit()? * 16 + digit()?;
        bytes.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(bytes).ok()
}
