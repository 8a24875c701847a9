//! The SDK's instruments. Counters and gauges are observable and read one pinned part of one snapshot; only the two
//! histograms record.
//!
//! A series that is no longer in the snapshot is not observed, and so ends by itself. The histograms of a removed
//! broker stay, flat, until restart: the SDK cannot forget them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use opentelemetry::metrics::{Histogram, Meter, MeterProvider};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    Instrument, InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Stream, Temporality,
};
use prober_core::event::Event;
use prober_core::ids::Series;
use prober_core::ledger::Counted;
use prober_core::metric::{self, Buckets, Kind, Metric};
use prober_core::snapshot::Snapshot;
use tokio::sync::watch;

use super::super::points::{Point, Value, points, prober_cluster};
use super::super::{ExportStats, Recorder};

/// Series an instrument may have. The SDK's own limit of 2000 is met at 25 brokers, and what lies above is one sum.
const CARDINALITY: usize = 100_000;
/// The counts of one request stay below this. Receivers of gRPC refuse more than 4 MiB; with the histograms, which go
/// with every request, one stays below 3 MiB up to some 400 brokers, and none reaches 4 MiB below 1000.
const PART_BYTES: usize = 2 * 1024 * 1024;
/// What a point takes at most besides its attributes: value, times, lengths; and each attribute besides its text.
const POINT_BYTES: usize = 40;
const ATTRIBUTE_BYTES: usize = 12;

/// Counts and gauges of one request, by metric name, as the callbacks hand them out.
pub(super) type Part = HashMap<&'static str, Vec<(Vec<KeyValue>, Number)>>;

/// A count or a gauge.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Count(u64),
    Gauge(f64),
}

/// Lags kept until the prober knows the name of a cluster: some seconds of both heartbeats.
const EARLY_LAGS: usize = 256;

/// Everything that can be collected.
pub(super) struct Instruments {
    /// What the callbacks read. Empty outside of a collection.
    pinned: Arc<Mutex<Arc<Part>>>,
    /// One collection at a time: a given-up one may still be at work when the next begins.
    collecting: Mutex<()>,
    reader: Reader,
    /// With delta each series must be in every collection, or its next delta is its total again.
    divisible: bool,
    /// The instruments live as long as it does.
    _provider: SdkMeterProvider,
}

impl Instruments {
    /// The instruments of the catalogue, and the recorder of those that record.
    pub(super) fn new(
        resource: Resource,
        temporality: Temporality,
        thresholds: &[Duration],
        snapshots: watch::Receiver<Arc<Snapshot>>,
    ) -> (Instruments, Durations) {
        let reader = Reader(Arc::new(ManualReader::builder().with_temporality(temporality).build()));
        let provider = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_reader(reader.clone())
            .with_view(|_: &Instrument| Stream::builder().with_cardinality_limit(CARDINALITY).build().ok())
            .build();
        let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME")).with_version(env!("CARGO_PKG_VERSION"));
        let meter = provider.meter_with_scope(scope.build());
        let pinned = Arc::default();
        for metric in metric::ALL {
            observe(&meter, metric, &pinned);
        }
        let edges = Buckets::edges_with(thresholds);
        let durations = Durations {
            duration: histogram(&meter, metric::DURATION, &edges),
            lag: histogram(&meter, metric::SELF_LAG, &edges),
            early: Mutex::default(),
            snapshots,
        };
        let divisible = temporality == Temporality::Cumulative;
        (Instruments { pinned, collecting: Mutex::default(), reader, divisible, _provider: provider }, durations)
    }

    /// Pins a snapshot: its counts and gauges, divided into requests of bearable size. Off the runtime's threads,
    /// since hundreds of brokers take milliseconds.
    pub(super) async fn parts(&self, snapshot: Arc<Snapshot>, stats: Arc<ExportStats>) -> Result<Vec<Part>, String> {
        let limit = if self.divisible { PART_BYTES } else { usize::MAX };
        let divided = tokio::task::spawn_blocking(move || divide(points(&snapshot, &stats), limit));
        divided.await.map_err(|error| format!("the snapshot could not be read: {error}"))
    }

    /// Collects one part, and the histograms with it.
    pub(super) async fn collect(self: &Arc<Self>, part: Part) -> Result<ResourceMetrics, String> {
        let this = Arc::clone(self);
        let collected = tokio::task::spawn_blocking(move || {
            let _alone = lock(&this.collecting);
            *lock(&this.pinned) = Arc::new(part);
            let mut metrics = ResourceMetrics::default();
            let result = this.reader.collect(&mut metrics);
            *lock(&this.pinned) = Arc::default();
            result.map(|()| metrics)
        });
        let collected = collected.await.map_err(|error| format!("the metrics could not be collected: {error}"))?;
        collected.map_err(|error| format!("the metrics could not be collected: {error}"))
    }
}

impl fmt::Debug for Instruments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instruments").finish_non_exhaustive()
    }
}

/// Creates the observable instrument of a counter or gauge. Its callback only reads: it can neither wait nor fail.
fn observe(meter: &Meter, metric: Metric, pinned: &Arc<Mutex<Arc<Part>>>) {
    let pinned = Arc::clone(pinned);
    let part = move || Arc::clone(&lock(&pinned));
    match metric.kind {
        Kind::Counter => {
            let builder = meter.u64_observable_counter(metric.name).with_unit(metric.unit);
            builder
                .with_description(metric.help)
                .with_callback(move |observer| {
                    for (attributes, number) in part().get(metric.name).into_iter().flatten() {
                        if let Number::Count(count) = number {
                            observer.observe(*count, attributes);
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
                    for (attributes, number) in part().get(metric.name).into_iter().flatten() {
                        if let Number::Gauge(value) = number {
                            observer.observe(*value, attributes);
                        }
                    }
                })
                .build();
        }
        Kind::Histogram => {}
    }
}

fn histogram(meter: &Meter, metric: Metric, edges: &[f64]) -> Histogram<f64> {
    let builder = meter.f64_histogram(metric.name).with_unit(metric.unit).with_description(metric.help);
    builder.with_boundaries(edges.to_vec()).build()
}

/// Counts and gauges in parts of at most `limit` bytes each, and at least one part.
fn divide<'a>(points: impl Iterator<Item = Point<'a>>, limit: usize) -> Vec<Part> {
    let mut parts = vec![Part::default()];
    let mut bytes = 0;
    for point in points {
        let number = match point.value {
            Value::Count(count) => Number::Count(count),
            Value::Gauge(value) => Number::Gauge(value),
            Value::Durations(_) => continue,
        };
        let size = POINT_BYTES
            + point.attributes().map(|(name, value)| name.len() + value.len() + ATTRIBUTE_BYTES).sum::<usize>();
        if limit < bytes + size && bytes != 0 {
            parts.push(Part::default());
            bytes = 0;
        }
        bytes += size;
        let attributes = point.attributes().map(|(name, value)| KeyValue::new(name, value.to_owned())).collect();
        if let Some(part) = parts.last_mut() {
            part.entry(point.metric.name).or_default().push((attributes, number));
        }
    }
    parts
}

/// The recorder of both histograms.
#[derive(Debug)]
pub(super) struct Durations {
    duration: Histogram<f64>,
    lag: Histogram<f64>,
    /// Recorded later, under the cluster's name: the SDK would keep a series without one until restart.
    early: Mutex<Vec<(&'static str, Duration)>>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
}

impl Recorder for Durations {
    fn counted(&self, event: &Event, counted: &Counted) {
        let Some(duration) = counted.duration else { return };
        let Series { cluster, view, probe, broker } = &event.series;
        let vantage = Arc::clone(&self.snapshots.borrow().vantage);
        // The catalogue's attributes of the metric; spelled out, because most of them cost nothing as they are.
        let attributes = [
            KeyValue::new("cluster", cluster.as_str().to_owned()),
            KeyValue::new("vantage", vantage),
            KeyValue::new("view", view.as_str()),
            KeyValue::new("probe", probe.as_str()),
            KeyValue::new("broker", broker.to_string()),
        ];
        self.duration.record(duration.as_secs_f64(), &attributes);
    }

    fn lag(&self, kind: &'static str, lag: Duration) {
        let (cluster, vantage) = {
            let snapshot = self.snapshots.borrow();
            (prober_cluster(&snapshot).map(str::to_owned), Arc::clone(&snapshot.vantage))
        };
        let mut early = lock(&self.early);
        if cluster.is_none() && early.len() < EARLY_LAGS {
            early.push((kind, lag));
            return;
        }
        let cluster = cluster.unwrap_or_default();
        for (kind, lag) in early.drain(..).chain([(kind, lag)]) {
            let attributes = [
                KeyValue::new("cluster", cluster.clone()),
                KeyValue::new("vantage", Arc::clone(&vantage)),
                KeyValue::new("kind", kind),
            ];
            self.lag.record(lag.as_secs_f64(), &attributes);
        }
    }
}

/// A manual reader that we keep a hand on after the provider has taken it.
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

/// A poisoned lock still guards whole values: each is replaced in one move.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exporters::fixture;

    #[test]
    fn parts_are_bounded_and_hold_every_point_once() {
        let (snapshot, stats) = (fixture::snapshot(20), ExportStats::default());
        let all = divide(points(&snapshot, &stats), usize::MAX);
        let some = divide(points(&snapshot, &stats), 10_000);
        let count = |parts: &[Part]| parts.iter().flat_map(HashMap::values).map(Vec::len).sum::<usize>();
        assert_eq!(all.len(), 1);
        assert!(10 < some.len());
        assert_eq!(count(&all), count(&some));
    }

    #[tokio::test]
    async fn delta_is_never_divided() {
        let snapshot = Arc::new(fixture::snapshot(300));
        let (_, snapshots) = watch::channel(Arc::clone(&snapshot));
        let parts = async |temporality| {
            let (instruments, _) =
                Instruments::new(Resource::builder_empty().build(), temporality, &[], snapshots.clone());
            instruments.parts(Arc::clone(&snapshot), Arc::default()).await.expect("it divides").len()
        };
        assert_eq!(parts(Temporality::Delta).await, 1);
        assert!(1 < parts(Temporality::Cumulative).await);
    }
}
