//! The standard `OTEL_*` variables as a layer of `[otlp]`, and the endpoint's path.
//!
//! Sources: "OpenTelemetry Protocol Exporter" and "OpenTelemetry Environment Variable
//! Specification". An empty variable counts as absent. `OTEL_SERVICE_NAME` and
//! `OTEL_RESOURCE_ATTRIBUTES` are read by the SDK itself.

use std::collections::BTreeMap;

use super::address::{Address, is_host};
use super::keys::Kind;
use super::layers::Layer;
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
    if let Some(endpoint) = first("ENDPOINT") {
        set("endpoint", Kind::Text, endpoint)?;
    }
    if let Some(protocol) = first("PROTOCOL") {
        set("protocol", Kind::Text, protocol)?;
    }
    if let Some(headers) = first("HEADERS") {
        set("headers", Kind::Secrets, headers)?;
    }
    if let Some((name, value)) = first("COMPRESSION") {
        let value = if value == "none" { String::new() } else { value };
        set("compression", Kind::Text, (name, value))?;
    }
    if let Some(timeout) = first("TIMEOUT") {
        set("timeout", Kind::Text, milliseconds("otlp.timeout", timeout)?)?;
    }
    if let Some(interval) = given("OTEL_METRIC_EXPORT_INTERVAL") {
        set("interval", Kind::Text, milliseconds("otlp.interval", interval)?)?;
    }

    let disabled = given("OTEL_SDK_DISABLED").filter(|(_, v)| v.eq_ignore_ascii_case("true"));
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

fn milliseconds(key: &str, (name, value): (String, String)) -> Result<(String, String), ConfigError> {
    match value.parse::<u64>() {
        Ok(number) => Ok((name, format!("{number}ms"))),
        Err(_) => Err(ConfigError::Value {
            origin: Origin::Variable(name),
            key: key.to_owned(),
            problem: format!("{} is not a whole number of milliseconds; write it like 10000", text::quoted(&value)),
        }),
    }
}
