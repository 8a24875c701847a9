//! The SDK's instruments over a share of the points: one meter provider, collected when we say so.
//!
//! Counters and gauges are observable: their callbacks read the points that a collection pins. A series without a point
//! is not observed, and so ends. Histograms keep the series of a decommissioned broker, flat, until the prober restarts:
//! the SDK cannot forget one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    Instrument, InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Stream, Temporality,
};
use prober_core::metric::{self, Kind, Metric};

use super::super::points::{Point, Value};
use super::histograms::{Aggregations, Histograms};
use super::lock;

/// Series that one instrument may have; the SDK adds up what is above and drops its attributes. A share of 2 MiB has
/// about 10,000 points over all its instruments. The SDK's default of 2,000 is too small for one share, and it
/// reserves memory for each instrument in proportion.
const CARDINALITY: usize = 16_000;

/// Counts and gauges by metric name, as the callbacks hand them out.
type Pinned = HashMap<&'static str, Vec<(Vec<KeyValue>, Number)>>;

/// A count or a gauge.
#[derive(Clone, Copy, Debug)]
enum Number {
    Count(u64),
    Sum(f64),
    Gauge(f64),
}

/// The instruments of the catalogue in one meter provider.
#[derive(Debug)]
pub(super) struct Instruments {
    /// What the callbacks read. Empty outside of a collection.
    pinned: Arc<Mutex<Arc<Pinned>>>,
    histograms: Histograms,
    reader: Reader,
    /// The instruments live as long as it does.
    provider: SdkMeterProvider,
}

impl Instruments {
    pub(super) fn new(resource: Resource, temporality: Temporality, exponential: bool) -> Instruments {
        let reader = Reader(Arc::new(ManualReader::builder().with_temporality(temporality).build()));
        let aggregations = Aggregations::new(exponential);
        let of_instruments = aggregations.clone();
        let provider = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_reader(reader.clone())
            .with_view(move |instrument: &Instrument| {
                let stream = Stream::builder().with_cardinality_limit(CARDINALITY);
                let stream = match instrument.kind() {
                    InstrumentKind::Histogram => stream.with_aggregation(of_instruments.of(instrument.name())),
                    _ => stream,
                };
                stream.build().ok()
            })
            .build();
        let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME")).with_version(env!("CARGO_PKG_VERSION"));
        let meter = provider.meter_with_scope(scope.build());
        let pinned = Arc::default();
        for metric in metric::ALL {
            observe(&meter, metric, &pinned);
        }
        let histograms = Histograms::new(meter, aggregations);
        Instruments { pinned, histograms, reader, provider }
    }

    /// Collects these points, and the histograms as far as they have come.
    pub(super) fn collect(&mut self, points: Vec<Point<'_>>) -> Result<ResourceMetrics, String> {
        let mut pinned = Pinned::default();
        for point in points {
            let attributes = point.attributes().map(|(name, value)| KeyValue::new(name, value.to_owned())).collect();
            let number = match point.value {
                Value::Count(count) => Number::Count(count),
                Value::Sum(sum) => Number::Sum(sum),
                Value::Gauge(value) => Number::Gauge(value),
                Value::Durations(buckets) => {
                    self.histograms.record(point.metric, attributes, buckets);
                    continue;
                }
            };
            pinned.entry(point.metric.name).or_default().push((attributes, number));
        }
        *lock(&self.pinned) = Arc::new(pinned);
        let mut metrics = ResourceMetrics::default();
        let result = self.reader.collect(&mut metrics);
        *lock(&self.pinned) = Arc::default();
        result.map(|()| metrics).map_err(|error| format!("the metrics could not be collected: {error}"))
    }
}

impl Drop for Instruments {
    fn drop(&mut self) {
        // A provider that is dropped without a shutdown logs a line about it. Nothing is left to flush.
        let _ = self.provider.shutdown();
    }
}

/// Creates the observable instrument of a counter or gauge. Its callback only reads: it can neither wait nor fail.
fn observe(meter: &Meter, metric: Metric, pinned: &Arc<Mutex<Arc<Pinned>>>) {
    let pinned = Arc::clone(pinned);
    let read = move || Arc::clone(&lock(&pinned));
    match metric.kind {
        Kind::Counter => {
            let builder = meter.u64_observable_counter(metric.name).with_unit(metric.unit);
            builder
                .with_description(metric.help)
                .with_callback(move |observer| {
                    for (attributes, number) in read().get(metric.name).into_iter().flatten() {
                        if let Number::Count(count) = number {
                            observer.observe(*count, attributes);
                        }
                    }
                })
                .build();
        }
        Kind::Sum => {
            let builder = meter.f64_observable_counter(metric.name).with_unit(metric.unit);
            builder
                .with_description(metric.help)
                .with_callback(move |observer| {
                    for (attributes, number) in read().get(metric.name).into_iter().flatten() {
                        if let Number::Sum(sum) = number {
                            observer.observe(*sum, attributes);
                        }
                    }
                })
                .build();
        }
        Kind::Gauge => {
            let builder = meter.f64_observable_gauge(metric.name).with_unit(metric.unit);
            builder
                .with_description(metric.help)
                .with_callback(move |observer| {
                    for (attributes, number) in read().get(metric.name).into_iter().flatten() {
                        if let Number::Gauge(value) = number {
                            observer.observe(*value, attributes);
                        }
                    }
                })
                .build();
        }
        // Made when the first durations come.
        Kind::Histogram => {}
    }
}

/// A manual reader that stays in our hands after the provider has taken it.
#[derive(Clone, Debug)]
struct Reader(Arc<ManualReader>);

impl MetricReader for Reader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}
