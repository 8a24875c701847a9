//! What is too large for one request is divided among several.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, metric};
use opentelemetry_sdk::metrics::Temporality;
use prober_core::snapshot::Snapshot;
use prost::Message;

use super::decoded::{self, Durations, decode, durations_of, numbers_of, without_exports};
use super::receiver::{Receiver, Request};
use super::{DEADLINE, ExportResult, OtlpSettings, Protocol, Running, assert_same_durations, settings};
use crate::exporters::fixture;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_exports_are_divided_below_3_mib() {
    let receiver = Receiver::start(Protocol::HttpProtobuf).await;
    let hourly =
        OtlpSettings { interval: Duration::from_secs(3600), ..settings(receiver.address, Protocol::HttpProtobuf) };
    let snapshot = fixture::snapshot(1200);
    let running = Running::start(OtlpSettings { timeout: DEADLINE, ..hourly }, snapshot.clone());
    running.until(ExportResult::Success, 1).await;
    let requests = receiver.received(4).await;
    let (mut numbers, mut durations) = (BTreeMap::new(), BTreeMap::new());
    for request in &requests {
        assert!(request.body.encoded_len() < 3 * 1024 * 1024, "{}", request.body.encoded_len());
        let points = decode(request);
        for (key, value) in without_exports(&points) {
            assert_eq!(numbers.insert(key, value), None, "a point is in one request only");
        }
        for (key, value) in points.durations {
            assert!(durations.insert(key, value).is_none(), "a point is in one request only");
        }
    }
    assert_eq!(numbers, numbers_of(&snapshot));
    assert_same_durations(&durations, &durations_of(&snapshot));
    let bytes: usize = requests.iter().map(|request| request.body.encoded_len()).sum();
    assert!(requests.len() <= bytes / (1024 * 1024) + 1, "{} requests for {bytes} bytes", requests.len());
    running.task.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delta_sends_what_came_since_and_is_divided_too() {
    let receiver = Receiver::start(Protocol::HttpProtobuf).await;
    let delta = OtlpSettings {
        interval: Duration::from_millis(200),
        timeout: DEADLINE,
        temporality: Temporality::Delta,
        ..settings(receiver.address, Protocol::HttpProtobuf)
    };
    let mut snapshot = fixture::snapshot(250);
    let running = Running::start(delta, snapshot.clone());
    running.until(ExportResult::Success, 1).await;
    let whole = receiver.received(2).await;
    let all: u64 = durations_of(&snapshot).values().map(Durations::count).sum();
    for row in &mut snapshot.series {
        row.buckets.add(Duration::from_millis(70));
    }
    let (events, series) = (events_of(&snapshot), snapshot.series.len() as u64);
    running.publish.send_replace(Arc::new(snapshot));
    // The export after the one that may be running.
    running.until(ExportResult::Success, running.stats.of(ExportResult::Success) + 2).await;
    let after = receiver.received(whole.len() * 2).await.split_off(whole.len());
    running.task.abort();
    assert_eq!(counts_of_deltas(&whole), (events, all));
    assert_eq!(counts_of_deltas(&after), (0.0, series), "no event came, and one duration a series");
}

/// The total of `kafka_prober.events`.
fn events_of(snapshot: &Snapshot) -> f64 {
    numbers_of(snapshot).iter().filter(|((name, _), _)| name == "kafka_prober.events").map(|(_, value)| value).sum()
}

/// The totals of `kafka_prober.events` and of all durations, where all are deltas.
fn counts_of_deltas(requests: &[Request]) -> (f64, u64) {
    let (mut sums, mut durations) = (0.0, 0);
    for request in requests {
        assert!(request.body.encoded_len() < 3 * 1024 * 1024, "{}", request.body.encoded_len());
        let scopes = request.body.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
        for found in scopes.flat_map(|scope| &scope.metrics) {
            match found.data.as_ref().expect("it has data") {
                metric::Data::Sum(sum) if found.name == "kafka_prober.events" => {
                    assert_eq!(sum.aggregation_temporality(), AggregationTemporality::Delta);
                    sums += sum.data_points.iter().map(decoded::number).sum::<f64>();
                }
                metric::Data::Histogram(histogram) => {
                    assert_eq!(histogram.aggregation_temporality(), AggregationTemporality::Delta);
                    durations += histogram.data_points.iter().map(|point| point.count).sum::<u64>();
                }
                _ => {}
            }
        }
    }
    (sums, durations)
}
