//! What really arrives: two receivers of the test's own, over gRPC and over HTTP, decode every request.

mod crate_limits;
mod decoded;
mod explanations;
mod receiver;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, metric};
use prober_core::buckets::{Buckets, Edges};
use prober_core::metric::{ALL, Level};
use prober_core::snapshot::Snapshot;
use prober_core::time::Time;
use prober_probes::clock::Clock;
use prost::Message;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::*;
use crate::exporters::prometheus::{Format, prometheus_name};
use crate::exporters::{fixture, prometheus};
use decoded::{Durations, Key, Points, decode, durations_of, labels, numbers_of, without_exports};
use receiver::{Receiver, free_address};

const DEADLINE: Duration = Duration::from_secs(20);

/// An exporter at work, and the ends that the test holds.
struct Running {
    publish: watch::Sender<Arc<Snapshot>>,
    stats: Arc<ExportStats>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    fn start(settings: OtlpSettings, snapshot: Snapshot) -> Running {
        let (publish, snapshots) = watch::channel(Arc::new(snapshot));
        let stats = Arc::<ExportStats>::default();
        let otlp = Otlp::new(settings, snapshots, &["main"], Arc::clone(&stats)).expect("it is valid");
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(otlp.run(async {
            let _ = stopped.await;
        }));
        Running { publish, stats, stop, task }
    }

    async fn until(&self, result: ExportResult, count: u64) {
        let enough = async {
            while self.stats.of(result) < count {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(DEADLINE, enough).await.expect("exports end like this");
    }

    async fn stop(self) -> Duration {
        let clock = Clock::start();
        self.stop.send(()).expect("it runs");
        timeout(DEADLINE, self.task).await.expect("it ends").expect("it does not panic");
        clock.now().since(Time::ORIGIN)
    }
}

fn settings(address: SocketAddr, protocol: Protocol) -> OtlpSettings {
    let path = if protocol == Protocol::HttpProtobuf { "/v1/metrics" } else { "" };
    OtlpSettings {
        endpoint: format!("http://{address}{path}"),
        protocol,
        interval: Duration::from_millis(20),
        timeout: Duration::from_secs(5),
        headers: vec![("x-tenant".to_owned(), "streams".to_owned())],
        gzip: false,
        tls: TlsSettings::default(),
        temporality: Temporality::Cumulative,
        exponential: false,
        level: Level::Full,
    }
}

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

/// Every bucket alike, and the sums but for the rounding of additions.
#[track_caller]
fn assert_same_durations(arrived: &BTreeMap<Key, Durations>, expected: &BTreeMap<Key, Durations>) {
    assert_eq!(arrived.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (key, durations) in arrived {
        assert_eq!((&durations.edges, &durations.counts), (&expected[key].edges, &expected[key].counts), "{key:?}");
        assert!((durations.sum - expected[key].sum).abs() < 1e-9, "{key:?}: {durations:?}");
    }
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
            prober_core::metric::Kind::Counter | prober_core::metric::Kind::Sum => "_total",
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
async fn grpc_carries_what_the_snapshot_and_prometheus_say() {
    counts_equal_the_snapshot(Protocol::Grpc, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_carries_what_the_snapshot_and_prometheus_say() {
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
async fn last_export_carries_the_final_snapshot() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let receiver = Receiver::start(protocol).await;
        let hourly = OtlpSettings { interval: Duration::from_secs(3600), ..settings(receiver.address, protocol) };
        let running = Running::start(hourly, fixture::snapshot(1));
        receiver.received(1).await;
        running.publish.send_replace(Arc::new(fixture::snapshot(2)));
        running.stop().await;
        assert_eq!(receiver.received(2).await.len(), 2);
        assert_eq!(without_exports(&receiver.newest()), numbers_of(&fixture::snapshot(2)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn totals_are_exact_after_the_collector_was_away() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let address = free_address().await;
        let running = Running::start(settings(address, protocol), fixture::snapshot(1));
        running.until(ExportResult::Failure, 3).await;
        running.publish.send_replace(Arc::new(fixture::snapshot(2)));

        let receiver = Receiver::at(address, protocol).await;
        receiver.received(1).await;
        drop(receiver);
        let mut later = fixture::snapshot(2);
        later.series[0].buckets.add(Duration::from_millis(70));
        running.publish.send_replace(Arc::new(later.clone()));
        let failed = running.stats.of(ExportResult::Failure);
        running.until(ExportResult::Failure, failed + 1).await;

        let receiver = Receiver::at(address, protocol).await;
        receiver.received(1).await;
        let stats = Arc::clone(&running.stats);
        running.stop().await;
        let points = receiver.newest();
        assert_eq!(without_exports(&points), numbers_of(&fixture::snapshot(2)));
        assert_same_durations(&points.durations, &durations_of(&later));
        let failures: f64 = points
            .of("kafka_prober.export.attempts")
            .iter()
            .filter(|((_, labels), _)| labels.contains(&"result=failure".to_owned()))
            .map(|(_, value)| value)
            .sum();
        assert!(4.0 <= failures && failures <= stats.of(ExportResult::Failure) as f64, "{failures}");
        assert!(stats.last_success().is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hung_collector_is_counted_as_timeouts() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        // The kernel accepts the connections, and no process answers.
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = silent.local_addr().expect("it is bound");
        let hasty = OtlpSettings { timeout: Duration::from_millis(50), ..settings(address, protocol) };
        let running = Running::start(hasty, fixture::snapshot(1));
        running.until(ExportResult::Timeout, 2).await;
        assert_eq!(running.stats.of(ExportResult::Failure), 0);
        assert_eq!(running.stats.of(ExportResult::Success), 0);
        running.stop().await;
    }
}

/// Forwards connections to `to`: from the first connection nothing is forwarded any more once `stop` is set, though its
/// bytes are still acknowledged; later connections are forwarded. What a proxy whose old worker hangs does.
async fn hanging_proxy(to: SocketAddr, stop: watch::Receiver<bool>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        let mut is_first = true;
        while let Ok((mut client, _)) = listener.accept().await {
            let mut stop = stop.clone();
            let hangs = std::mem::replace(&mut is_first, false);
            tokio::spawn(async move {
                let Ok(mut server) = TcpStream::connect(to).await else { return };
                let stopped = async {
                    if !hangs || stop.wait_for(|stop| *stop).await.is_err() {
                        std::future::pending::<()>().await;
                    }
                };
                let hung = tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut client, &mut server) => false,
                    () = stopped => true,
                };
                if hung {
                    // Ends when the client closes the connection.
                    let _ = tokio::io::copy(&mut client, &mut tokio::io::sink()).await;
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connection_that_hangs_in_a_proxy_costs_at_most_three_intervals() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let receiver = Receiver::start(protocol).await;
        let (stop, stopped) = watch::channel(false);
        let address = hanging_proxy(receiver.address, stopped).await;
        let every = Duration::from_millis(400);
        let running = Running::start(
            OtlpSettings { interval: every, timeout: every, ..settings(address, protocol) },
            fixture::snapshot(1),
        );
        running.until(ExportResult::Success, 1).await;
        stop.send_replace(true);
        let (clock, succeeded) = (Clock::start(), running.stats.of(ExportResult::Success));
        running.until(ExportResult::Timeout, 1).await;
        running.until(ExportResult::Success, succeeded + 1).await;
        let took = clock.now().since(Time::ORIGIN);
        assert!(took < 3 * every, "{protocol:?}: {took:?}");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_is_bounded_whatever_hangs() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let patient = OtlpSettings {
        timeout: Duration::from_secs(600),
        ..settings(silent.local_addr().expect("it is bound"), Protocol::Grpc)
    };
    let running = Running::start(patient, fixture::snapshot(1));
    silent.accept().await.expect("it connects");
    let stats = Arc::clone(&running.stats);
    let took = running.stop().await;
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert_eq!(stats.of(ExportResult::Timeout), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_exports_are_failures_and_shutdown_stays_short() {
    let receiver = Receiver::start(Protocol::HttpProtobuf).await;
    let elsewhere = OtlpSettings {
        endpoint: format!("http://{}/elsewhere", receiver.address),
        ..settings(receiver.address, Protocol::HttpProtobuf)
    };
    let running = Running::start(elsewhere, fixture::snapshot(1));
    running.until(ExportResult::Failure, 2).await;
    let took = running.stop().await;
    assert!(took < Duration::from_secs(3), "{took:?}");
}

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
        interval: Duration::from_secs(3600),
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
    running.stop().await;
    let after = receiver.received(whole.len() * 2).await.split_off(whole.len());
    assert_eq!(counts_of_deltas(&whole), (events, all));
    assert_eq!(counts_of_deltas(&after), (0.0, series), "no event came, and one duration a series");
}

/// The total of `kafka_prober.events`.
fn events_of(snapshot: &Snapshot) -> f64 {
    numbers_of(snapshot).iter().filter(|((name, _), _)| name == "kafka_prober.events").map(|(_, value)| value).sum()
}

/// The totals of `kafka_prober.events` and of all durations, where all are deltas.
fn counts_of_deltas(requests: &[receiver::Request]) -> (f64, u64) {
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

fn refusal(endpoint: &str, protocol: Protocol) -> String {
    let (_, snapshots) = watch::channel(Arc::new(fixture::snapshot(1)));
    let address = SocketAddr::from(([127, 0, 0, 1], 4317));
    let settings = OtlpSettings { endpoint: endpoint.to_owned(), ..settings(address, protocol) };
    Otlp::new(settings, snapshots, &[], Arc::default()).map(|_| ()).expect_err("it is refused").to_string()
}

#[tokio::test]
async fn bad_endpoints_are_named_with_what_would_work() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        for (endpoint, problem) in [
            ("collector:4317", "is not an http or https URL"),
            ("http://", "is not a valid URL"),
            ("http://a b:4317", "is not a valid URL"),
            ("http://collector:port", "no valid host and port"),
            ("ftp://collector:4317", "is not an http or https URL"),
        ] {
            let message = refusal(endpoint, protocol);
            assert!(message.starts_with(&format!("OTLP endpoint \"{endpoint}\": ")), "{message}");
            assert!(message.contains(problem), "{message}");
        }
    }
}

#[tokio::test]
async fn bad_headers_are_named_without_their_value() {
    let (_, snapshots) = watch::channel(Arc::new(fixture::snapshot(1)));
    let address = SocketAddr::from(([127, 0, 0, 1], 4317));
    let headers = vec![("authorization".to_owned(), "secret\n".to_owned())];
    let settings = OtlpSettings { headers, ..settings(address, Protocol::Grpc) };
    let error = Otlp::new(settings, snapshots, &[], Arc::default()).map(|_| ()).expect_err("it is refused");
    let message = error.to_string();
    assert!(message.contains("\"authorization\"") && !message.contains("secret"), "{message}");
}
