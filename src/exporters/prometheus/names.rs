//! The translation that Prometheus applies to OTLP names: dots become underscores, a unit becomes a suffix (`s` is
//! `seconds`, `By/s` is `bytes_per_second`, a gauge's `1` is `ratio`, units in braces vanish), counters end in `_total`.
//! Source: "Prometheus and OpenMetrics Compatibility" of the OpenTelemetry specification.

#[cfg(test)]
use prober_core::metric::Kind;
use prober_core::metric::Metric;

/// The name without unit and `_total`.
pub(super) fn base_name(metric: &Metric) -> String {
    metric.name.replace('.', "_")
}

/// The suffix of the unit, without its underscore.
pub(super) fn unit_suffix(metric: &Metric) -> Option<&'static str> {
    match metric.unit {
        "s" => Some("seconds"),
        "By" => Some("bytes"),
        "By/s" => Some("bytes_per_second"),
        "1" => Some("ratio"),
        _ => None,
    }
}

/// The name of the metric's samples; a histogram's end in `_bucket`, `_sum` and `_count` besides.
#[cfg(test)]
pub(in crate::exporters) fn prometheus_name(metric: &Metric) -> String {
    let unit = unit_suffix(metric).map(|unit| format!("_{unit}")).unwrap_or_default();
    let total = if matches!(metric.kind, Kind::Counter | Kind::Sum) { "_total" } else { "" };
    format!("{}{unit}{total}", base_name(metric))
}
