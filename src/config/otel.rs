//! The standard `OTEL_*` variables as a layer of `[otlp]`, and the endpoint's path.
//!
//! Sources: "OpenTelemetry Protocol Exporter" and "OpenTelemetry Environment Variable
//! Specification". An empty variable counts as absent. `OTEL_SERVICE_NAME` and
//! `OTEL_RESOURCE_ATTRIBUTES` are read by the SDK itself.

use std::collections::BTreeMap;

use super::address::{Address, is_host};
use super::keys::Kind;
use super::layers::Layer;
use super::parse::LONGEST_EXPORT;
use super::{ConfigError, Origin, Protocol, text};

/// For all signals: over HTTP, the path of the signal is appended.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// For metrics alone: over HTTP, used as it is.
const METRICS_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
/// Where a collector takes metrics over HTTP.
const METRICS_PATH: &str = "/v1/metrics";

/// The layer that the variables make.
pub(crate) fn layer(env: &BTreeMap<String, String>) -> Result<Layer, ConfigError> {
    let mut layer = Layer::default();
    let given = |name: &str| {
        let found = env.get_key_value(name);
        let found = found.map(|(name, value)| (name.clone(), value.trim().to_owned()));
        found.filter(|(_, value)| !value.is_empty())
    };
    let mut set = |key: &str, kind: Kind, (name, value): (String, String)| {
        let path = ["otlp".to_owned(), key.to_owned()];
        layer.set(&path, kind, &value, Origin::Variable(name))
    };

    // The variable for metrics goes before the one for all signals.
    let first = |suffix: &str| {
        given(&format!("OTEL_EXPORTER_OTLP_METRICS_{suffix}"))
            .or_else(|| given(&format!("OTEL_EXPORTER_OTLP_{suffix}")))
    };
    let over_http = first("PROTOCOL").is_some_and(|(_, protocol)| protocol.starts_with("http/"));
    if let Some((name, url)) = first("ENDPOINT") {
        // Over gRPC the specification lets the scheme go, and has a variable that says which one is meant.
        let url = match url.contains("://") || over_http {
            true => url,
            false if first("INSECURE").is_some_and(is_true) => format!("http://{url}"),
            false => format!("https://{url}"),
        };
        set("endpoint", Kind::Text, (name, url))?;
    }
    for (suffix, key) in [
        ("PROTOCOL", "protocol"),
        ("CERTIFICATE", "ca"),
        ("CLIENT_CERTIFICATE", "client_certificate"),
        ("CLIENT_KEY", "client_key"),
    ] {
        if let Some(value) = first(suffix) {
            set(key, Kind::Text, value)?;
        }
    }
    // The values of these are words, in any case.
    for (name, key) in [
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "temporality"),
        ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "histograms"),
    ] {
        if let Some((name, value)) = given(name) {
            set(key, Kind::Text, (name, value.to_ascii_lowercase()))?;
        }
    }
    if let Some(headers) = first("HEADERS") {
        set("headers", Kind::Secrets, headers)?;
    }
    if let Some((name, value)) = first("COMPRESSION") {
        let value = if value == "none" { String::new() } else { value };
        set("compression", Kind::Text, (name, value))?;
    }
    // One is the exporter's and one the reader's; here they are the same, so the shorter holds.
    let mut timeouts = Vec::new();
    for timeout in [first("TIMEOUT"), given("OTEL_METRIC_EXPORT_TIMEOUT")].into_iter().flatten() {
        timeouts.push((limit("otlp.timeout", &timeout)?, timeout.0));
    }
    if let Some((timeout, name)) = timeouts.into_iter().min_by_key(|(timeout, _)| *timeout) {
        set("timeout", Kind::Text, (name, format!("{timeout}ms")))?;
    }
    if let Some(interval) = given("OTEL_METRIC_EXPORT_INTERVAL") {
        let number = milliseconds("otlp.interval", &interval)?;
        set("interval", Kind::Text, (interval.0, format!("{number}ms")))?;
    }

    let disabled = given("OTEL_SDK_DISABLED").filter(|given| is_true(given.clone()));
    // The variable lists the exporters to use: without "otlp" in it, this one is off.
    let unlisted =
        given("OTEL_METRICS_EXPORTER").filter(|(_, v)| !text::comma_list(v).any(|e| e.eq_ignore_ascii_case("otlp")));
    if let Some((name, _)) = disabled.or(unlisted) {
        set("endpoint", Kind::Text, (name, String::new()))?;
    }
    Ok(layer)
}

/// The URL to export to: checked, and with the path that its origin and protocol imply;
/// `None` if the export is off.
pub(crate) fn endpoint(url: &str, protocol: Protocol, origin: Option<&Origin>) -> Result<Option<String>, String> {
    if url.is_empty() {
        return Ok(None);
    }
    let path = check_url(url)?;
    if protocol == Protocol::Grpc {
        return Ok(Some(url.to_owned()));
    }
    let is_variable = |wanted| matches!(origin, Some(Origin::Variable(name)) if name == wanted);
    Ok(Some(if is_variable(ENDPOINT) {
        format!("{}{METRICS_PATH}", url.trim_end_matches('/'))
    } else if !path.is_empty() {
        url.to_owned()
    } else if is_variable(METRICS_ENDPOINT) {
        format!("{url}/")
    } else {
        format!("{url}{METRICS_PATH}")
    }))
}

/// Checks a collector's URL and gives its path.
fn check_url(url: &str) -> Result<&str, String> {
    // Both show up in outputs and logs of others; there is a key for secrets.
    if url.contains(['@', '?', '#']) {
        return Err(
            "a URL with a user, a query or a fragment is not taken; put credentials into otlp.headers".to_owned()
        );
    }
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let (authority, path) = match rest.map(|rest| rest.split_at(rest.find('/').unwrap_or(rest.len()))) {
        Some(parts) => parts,
        None => {
            return Err(format!(
                "{} is not a URL of a collector; write it like http://collector:4317",
                text::quoted(url)
            ));
        }
    };
    let printable = path.bytes().all(|b| b.is_ascii_graphic());
    let host_alone = is_host(authority);
    if printable && (host_alone || Address::parse(authority).is_ok()) {
        return Ok(path);
    }
    Err(format!("{} has no valid host and port; write it like http://collector:4317", text::quoted(url)))
}

fn is_true((_, value): (String, String)) -> bool {
    value.eq_ignore_ascii_case("true")
}

/// A time-out; 0 means none, which is our longest.
fn limit(key: &str, given: &(String, String)) -> Result<u64, ConfigError> {
    let longest = u64::try_from(LONGEST_EXPORT.as_millis()).unwrap_or(u64::MAX);
    milliseconds(key, given).map(|number| if number == 0 { longest } else { number })
}

fn milliseconds(key: &str, (name, value): &(String, String)) -> Result<u64, ConfigError> {
    value.parse::<u64>().map_err(|_| ConfigError::Value {
        origin: Origin::Variable(name.clone()),
        key: key.to_owned(),
        problem: format!("{} is not a whole number of milliseconds; write it like 10000", text::quoted(value)),
    })
}
