//! The standard `OTEL_*` variables as a layer of `[otlp]`.
//!
//! Sources: "OpenTelemetry Protocol Exporter" and "OpenTelemetry Environment Variable
//! Specification". An empty variable counts as absent. `OTEL_SERVICE_NAME` and
//! `OTEL_RESOURCE_ATTRIBUTES` are read by the SDK itself.

use std::collections::BTreeMap;

use super::keys::Kind;
use super::layers::Layer;
use super::otlp::LONGEST_TIMEOUT;
use super::{ConfigError, Origin, text};

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
        layer.set(&path, kind, &value, &Origin::Variable(name))
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

fn is_true((_, value): (String, String)) -> bool {
    value.eq_ignore_ascii_case("true")
}

/// A time-out; 0 means none, which is our longest.
fn limit(key: &str, given: &(String, String)) -> Result<u64, ConfigError> {
    milliseconds(key, given).map(|number| if number == 0 { LONGEST_TIMEOUT } else { number })
}

fn milliseconds(key: &str, (name, value): &(String, String)) -> Result<u64, ConfigError> {
    value.parse::<u64>().map_err(|_| {
        let problem = "is not a whole number of milliseconds; write it like 10000";
        ConfigError::at(&Origin::Variable(name.clone()), format!("{key}: {} {problem}", text::quoted(value)))
    })
}
