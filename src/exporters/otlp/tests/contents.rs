//! Every request carries what the snapshot and the Prometheus page say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::metrics::v1::metric;
use prober_core::buckets::{Buckets, Edges};
use prober_core::metric::{ALL, Kind, Level};
use prober_core::snapshot::Snapshot;
use prober_core::time::WallTime;
use tokio::time::sleep;

use super::decoded::{Key, Points, decode, durations_of, labels, numbers_of, without_exports};
use super::receiver::Receiver;
use super::{OtlpSettings, Protocol, Running, assert_same_durations, settings};
use crate::exporters::prometheus::{Format, prometheus_name};
use crate::exporters::{fixture, prometheus};

async fn counts_equal_the_snapshot(protocol: Protocol, gzip: bool) {
    let receiver = Receiver::start(protocol).await;
    let snapshot = fixture::snapshot(3);
    let running = Running::start(OtlpSettings { gzip, ..settings(receiver.address, protocol) }, snapshot.clone());
    receiver.received(2).await;
    running.stop().await;

    let points = receiver.newest();
    assert_eq!(without_exports(&points), numbers_of(&snapshot));
    assert_same_durations(&points.durations, &durations_of(&snapshot));
    for metric in ALL {
        assert!(points.names.iter().any(|name| name == metric.name), "{} did not arrive", metric.name);
    }
    same_as_prometheus(&points, &snapshot);
    let newest = receiver.received(1).await.pop().expect("a request arrived");
    assert_eq!(newest.headers.get("x-tenant").map(String::as_str), Some("streams"));
    let encoding = if protocol == Protocol::Grpc { "grpc-encoding" } else { "content-encoding" };
    assert_eq!(newest.headers.get(encoding).is_some_and(|encoding| encoding == "gzip"), gzip);
}

/// Dots of the name become underscores.
fn label_as_prometheus_names_it(label: &str) -> String {
    let (name, value) = label.split_once('=').expect("a label has a value");
    format!("{}={value}", name.replace('.', "_"))
}

/// Counters, gauges and, of the histograms, count and sum.
fn same_as_prometheus(points: &Points, snapshot: &Snapshot) {
    let text = prometheus::render(Arc::new(snapshot.clone()), Arc::default(), Level::Full, Format::OpenMetrics);
    let text = text.expect("it renders");
    let samples: BTreeMap<Key, f64> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').expect("a sample has a value");
            let (name, labels) = series.trim_end_matches('}').split_once('{').expect("a sample has labels");
            let mut labels: Vec<_> = labels.split("\",").map(|label| label.replace('"', "")).collect();
            labels.sort();
            ((name.to_owned(), labels), value.parse().expect("it is a number"))
        })
        .collect();
    let sample = |(name, labels): &Key, suffix: &str| {
        let metric = ALL.into_iter().find(|metric| metric.name == name).expect("it is in the catalogue");
        let sample = prometheus_name(&metric);
        let mut labels: Vec<_> = labels.iter().map(|label| label_as_prometheus_names_it(label)).collect();
        labels.sort();
        let key = (format!("{}{suffix}", sample.trim_end_matches("_total")), labels);
        *samples.get(&key).unwrap_or_else(|| unreachable!("no sample {key:?}"))
    };
    for (key, value) in without_exports(points) {
        let metric = ALL.into_iter().find(|metric| metric.name == key.0).expect("it is in the catalogue");
        let suffix = match metric.kind {
            Kind::Counter | Kind::Sum => "_total",
            _ => "",
        };
        assert_eq!(sample(&key, suffix), value, "{key:?}");
    }
    for (key, durations) in &points.durations {
        assert_eq!(sample(key, "_count"), durations.count() as f64, "{key:?}");
        assert!((sample(key, "_sum") - durations.sum).abs() < 1e-9, "{key:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grpc_carries_the_values_of_the_snapshot_and_of_prometheus() {
    counts_equal_the_snapshot(Protocol::Grpc, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_carries_the_values_of_the_snapshot_and_of_prometheus() {
    counts_equal_the_snapshot(Protocol::HttpProtobuf, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gzip_carries_the_same_over_both() {
    counts_equal_the_snapshot(Protocol::Grpc, true).await;
    counts_equal_the_snapshot(Protocol::HttpProtobuf, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instance_id_is_the_same_after_a_restart() {
    let receiver = Receiver::start(Protocol::Grpc).await;
    for starts in 1..=2 {
        let running = Running::start(settings(receiver.address, Protocol::Grpc), fixture::snapshot(1));
        receiver.received(starts).await;
        running.stop().await;
    }
    let ids: BTreeSet<_> = receiver
        .received(2)
        .await
        .iter()
        .flat_map(|request| request.body.resource_metrics[0].resource.as_ref().map(|of| labels(&of.attributes)))
        .map(|labels| labels.into_iter().find(|label| label.starts_with("service.instance.id=")))
        .collect();
    assert!(ids.len() == 1 && !ids.contains(&None), "{ids:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_exported_before_the_first_heartbeat() {
    let receiver = Receiver::start(Protocol::Grpc).await;
    let mut unborn = fixture::snapshot(1);
    unborn.prober.heartbeat = WallTime::default();
    let running = Running::start(settings(receiver.address, Protocol::Grpc), unborn);
    sleep(Duration::from_millis(100)).await;
    running.publish.send_replace(Arc::new(fixture::snapshot(1)));
    receiver.received(1).await;
    running.stop().await;
    let first = decode(&receiver.received(1).await[0]);
    assert_ne!(first.of("kafka_prober.heartbeat.timestamp").len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_of_a_removed_broker_end() {
    let receiver = Receiver::start(Protocol::Grpc).await;
    let running = Running::start(settings(receiver.address, Protocol::Grpc), fixture::snapshot(3));
    receiver.received(1).await;
    let of_the_third =
        |points: &Points| points.numbers.keys().filter(|(_, labels)| labels.contains(&"broker=2".to_owned())).count();
    assert_ne!(of_the_third(&receiver.newest()), 0);
    running.publish.send_replace(Arc::new(fixture::snapshot(2)));
    running.stop().await;
    assert_eq!(of_the_third(&receiver.newest()), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exponential_histograms_have_the_buckets_of_scale_3() {
    let receiver = Receiver::start(Protocol::Grpc).await;
    let exponential = OtlpSettings { exponential: true, ..settings(receiver.address, Protocol::Grpc) };
    let mut snapshot = fixture::snapshot(2);
    let micros = [90, 1000, 3_000, 3_100, 7_000, 7_000, 1_000_000, 5_000_000];
    let mut buckets = Buckets::new(&Edges::with(&[]).finer());
    micros.iter().for_each(|micros| buckets.add(Duration::from_micros(*micros)));
    snapshot.series.iter_mut().for_each(|row| row.buckets = buckets.clone());
    let running = Running::start(exponential, snapshot.clone());
    running.stop().await;
    let request = receiver.received(1).await.pop().expect("a request arrived");
    let scopes = request.body.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    let metrics: Vec<_> = scopes.flat_map(|scope| &scope.metrics).collect();
    let duration = metrics.iter().find(|metric| metric.name == "kafka_prober.duration").expect("it arrived");
    let Some(metric::Data::ExponentialHistogram(histogram)) = duration.data.as_ref() else {
        unreachable!("{:?}", duration.data)
    };
    assert_eq!(histogram.data_points.len(), snapshot.series.len());
    // The index of a value at scale 3, from the specification.
    let index = |micros: &u64| ((*micros as f64 / 1e6).log2() * 8.0).ceil() as i32 - 1;
    let mut expected = BTreeMap::new();
    micros.iter().for_each(|micros| *expected.entry(index(micros)).or_insert(0) += 1);
    for point in &histogram.data_points {
        let positive = point.positive.as_ref().expect("there are durations");
        let counts = (positive.offset..).zip(positive.bucket_counts.iter().copied());
        assert_eq!(counts.filter(|(_, count)| *count != 0).collect::<BTreeMap<_, _>>(), expected);
        assert_eq!((point.scale, point.zero_count, point.count), (3, 0, micros.len() as u64));
        assert!((point.sum.expect("it has a sum") - buckets.sum()).abs() < 1e-9, "{point:?}");
    }
}
