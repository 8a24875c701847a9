//! The values of a request and of a snapshot, in the same form.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, NumberDataPoint, metric, number_data_point};
use prober_core::metric::Level;
use prober_core::snapshot::Snapshot;

use super::receiver::Request;
use crate::exporters::{ExportStats, Point, Value, points};

/// Sums, gauges and histograms by metric and attributes.
#[derive(Default, Debug)]
pub(super) struct Points {
    pub(super) numbers: BTreeMap<Key, f64>,
    pub(super) durations: BTreeMap<Key, Durations>,
    pub(super) names: Vec<String>,
}

/// A histogram with explicit edges.
#[derive(Debug)]
pub(super) struct Durations {
    /// Upper edges in seconds, without the infinite one.
    pub(super) edges: Vec<f64>,
    /// Durations in each bucket.
    pub(super) counts: Vec<u64>,
    /// In seconds.
    pub(super) sum: f64,
}

impl Durations {
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// Metric name, then `attribute=value` in order.
pub(super) type Key = (String, Vec<String>);

impl Points {
    pub(super) fn of(&self, metric: &str) -> BTreeMap<&Key, f64> {
        self.numbers.iter().filter(|((name, _), _)| name == metric).map(|(key, value)| (key, *value)).collect()
    }
}

pub(super) fn decode(request: &Request) -> Points {
    let mut points = Points::default();
    let scopes = request.body.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    for found in scopes.flat_map(|scope| &scope.metrics) {
        points.names.push(found.name.clone());
        let numbers = match found.data.as_ref().expect("it has data") {
            metric::Data::Gauge(gauge) => &gauge.data_points,
            metric::Data::Sum(sum) => {
                assert_eq!(sum.aggregation_temporality, AggregationTemporality::Cumulative as i32);
                assert!(sum.is_monotonic);
                &sum.data_points
            }
            metric::Data::Histogram(histogram) => {
                for point in &histogram.data_points {
                    let key = (found.name.clone(), labels(&point.attributes));
                    let (edges, counts) = (point.explicit_bounds.clone(), point.bucket_counts.clone());
                    assert_eq!((point.min, point.max), (None, None), "the ledger knows neither");
                    let durations = Durations { edges, counts, sum: point.sum.expect("it has a sum") };
                    assert_eq!(point.count, durations.count());
                    points.durations.insert(key, durations);
                }
                continue;
            }
            other => unreachable!("{other:?}"),
        };
        for point in numbers {
            let value = number(point);
            let twice = points.numbers.insert((found.name.clone(), labels(&point.attributes)), value);
            assert_eq!(twice, None, "{} {:?} is there twice", found.name, point.attributes);
        }
    }
    points
}

/// The value of a point, whole or not.
pub(super) fn number(point: &NumberDataPoint) -> f64 {
    match point.value.expect("it has a value") {
        number_data_point::Value::AsDouble(value) => value,
        number_data_point::Value::AsInt(value) => value as f64,
    }
}

pub(super) fn labels(attributes: &[KeyValue]) -> Vec<String> {
    let text = |attribute: &KeyValue| match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => format!("{}={text}", attribute.key),
        other => unreachable!("{other:?}"),
    };
    let mut labels: Vec<_> = attributes.iter().map(text).collect();
    labels.sort();
    labels
}

/// The counters and gauges of a snapshot, without the export attempts: those increase during the test.
pub(super) fn numbers_of(snapshot: &Snapshot) -> BTreeMap<Key, f64> {
    let stats = ExportStats::default();
    let number = |point: &Point<'_>| match point.value {
        Value::Count(count) => Some(count as f64),
        Value::Sum(value) | Value::Gauge(value) => Some(value),
        Value::Durations(_) => None,
    };
    points(snapshot, &stats, Level::Full)
        .filter_map(|point| Some((key(&point), number(&point)?)))
        .filter(|((name, _), _)| name != "kafka_prober.export.attempts")
        .collect()
}

/// The histograms of a snapshot that hold any duration: without one, the SDK has no series.
pub(super) fn durations_of(snapshot: &Snapshot) -> BTreeMap<Key, Durations> {
    let stats = ExportStats::default();
    let durations = |point: &Point<'_>| match point.value {
        Value::Durations(buckets) => Some(Durations {
            edges: buckets.iter().map(|(edge, _)| edge).filter(|edge| edge.is_finite()).collect(),
            counts: buckets.iter().map(|(_, count)| count).collect(),
            sum: buckets.sum(),
        }),
        _ => None,
    };
    points(snapshot, &stats, Level::Full)
        .filter_map(|point| Some((key(&point), durations(&point)?)))
        .filter(|(_, durations)| durations.count() != 0)
        .collect()
}

fn key(point: &Point<'_>) -> Key {
    let mut labels: Vec<_> = point.attributes().map(|(name, value)| format!("{name}={value}")).collect();
    labels.sort();
    (point.metric.name.to_owned(), labels)
}

pub(super) fn without_exports(points: &Points) -> BTreeMap<Key, f64> {
    let kept = points.numbers.iter().filter(|((name, _), _)| name != "kafka_prober.export.attempts");
    kept.map(|(key, value)| (key.clone(), *value)).collect()
}
