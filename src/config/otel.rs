//! The standard `OTEL_*` variables as a layer of `[otlp]`.
//!
//! Sources: "OpenTelemetry Protocol Exporter" and "OpenTelemetry Environment Variable Specification". An empty variable
//! counts as absent. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` are read by the SDK itself.

use std::collections::BTreeMap;

use super::otlp::LONGEST_TIMEOUT;
use super::settings::Settings;
use super::{ConfigError, Origin, text};

/// Sets what the variables say.
pub(crate) fn set(settings: &mut Settings, env: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    let given = |name: &str| {
        let text = env.get(name)?.trim();
        (!text.is_empty()).then(|| (name.to_owned(), text.to_owned()))
    };
    // The variable for metrics goes before the one for all signals.
    let of_signal = |name: &str| {
        let metrics = given(&format!("OTEL_EXPORTER_OTLP_METRICS_{name}"));
        metrics.or_else(|| given(&format!("OTEL_EXPORTER_OTLP_{name}")))
    };
    // Over gRPC the specification lets the scheme go, and has a variable that says which one is meant.
    let is_http = of_signal("PROTOCOL").is_some_and(|(_, protocol)| protocol.starts_with("http/"));
    let is_insecure = of_signal("INSECURE").is_some_and(|(_, text)| is_true(&text));
    let with_scheme = |url: String| match url.contains("://") || is_http {
        true => url,
        false if is_insecure => format!("http://{url}"),
        false => format!("https://{url}"),
    };
    // One is the exporter's and one the reader's; here they are the same, so the shorter holds. 0 means none.
    let timeouts = [of_signal("TIMEOUT"), given("OTEL_METRIC_EXPORT_TIMEOUT")].into_iter().flatten();
    let timeouts: Vec<_> = timeouts.map(|timeout| milliseconds("timeout", timeout)).collect::<Result<_, _>>()?;
    let longest = |(name, number)| (if number == 0 { LONGEST_TIMEOUT } else { number }, name);
    let timeout = timeouts.into_iter().map(longest).min_by_key(|(number, _)| *number);
    let interval =
        given("OTEL_METRIC_EXPORT_INTERVAL").map(|interval| milliseconds("interval", interval)).transpose()?;
    // This variable lists the exporters to use: without "otlp" in it, ours is off.
    let lists_ours = |exporters: &str| text::comma_list(exporters).any(|name| name.eq_ignore_ascii_case("otlp"));
    let unlisted = given("OTEL_METRICS_EXPORTER").filter(|(_, exporters)| !lists_ours(exporters));
    let off = given("OTEL_SDK_DISABLED").filter(|(_, text)| is_true(text)).or(unlisted);

    let none_is_empty = |text: String| if text == "none" { String::new() } else { text };
    let in_any_case = |(name, word): (String, String)| (name, word.to_ascii_lowercase());
    for (key, given) in [
        ("endpoint", of_signal("ENDPOINT").map(|(name, url)| (name, with_scheme(url)))),
        ("protocol", of_signal("PROTOCOL")),
        ("ca", of_signal("CERTIFICATE")),
        ("client_certificate", of_signal("CLIENT_CERTIFICATE")),
        ("client_key", of_signal("CLIENT_KEY")),
        ("headers", of_signal("HEADERS")),
        ("compression", of_signal("COMPRESSION").map(|(name, text)| (name, none_is_empty(text)))),
        ("temporality", given("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE").map(in_any_case)),
        ("histograms", given("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION").map(in_any_case)),
        ("timeout", timeout.map(|(number, name)| (name, format!("{number}ms")))),
        ("interval", interval.map(|(name, number)| (name, format!("{number}ms")))),
        ("endpoint", off.map(|(name, _)| (name, String::new()))),
    ] {
        if let Some((variable, text)) = given {
            settings.set_text(&["otlp", key], &text, &Origin::Variable(variable))?;
        }
    }
    Ok(())
}

fn is_true(text: &str) -> bool {
    text.eq_ignore_ascii_case("true")
}

fn milliseconds(key: &str, (name, text): (String, String)) -> Result<(String, u64), ConfigError> {
    let problem = "is not a whole number of milliseconds; write it like 10000";
    let problem = format!("otlp.{key}: {} {problem}", text::quoted(&text));
    let number = text.parse().map_err(|_| ConfigError::at(&Origin::Variable(name.clone()), problem))?;
    Ok((name, number))
}
