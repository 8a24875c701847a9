//! What really arrives: two receivers of our own, over gRPC and over HTTP, decode every request.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, metric, number_data_point};
use prober_core::event::Event;
use prober_core::ledger::Counted;
use prober_core::metric::ALL;
use prober_core::snapshot::Snapshot;
use prost::Message;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tonic::codec::CompressionEncoding;
use tonic::transport::server::TcpIncoming;

use super::*;
use crate::exporters::{Point, Value, fixture, points, prometheus};

const DEADLINE: Duration = Duration::from_secs(20);

#[derive(Clone, Debug)]
struct Request {
    headers: BTreeMap<String, String>,
    body: ExportMetricsServiceRequest,
}

type Requests = Arc<watch::Sender<Vec<Request>>>;

/// A collector over either protocol. Its runtime is its own, so that dropping it cuts its connections too.
struct Receiver {
    address: SocketAddr,
    requests: Requests,
    runtime: Option<Runtime>,
}

impl Receiver {
    async fn start(protocol: Protocol) -> Receiver {
        Receiver::at(free_address().await, protocol).await
    }

    async fn at(address: SocketAddr, protocol: Protocol) -> Receiver {
        let requests: Requests = Arc::new(watch::Sender::new(Vec::new()));
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().expect("a runtime starts");
        let (listening, listens) = oneshot::channel();
        let server = serve(address, protocol, Arc::clone(&requests), listening);
        runtime.spawn(server);
        listens.await.expect("it listens");
        Receiver { address, requests, runtime: Some(runtime) }
    }

    async fn received(&self, count: usize) -> Vec<Request> {
        let mut requests = self.requests.subscribe();
        let enough = requests.wait_for(|requests| count <= requests.len());
        timeout(DEADLINE, enough).await.expect("requests arrive").expect("the sender lives").clone()
    }

    fn newest(&self) -> Points {
        decode(self.requests.borrow().last().expect("a request arrived"))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(address: SocketAddr, protocol: Protocol, requests: Requests, listening: oneshot::Sender<()>) {
    // An earlier receiver at this address may still be closing.
    let listener = loop {
        match TcpListener::bind(address).await {
            Ok(listener) => break listener,
            Err(_) => sleep(Duration::from_millis(2)).await,
        }
    };
    let _ = listening.send(());
    match protocol {
        Protocol::Grpc => serve_grpc(listener, requests).await,
        Protocol::HttpProtobuf => serve_http(listener, requests).await,
    }
}

struct Grpc(Requests);

#[tonic::async_trait]
impl MetricsService for Grpc {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, tonic::Status> {
        let headers = text_of(&request.metadata().clone().into_headers());
        let body = request.into_inner();
        self.0.send_modify(|requests| requests.push(Request { headers, body }));
        Ok(tonic::Response::new(ExportMetricsServiceResponse::default()))
    }
}

async fn serve_grpc(listener: TcpListener, requests: Requests) {
    let service = MetricsServiceServer::new(Grpc(requests)).accept_compressed(CompressionEncoding::Gzip);
    let server = tonic::transport::Server::builder().add_service(service);
    server.serve_with_incoming(TcpIncoming::from(listener)).await.expect("it serves");
}

async fn serve_http(listener: TcpListener, requests: Requests) {
    let take = move |headers: HeaderMap, body: Bytes| async move {
        let headers = text_of(&headers);
        let mut plain = Vec::new();
        if headers.get("content-encoding").is_some_and(|encoding| encoding == "gzip") {
            flate2::read::GzDecoder::new(&*body).read_to_end(&mut plain).expect("it is gzip");
        } else {
            plain = body.to_vec();
        }
        let body = ExportMetricsServiceRequest::decode(&*plain).expect("it is protobuf");
        requests.send_modify(|requests| requests.push(Request { headers, body }));
    };
    let limit = axum::extract::DefaultBodyLimit::disable();
    axum::serve(listener, Router::new().route("/v1/metrics", post(take)).layer(limit)).await.expect("it serves");
}

fn text_of(headers: &HeaderMap) -> BTreeMap<String, String> {
    headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned())).collect()
}

async fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    listener.local_addr().expect("it is bound")
}

/// Sums and gauges by metric and attributes, and of each histogram its count and sum.
#[derive(Default, Debug)]
struct Points {
    numbers: BTreeMap<Key, f64>,
    durations: BTreeMap<Key, (u64, f64)>,
    names: Vec<String>,
}

/// Metric name, then `attribute=value` in order.
type Key = (String, Vec<String>);

impl Points {
    fn of(&self, metric: &str) -> BTreeMap<&Key, f64> {
        self.numbers.iter().filter(|((name, _), _)| name == metric).map(|(key, value)| (key, *value)).collect()
    }
}

fn decode(request: &Request) -> Points {
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
                    points.durations.insert(key, (point.count, point.sum.expect("it has a sum")));
                }
                continue;
            }
            other => unreachable!("{other:?}"),
        };
        for point in numbers {
            let value = match point.value.expect("it has a value") {
                number_data_point::Value::AsDouble(value) => value,
                number_data_point::Value::AsInt(value) => value as f64,
            };
            let twice = points.numbers.insert((found.name.clone(), labels(&point.attributes)), value);
            assert_eq!(twice, None, "{} {:?} is there twice", found.name, point.attributes);
        }
    }
    points
}

fn labels(attributes: &[KeyValue]) -> Vec<String> {
    let text = |attribute: &KeyValue| match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => format!("{}={text}", attribute.key),
        other => unreachable!("{other:?}"),
    };
    let mut labels: Vec<_> = attributes.iter().map(text).collect();
    labels.sort();
    labels
}

/// The counters and gauges that a snapshot says, but for the exports: those move while we look.
fn said(snapshot: &Snapshot) -> BTreeMap<Key, f64> {
    let stats = ExportStats::default();
    let number = |point: &Point<'_>| match point.value {
        Value::Count(count) => Some(count as f64),
        Value::Gauge(value) => Some(value),
        Value::Durations(_) => None,
    };
    points(snapshot, &stats)
        .filter_map(|point| {
            let mut labels: Vec<_> = point.attributes().map(|(name, value)| format!("{name}={value}")).collect();
            labels.sort();
            Some(((point.metric.name.to_owned(), labels), number(&point)?))
        })
        .filter(|((name, _), _)| name != "kafka_prober.export.attempts")
        .collect()
}

fn without_exports(points: &Points) -> BTreeMap<Key, f64> {
    let kept = points.numbers.iter().filter(|((name, _), _)| name != "kafka_prober.export.attempts");
    kept.map(|(key, value)| (key.clone(), *value)).collect()
}

/// An exporter at work, and the ends that the test holds.
struct Running {
    publish: watch::Sender<Arc<Snapshot>>,
    recorder: Arc<dyn Recorder>,
    stats: Arc<ExportStats>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    fn start(settings: OtlpSettings, snapshot: Snapshot) -> Running {
        let (publish, snapshots) = watch::channel(Arc::new(snapshot));
        let stats = Arc::<ExportStats>::default();
        let (otlp, recorder) =
            Otlp::new(settings, snapshots, [7; 16], &[Duration::from_millis(800)], Arc::clone(&stats))
                .expect("it is valid");
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(otlp.run(async {
            let _ = stopped.await;
        }));
        Running { publish, recorder, stats, stop, task }
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
        let asked = Instant::now();
        self.stop.send(()).expect("it runs");
        timeout(DEADLINE, self.task).await.expect("it ends").expect("it does not panic");
        asked.elapsed()
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
    }
}

fn durations_of(recorder: &dyn Recorder, brokers: i32) {
    for event in fixture::targets(brokers).flat_map(|target| fixture::events(&target)) {
        recorder.counted(&event, &counted(&event));
    }
}

fn counted(event: &Event) -> Counted {
    prober_core::ledger::Ledger::new(Arc::from([]), prober_core::metric::Buckets::edges_with(&[])).record(event)
}

async fn counts_equal_the_snapshot(protocol: Protocol, gzip: bool) {
    let receiver = Receiver::start(protocol).await;
    let snapshot = fixture::snapshot(3);
    let running = Running::start(OtlpSettings { gzip, ..settings(receiver.address, protocol) }, snapshot.clone());
    durations_of(&*running.recorder, 3);
    running.recorder.lag("task", Duration::from_millis(3));
    running.recorder.lag("thread", Duration::from_micros(80));
    receiver.received(2).await;
    running.stop().await;

    let points = receiver.newest();
    assert_eq!(without_exports(&points), said(&snapshot));
    for metric in ALL {
        assert!(points.names.iter().any(|name| name == metric.name), "{} did not arrive", metric.name);
    }
    same_as_prometheus(&points, &snapshot);
    let newest = receiver.received(1).await.pop().expect("a request arrived");
    assert_eq!(newest.headers.get("x-tenant").map(String::as_str), Some("streams"));
    let encoding = if protocol == Protocol::Grpc { "grpc-encoding" } else { "content-encoding" };
    assert_eq!(newest.headers.get(encoding).is_some_and(|encoding| encoding == "gzip"), gzip);
}

/// Counters, gauges and, of the histograms, count and sum.
fn same_as_prometheus(points: &Points, snapshot: &Snapshot) {
    let text = prometheus::render(Arc::new(snapshot.clone()), Arc::default()).expect("it renders");
    let text = String::from_utf8(text.to_vec()).expect("it is UTF-8");
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
        let unit = if metric.unit == "s" { "_seconds" } else { "" };
        let mut labels: Vec<_> = labels.iter().map(|label| label.replace("error.type", "error_type")).collect();
        labels.sort();
        let key = (format!("{}{unit}{suffix}", name.replace('.', "_")), labels);
        *samples.get(&key).unwrap_or_else(|| unreachable!("no sample {key:?}"))
    };
    for (key, value) in without_exports(points) {
        let metric = ALL.into_iter().find(|metric| metric.name == key.0).expect("it is in the catalogue");
        let suffix = if metric.kind == prober_core::metric::Kind::Counter { "_total" } else { "" };
        assert_eq!(sample(&key, suffix), value, "{key:?}");
    }
    // One more event is in the snapshot, but void: it has no duration.
    for (key, (count, sum)) in &points.durations {
        assert_eq!(sample(key, "_count"), *count as f64, "{key:?}");
        assert!((sample(key, "_sum") - sum).abs() < 1e-9, "{key:?}");
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
async fn resource_has_an_instance_id() {
    let receiver = Receiver::start(Protocol::Grpc).await;
    let running = Running::start(settings(receiver.address, Protocol::Grpc), fixture::snapshot(1));
    let request = receiver.received(1).await.remove(0);
    running.stop().await;
    let resource = request.body.resource_metrics[0].resource.as_ref().expect("it has a resource");
    let labels = labels(&resource.attributes);
    assert!(labels.contains(&"service.instance.id=07070707-0707-0707-0707-070707070707".to_owned()), "{labels:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_exported_before_the_first_heartbeat_and_no_lag_is_lost() {
    let receiver = Receiver::start(Protocol::Grpc).await;
    let mut unborn = fixture::snapshot(0);
    unborn.lanes.clear();
    unborn.prober.heartbeat = WallTime::default();
    let running = Running::start(settings(receiver.address, Protocol::Grpc), unborn);
    running.recorder.lag("task", Duration::from_millis(1));
    running.publish.send_replace(Arc::new(fixture::snapshot(1)));
    running.recorder.lag("task", Duration::from_millis(2));
    receiver.received(1).await;
    running.stop().await;
    let first = decode(&receiver.received(1).await[0]);
    assert_ne!(first.of("kafka_prober.heartbeat").len(), 0);
    let labels = ["cluster=main", "kind=task", "vantage=default"].map(str::to_owned).to_vec();
    let lags: Vec<_> = receiver.newest().durations.into_iter().map(|(key, (count, _))| (key.1, count)).collect();
    assert_eq!(lags, [(labels, 2)]);
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
        assert_eq!(without_exports(&receiver.newest()), said(&fixture::snapshot(2)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn totals_are_exact_after_the_collector_was_away() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let address = free_address().await;
        let running = Running::start(settings(address, protocol), fixture::snapshot(1));
        durations_of(&*running.recorder, 2);
        running.until(ExportResult::Failure, 3).await;
        running.publish.send_replace(Arc::new(fixture::snapshot(2)));

        let receiver = Receiver::at(address, protocol).await;
        receiver.received(1).await;
        durations_of(&*running.recorder, 2);
        drop(receiver);
        let failed = running.stats.of(ExportResult::Failure);
        running.until(ExportResult::Failure, failed + 1).await;

        let receiver = Receiver::at(address, protocol).await;
        receiver.received(1).await;
        let stats = Arc::clone(&running.stats);
        running.stop().await;
        let points = receiver.newest();
        assert_eq!(without_exports(&points), said(&fixture::snapshot(2)));
        let recorded: u64 = points.durations.values().map(|(count, _)| count).sum();
        // Of each target's 15 events 4 are errors, and errors have no duration.
        assert_eq!(recorded, 2 * 2 * 2 * 11);
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
        // The kernel takes the connections, and nobody answers.
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
    let snapshot = fixture::snapshot(400);
    let (publish, snapshots) = watch::channel(Arc::new(snapshot.clone()));
    let stats = Arc::<ExportStats>::default();
    let (otlp, recorder) = Otlp::new(hourly, snapshots, [0; 16], &[], Arc::clone(&stats)).expect("it is valid");
    durations_of(&*recorder, 400);
    // Shut down before it begins: exactly one export.
    otlp.run(async {}).await;
    drop(publish);
    let requests = receiver.received(2).await;
    let mut all = BTreeMap::new();
    for request in &requests {
        assert!(request.body.encoded_len() < 3 * 1024 * 1024, "{}", request.body.encoded_len());
        all.extend(without_exports(&decode(request)));
    }
    assert_eq!(all, said(&snapshot));
    assert_eq!(ExportResult::ALL.map(|result| stats.of(result)), [1, 0, 0]);
}

fn refusal(endpoint: &str, protocol: Protocol) -> String {
    let (_, snapshots) = watch::channel(Arc::new(fixture::snapshot(1)));
    let address = SocketAddr::from(([127, 0, 0, 1], 4317));
    let settings = OtlpSettings { endpoint: endpoint.to_owned(), ..settings(address, protocol) };
    Otlp::new(settings, snapshots, [0; 16], &[], Arc::default()).map(|_| ()).expect_err("it is refused").to_string()
}

#[tokio::test]
async fn bad_endpoints_are_named_with_what_would_work() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        for (endpoint, problem) in [
            ("collector:4317", "is not an http URL"),
            ("http://", "is not a valid URL"),
            ("http://a b:4317", "is not a valid URL"),
            ("http://collector:port", "no valid host and port"),
            ("https://collector:4317", "no TLS"),
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
    let error = Otlp::new(settings, snapshots, [0; 16], &[], Arc::default()).map(|_| ()).expect_err("it is refused");
    let message = error.to_string();
    assert!(message.contains("\"authorization\"") && !message.contains("secret"), "{message}");
}

#[tokio::test]
async fn cause_of_a_failure_names_the_address_that_refused() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let address = free_address().await;
        let transport = Transport::new(&settings(address, protocol)).expect("it is valid");
        let cause = transport.export(&Default::default()).await.expect_err("nobody listens");
        let cause = transport.explain(cause).await;
        assert!(cause.starts_with(&format!("cannot connect to {address}: Connection refused")), "{cause}");
    }
}

#[tokio::test]
async fn port_of_the_other_protocol_is_suspected() {
    for (listens, speaks) in [(Protocol::Grpc, Protocol::HttpProtobuf), (Protocol::HttpProtobuf, Protocol::Grpc)] {
        let receiver = Receiver::start(listens).await;
        let transport = Transport::new(&settings(receiver.address, speaks)).expect("it is valid");
        let cause = transport.export(&Default::default()).await.expect_err("it speaks the other");
        let cause = transport.explain(cause).await;
        assert!(cause.contains("usually port"), "{cause}");
    }
}
