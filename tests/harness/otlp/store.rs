//! The received metrics: the latest cumulative value of each series.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, HistogramDataPoint, Metric, NumberDataPoint};
use prost::Message;

/// Sorted, values as text.
pub(crate) type Attributes = BTreeMap<String, String>;

pub(crate) type Temporality = AggregationTemporality;

/// The latest state of one series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point {
    pub(crate) attributes: Attributes,
    pub(crate) value: Value,
    pub(crate) unit: String,
    /// `Unspecified` for a gauge.
    pub(crate) temporality: Temporality,
    pub(crate) start_time_unix_nano: u64,
    pub(crate) time_unix_nano: u64,
    /// Number of the export that last held this series, to see a series end.
    pub(crate) last_export: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Sum {
        value: f64,
        monotonic: bool,
    },
    Gauge(f64),
    Histogram(HistogramValue),
    /// A kind of metric that the prober never sends; tests fail on it.
    Unexpected,
}

/// An explicit-bucket histogram; counts are per bucket, not cumulative over buckets.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct HistogramValue {
    pub(crate) count: u64,
    pub(crate) sum: f64,
    /// One more than `bounds`: the last is for everything above.
    pub(crate) buckets: Vec<u64>,
    pub(crate) bounds: Vec<f64>,
}

/// Everything that a sink has received.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// Requests kept.
    pub(crate) exports: u64,
    /// Bytes of the largest request, uncompressed: what receivers limit.
    pub(crate) largest_request: usize,
    /// Of the latest export.
    pub(crate) resource: Attributes,
    /// Of the latest request, names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    series: BTreeMap<(String, Attributes), Point>,
}

impl Store {
    pub(super) fn take(&mut self, headers: BTreeMap<String, String>, request: &ExportMetricsServiceRequest) {
        self.exports += 1;
        self.headers = headers;
        self.largest_request = self.largest_request.max(request.encoded_len());
        for resource_metrics in &request.resource_metrics {
            let resource = resource_metrics.resource.as_ref();
            self.resource = resource.map_or_else(Attributes::new, |r| sorted(&r.attributes));
            let scopes = resource_metrics.scope_metrics.iter();
            scopes.flat_map(|scope| &scope.metrics).for_each(|metric| self.take_metric(metric));
        }
    }

    /// The latest value of every series of a metric.
    pub(crate) fn points(&self, name: &str) -> Vec<Point> {
        self.matching(name, &[]).cloned().collect()
    }

    /// Names of all metrics ever received.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.series.keys().map(|(name, _)| name.clone()).collect();
        names.dedup();
        names
    }

    /// The sum over matching points of a sum or gauge, 0 if there are none.
    pub(crate) fn sum(&self, name: &str, attributes: &[(&str, &str)]) -> f64 {
        let values = self.matching(name, attributes).map(|point| match &point.value {
            Value::Sum { value, .. } | Value::Gauge(value) => *value,
            Value::Histogram(_) | Value::Unexpected => 0.0,
        });
        values.sum()
    }

    /// All matching histograms added up; `None` if there are none or their bounds differ.
    pub(crate) fn histogram(&self, name: &str, attributes: &[(&str, &str)]) -> Option<HistogramValue> {
        let mut total: Option<HistogramValue> = None;
        for point in self.matching(name, attributes) {
            let Value::Histogram(value) = &point.value else {
                return None;
            };
            total = Some(match total {
                None => value.clone(),
                Some(total) => total.plus(value)?,
            });
        }
        total
    }

    fn matching<'a>(&'a self, name: &str, wanted: &[(&str, &str)]) -> impl Iterator<Item = &'a Point> {
        let matches = |point: &&Point| {
            let has = |(key, value): &(&str, &str)| point.attributes.get(*key).is_some_and(|found| found == value);
            wanted.iter().all(has)
        };
        let named = self.series.iter().filter(|((series, _), _)| series == name);
        named.map(|(_, point)| point).filter(matches).collect::<Vec<_>>().into_iter()
    }

    fn take_metric(&mut self, metric: &Metric) {
        match &metric.data {
            Some(Data::Sum(sum)) => {
                let (temporality, monotonic) = (sum.aggregation_temporality(), sum.is_monotonic);
                for point in &sum.data_points {
                    let value = Value::Sum { value: number(point), monotonic };
                    self.put(metric, Arrival::of_number(point), temporality, value);
                }
            }
            Some(Data::Gauge(gauge)) => {
                for point in &gauge.data_points {
                    let value = Value::Gauge(number(point));
                    self.put(metric, Arrival::of_number(point), Temporality::Unspecified, value);
                }
            }
            Some(Data::Histogram(histogram)) => {
                let temporality = histogram.aggregation_temporality();
                for point in &histogram.data_points {
                    let value = Value::Histogram(HistogramValue::of(point));
                    self.put(metric, Arrival::of_histogram(point), temporality, value);
                }
            }
            Some(Data::ExponentialHistogram(_) | Data::Summary(_)) | None => {
                let nothing = Arrival { attributes: &[], start: 0, time: 0 };
                self.put(metric, nothing, Temporality::Unspecified, Value::Unexpected);
            }
        }
    }

    fn put(&mut self, metric: &Metric, arrival: Arrival<'_>, temporality: Temporality, value: Value) {
        let attributes = sorted(arrival.attributes);
        let point = Point {
            attributes: attributes.clone(),
            value,
            unit: metric.unit.clone(),
            temporality,
            start_time_unix_nano: arrival.start,
            time_unix_nano: arrival.time,
            last_export: self.exports,
        };
        self.series.insert((metric.name.clone(), attributes), point);
    }
}

/// What number and histogram points have in common.
struct Arrival<'a> {
    attributes: &'a [KeyValue],
    start: u64,
    time: u64,
}

impl<'a> Arrival<'a> {
    fn of_number(point: &'a NumberDataPoint) -> Self {
        Self { attributes: &point.attributes, start: point.start_time_unix_nano, time: point.time_unix_nano }
    }

    fn of_histogram(point: &'a HistogramDataPoint) -> Self {
        Self { attributes: &point.attributes, start: point.start_time_unix_nano, time: point.time_unix_nano }
    }
}

impl HistogramValue {
    fn of(point: &HistogramDataPoint) -> Self {
        Self {
            count: point.count,
            sum: point.sum.unwrap_or(0.0),
            buckets: point.bucket_counts.clone(),
            bounds: point.explicit_bounds.clone(),
        }
    }

    fn plus(mut self, other: &Self) -> Option<Self> {
        if self.bounds != other.bounds {
            return None;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(mine, theirs)| *mine += theirs);
        Some(self)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a test counts far below 2^53")]
fn number(point: &NumberDataPoint) -> f64 {
    match point.value {
        Some(number_data_point::Value::AsDouble(value)) => value,
        Some(number_data_point::Value::AsInt(value)) => value as f64,
        None => f64::NAN,
    }
}

fn sorted(attributes: &[KeyValue]) -> Attributes {
    attributes.iter().map(|pair| (pair.key.clone(), text(pair.value.as_ref()))).collect()
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::BoolValue(flag)) => flag.to_string(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        Some(any_value::Value::DoubleValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}
