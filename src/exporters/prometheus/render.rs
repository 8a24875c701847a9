//! The points of a snapshot as text. `prometheus-client` writes OpenMetrics; the older text format is made of that.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use prober_core::metric::{Kind, Level, Metric};
use prober_core::snapshot::Snapshot;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabel, EncodeLabelSet, LabelSetEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::Format;
use super::names::{base_name, unit_suffix};
use crate::exporters::{ExportStats, Point, Value, points};

/// The whole exposition of one snapshot.
///
/// # Errors
///
/// Writing to a string failed, which it does not.
pub(in crate::exporters) fn render(
    snapshot: Arc<Snapshot>,
    stats: Arc<ExportStats>,
    level: Level,
    format: Format,
) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(SnapshotCollector { snapshot, stats, level }));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(match format {
        Format::OpenMetrics => text,
        Format::Text => as_text_format(&text),
    })
}

/// OpenMetrics in the text format 0.0.4. Samples are the same in both. There, a counter's metadata has the name of its
/// samples, which ends in `_total`; and `# UNIT` and `# EOF` would be comments, so they are left out.
fn as_text_format(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = None;
    for line in open_metrics.lines() {
        if line.starts_with("# HELP ") {
            help = Some(line);
        } else if let Some(typed) = line.strip_prefix("# TYPE ") {
            let (name, kind) = typed.split_once(' ').unwrap_or((typed, "untyped"));
            let total = if kind == "counter" { "_total" } else { "" };
            let described = help.take().and_then(|line| line.strip_prefix("# HELP ")?.split_once(' '));
            if let Some((_, sentence)) = described {
                text += &format!("# HELP {name}{total} {sentence}\n");
            }
            text += &format!("# TYPE {name}{total} {kind}\n");
        } else if !line.starts_with('#') {
            text += line;
            text.push('\n');
        }
    }
    text
}

#[derive(Debug)]
struct SnapshotCollector {
    snapshot: Arc<Snapshot>,
    stats: Arc<ExportStats>,
    level: Level,
}

impl Collector for SnapshotCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut points = points(&self.snapshot, &self.stats, self.level).peekable();
        while let Some(Point { metric, .. }) = points.peek() {
            let metric = *metric;
            let (name, unit) = (base_name(&metric), unit(&metric));
            let mut family = encoder.encode_descriptor(&name, metric.help, unit.as_ref(), metric_type(&metric))?;
            while let Some(point) = points.next_if(|point| point.metric.name == metric.name) {
                let labels = Labels(&point);
                let mut series = family.encode_family(&labels)?;
                match point.value {
                    Value::Count(count) => series.encode_counter::<NoLabelSet, u64, u64>(&count, None)?,
                    Value::Sum(sum) => series.encode_counter::<NoLabelSet, f64, f64>(&sum, None)?,
                    Value::Gauge(value) => series.encode_gauge(&value)?,
                    Value::Durations(durations) => {
                        let buckets: Vec<_> = durations.iter().collect();
                        series.encode_histogram::<NoLabelSet>(durations.sum(), durations.count(), &buckets, None)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The encoder appends its name.
fn unit(metric: &Metric) -> Option<Unit> {
    unit_suffix(metric).map(|suffix| match suffix {
        "seconds" => Unit::Seconds,
        "bytes" => Unit::Bytes,
        other => Unit::Other(other.to_owned()),
    })
}

fn metric_type(metric: &Metric) -> MetricType {
    match metric.kind {
        Kind::Counter | Kind::Sum => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Histogram => MetricType::Histogram,
    }
}

struct Labels<'a>(&'a Point<'a>);

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        self.0.attributes().try_for_each(|(name, value)| {
            let name = if name.contains('.') { Cow::Owned(name.replace('.', "_")) } else { Cow::Borrowed(name) };
            (name, value).encode(encoder.encode_label())
        })
    }
}
