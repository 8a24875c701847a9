//! The SDK's instruments. Counters and gauges are observable and read one pinned snapshot; only the
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
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    Aggregation, Instrument, InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Stream, Temporality,
};
use prober_core::event::Event;
use prober_core::ids::{Broker, ClusterName, Phase, Series, Subject};
use prober_core::ledger::Counted;
use prober_core::metric::{self, Buckets, Kind, Metric};
use prober_core::snapshot::Snapshot;
use tokio::sync::watch;

use super::super::points::{Point, Value, points, prober_cluster};
use super::super::{ExportStats, Recorder};
use super::split::{REQUEST_BYTES, split};

/// Series an instrument may have. The SDK's own limit of 2000 is met at 25 brokers, and what lies above is one sum.
const CARDINALITY: usize = 100_000;
/// The specification's size of an exponential histogram, and its finest scale.
const EXPONENTIAL: Aggregation =
    Aggregation::Base2ExponentialHistogram { max_size: 160, max_scale: 20, record_min_max: true };

/// Counts and gauges of one snapshot, by metric name, as the callbacks hand them out.
type Pinned = HashMap<&'static str, Vec<(Vec<KeyValue>, Number)>>;

/// A count or a gauge.
#[derive(Clone, Copy, Debug)]
enum Number {
    Count(u64),
    Sum(f64),
    Gauge(f64),
}

/// Lags kept until the prober knows the name of a cluster: some seconds of both heartbeats.
const EARLY_LAGS: usize = 256;

/// Everything that can be collected.
pub(super) struct Instruments {
    /// What the callbacks read. Empty outside of a collection.
    pinned: Arc<Mutex<Arc<Pinned>>>,
    /// One collection at a time: a given-up one may still be at work when the next begins.
    collecting: Mutex<()>,
    reader: Reader,
    /// The instruments live as long as it does.
    _provider: SdkMeterProvider,
}

impl Instruments {
    /// The instruments of the catalogue, and the recorder of those that record.
    pub(super) fn new(
        resource: Resource,
        temporality: Temporality,
        exponential: bool,
        thresholds: &[Duration],
        snapshots: watch::Receiver<Arc<Snapshot>>,
    ) -> (Instruments, Durations) {
        let reader = Reader(Arc::new(ManualReader::builder().with_temporality(temporality).build()));
        let provider = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_reader(reader.clone())
            .with_view(move |instrument: &Instrument| {
                let stream = Stream::builder().with_cardinality_limit(CARDINALITY);
                let exponential = exponential && instrument.kind() == InstrumentKind::Histogram;
                let stream = if exponential { stream.with_aggregation(EXPONENTIAL) } else { stream };
                stream.build().ok()
            })
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
            phase: histogram(&meter, metric::PHASE_DURATION, &edges),
            lag: histogram(&meter, metric::SELF_LAG, &edges),
            early: Mutex::default(),
            snapshots,
        };
        (Instruments { pinned, collecting: Mutex::default(), reader, _provider: provider }, durations)
    }

    /// Collects one snapshot, and what was recorded so far, as requests of bearable size. Off the runtime's threads,
    /// since hundreds of brokers take milliseconds.
    pub(super) async fn collect(
        self: &Arc<Self>,
        snapshot: Arc<Snapshot>,
        stats: Arc<ExportStats>,
    ) -> Result<Vec<ExportMetricsServiceRequest>, String> {
        let this = Arc::clone(self);
        let collected = tokio::task::spawn_blocking(move || {
            let numbers = pin(points(&snapshot, &stats));
            let _alone = lock(&this.collecting);
            *lock(&this.pinned) = Arc::new(numbers);
            let mut metrics = ResourceMetrics::default();
            let result = this.reader.collect(&mut metrics);
            *lock(&this.pinned) = Arc::default();
            result.map(|()| split(ExportMetricsServiceRequest::from(&metrics), REQUEST_BYTES))
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
        Kind::Histogram => {}
    }
}

fn histogram(meter: &Meter, metric: Metric, edges: &[f64]) -> Histogram<f64> {
    let builder = meter.f64_histogram(metric.name).with_unit(metric.unit).with_description(metric.help);
    builder.with_boundaries(edges.to_vec()).build()
}

/// The counts and gauges among the points.
fn pin<'a>(points: impl Iterator<Item = Point<'a>>) -> Pinned {
    let mut pinned = Pinned::default();
    for point in points {
        let number = match point.value {
            Value::Count(count) => Number::Count(count),
            Value::Sum(sum) => Number::Sum(sum),
            Value::Gauge(value) => Number::Gauge(value),
            Value::Durations(_) => continue,
        };
        let attributes = point.attributes().map(|(name, value)| KeyValue::new(name, value.to_owned())).collect();
        pinned.entry(point.metric.name).or_default().push((attributes, number));
    }
    pinned
}

/// The recorder of the histograms.
#[derive(Debug)]
pub(super) struct Durations {
    duration: Histogram<f64>,
    phase: Histogram<f64>,
    lag: Histogram<f64>,
    /// Recorded later, under the cluster's name: the SDK would keep a series without one until restart.
    early: Mutex<Vec<(&'static str, Duration)>>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
}

impl Recorder for Durations {
    fn counted(&self, event: &Event, counted: &Counted) {
        let Some(duration) = counted.duration else { return };
        let Series { cluster, view, probe, subject } = &event.series;
        let (name, value) = match subject {
            Subject::Broker(broker) => ("broker", broker.to_string()),
            Subject::Partition(_) => ("partition", subject.partition_label().unwrap_or_default()),
        };
        let vantage = Arc::clone(&self.snapshots.borrow().vantage);
        // The catalogue's attributes of the metric; spelled out, because most of them cost nothing as they are.
        let attributes = [
            KeyValue::new("kafka_cluster", cluster.as_str().to_owned()),
            KeyValue::new("vantage", vantage),
            KeyValue::new("view", view.as_str()),
            KeyValue::new("probe", probe.as_str()),
            KeyValue::new(name, value),
        ];
        self.duration.record(duration.as_secs_f64(), &attributes);
    }

    fn phase(&self, cluster: &ClusterName, broker: Broker, phase: Phase, took: Duration) {
        let vantage = Arc::clone(&self.snapshots.borrow().vantage);
        let attributes = [
            KeyValue::new("kafka_cluster", cluster.as_str().to_owned()),
            KeyValue::new("vantage", vantage),
            KeyValue::new("broker", broker.to_string()),
            KeyValue::new("phase", phase.as_str()),
        ];
        self.phase.record(took.as_secs_f64(), &attributes);
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
                KeyValue::new("kafka_cluster", cluster.clone()),
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
