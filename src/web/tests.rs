//! The pages as a client gets them, over real connections.

use std::collections::BTreeMap;
use std::time::Instant;

use prober_core::buckets::Edges;
use prober_core::event::{Event, Limits, RawOutcome};
use prober_core::fault::Fault;
use prober_core::ids::{Broker, BrokerId, ClusterName, Lane, Partition, Probe, Target, View};
use prober_core::ledger::Ledger;
use prober_core::objective::Objective;
use prober_core::observed::partitions::{Owner, PartitionState, Partitions};
use prober_core::observed::parts::{Part, PartState, PartStatus};
use prober_core::observed::registration::Registration;
use prober_core::observed::sizes::{LogDir, Measures};
use prober_core::observed::{self, Observed, PartitionName};
use prober_core::snapshot::{BrokerState, BrokerStatus, LaneState, ProberStatus};
use prober_core::time::Time;
use prober_core::track::Output;
use prober_core::vitals::{Control, ControlKind, Missed, Readings, Throttling, Usage};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;

const DEADLINE: Duration = Duration::from_secs(10);
/// 2026-03-01T12:00:00Z.
const WALL: WallTime = WallTime(1_772_366_400_000_000_000);

fn target(broker: Broker) -> Target {
    Target { cluster: ClusterName::new("main"), lane: Lane::Pinned, broker, partition: None }
}

/// One refused produce at broker 1, and a target from before the first metadata.
fn snapshot() -> Snapshot {
    let threshold = Some(Duration::from_secs(1));
    let objective = Objective { name: "o".into(), view: View::Broker, probe: Probe::Produce, threshold, target: 0.999 };
    let objectives: Arc<[Objective]> = Arc::from([objective]);
    let mut ledger = Ledger::new(Arc::clone(&objectives), Edges::with(&[]));
    let known = target(Broker::Id(BrokerId(1)));
    ledger.discover(&known);
    ledger.discover(&target(Broker::Unknown));
    ledger.on_output(&known, &Output::Due(Probe::Produce));
    ledger.on_output(&known, &Output::Due(Probe::Produce));
    ledger.on_output(&known, &Output::Sent(Probe::Produce));
    ledger.record(&Event {
        series: known.series(Probe::Produce),
        broker: known.broker,
        limits: Limits { deadline: Duration::from_secs(5), threshold: Duration::from_secs(1) },
        due: Time::from_millis(1000),
        sent: Some(Time::from_millis(1000)),
        ended: Time::from_millis(1500),
        raw_outcome: RawOutcome::Failed(Fault::ConnectionRefused),
        stalled: Duration::ZERO,
        internal_partition: None,
    });
    Snapshot {
        at: Time::from_millis(3000),
        wall: WALL,
        vantage: Arc::from("default"),
        series: ledger.series(Time::from_millis(3000)),
        objective_counts: ledger.objectives(),
        records: ledger.records(),
        phases: ledger.phases(),
        channel_failures: ledger.channel_failures(),
        findings: Vec::new(),
        ended_findings: Vec::new(),
        blocked_probes: Vec::new(),
        unfindable: Vec::new(),
        observed: vec![Arc::new(observed())],
        objectives,
        brokers: vec![BrokerStatus {
            cluster: ClusterName::new("main"),
            broker: BrokerId(1),
            address: Some("broker-1:9092".into()),
            rack: None,
            registered: true,
            registration: Registration::Fenced,
            covered: false,
            state: Some(BrokerState::Failing),
            baseline: Some(Duration::from_millis(4)),
        }],
        lanes: vec![LaneStatus {
            cluster: ClusterName::new("main"),
            lane: Lane::Pinned,
            topic: Arc::from("__kafka-prober-pinned"),
            state: LaneState::Preparing,
            message: Some(Arc::from("grant CREATE on topic __kafka-prober-pinned")),
            partitions: 1,
            leaders: BTreeMap::new(),
            ready: false,
            waiting: BTreeMap::new(),
            clients: BTreeMap::new(),
        }],
        prober: prober(),
    }
}

/// On a host that has some of the counters.
fn prober() -> ProberStatus {
    let at = Time::from_millis;
    let lost = Control { answered: Some(at(1000)), missed: Some(Missed { since: at(2000), last: at(2000) }) };
    ProberStatus {
        heartbeat: WallTime(WALL.0 - 40_000_000),
        readings: Readings {
            throttling: Some(Throttling { periods: 10, throttled: 2, time: Duration::from_millis(150) }),
            descriptors: Some(Usage { used: 30, limit: 1024 }),
            ..Readings::default()
        },
        controls: vec![(ControlKind::Reference, "elsewhere:1".into(), lost)],
        ..ProberStatus::default()
    }
}

struct Server {
    address: SocketAddr,
    publish: watch::Sender<Arc<Snapshot>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), WebError>>,
}

impl Server {
    async fn start() -> Server {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port is free");
        let address = listener.address();
        let (publish, snapshots) = watch::channel(Arc::new(snapshot()));
        let exports = || Exports { success: 5, failure: 1, timeout: 0, last_success: Some(WALL) };
        let lent = ["/metrics", "/api/v1/recording"].map(|path| Router::new().route(path, get(async || "lent")));
        let lent = lent.into_iter().fold(Router::new(), Router::merge);
        let state = WebState::new(snapshots, exports).lend(lent).show_config(json!({"vantage": "default"}));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(listener, state, async {
            let _ = stopped.await;
        }));
        Server { address, publish, stop, task }
    }

    /// Status code, head and body.
    async fn get(&self, path: &str) -> (u16, String, String) {
        let exchange = async {
            let mut stream = TcpStream::connect(self.address).await.expect("it listens");
            let request = format!("GET {path} HTTP/1.1\r\nhost: prober\r\nconnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.expect("it reads");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("it answers");
            answer
        };
        let answer = timeout(DEADLINE, exchange).await.expect("it answers in time");
        let (head, body) = answer.split_once("\r\n\r\n").expect("it is HTTP");
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("it has a status");
        (code, head.to_owned(), body.to_owned())
    }

    fn ready(&self, ready: bool) {
        let mut next = snapshot();
        next.lanes[0].ready = ready;
        self.publish.send_replace(Arc::new(next));
    }
}

#[tokio::test]
async fn health_does_not_depend_on_kafka() {
    let server = Server::start().await;
    let (code, _, body) = server.get("/healthz").await;
    assert_eq!((code, body.as_str()), (200, "ok"));
}

#[tokio::test]
async fn not_ready_names_the_lane_and_its_message() {
    let server = Server::start().await;
    let (code, _, body) = server.get("/readyz").await;
    assert_eq!(code, 503);
    assert!(body.contains("cluster main, lane pinned: preparing (grant CREATE on topic"), "{body}");
}

#[tokio::test]
async fn readiness_is_a_latch() {
    let server = Server::start().await;
    server.ready(true);
    assert_eq!(server.get("/readyz").await.0, 200);
    server.ready(false);
    assert_eq!(server.get("/readyz").await.0, 200);
}

#[tokio::test]
async fn readiness_is_latched_without_a_request() {
    let (publish, snapshots) = watch::channel(Arc::new(snapshot()));
    let state = WebState::new(snapshots, Exports::default);
    let latched = {
        let state = state.clone();
        tokio::spawn(async move { state.latch().await })
    };
    let mut ready = snapshot();
    ready.lanes[0].ready = true;
    publish.send_replace(Arc::new(ready));
    timeout(DEADLINE, latched).await.expect("it latches").expect("it does not panic");
    publish.send_replace(Arc::new(snapshot()));
    assert!(state.is_ready());
}

#[tokio::test]
async fn unknown_page_is_404_with_the_list_of_pages() {
    let server = Server::start().await;
    let (code, _, body) = server.get("/nothing").await;
    assert_eq!(code, 404);
    assert!(body.ends_with(&server.get("/").await.2), "{body}");
}

#[tokio::test]
async fn every_listed_page_exists() {
    let server = Server::start().await;
    for (path, _) in ROUTES {
        assert_ne!(server.get(path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn status_has_the_documented_shape() {
    let server = Server::start().await;
    let (code, head, body) = server.get("/api/v1/status").await;
    assert_eq!(code, 200);
    assert!(head.contains("content-type: application/json"), "{head}");
    let status: Value = serde_json::from_str(&body).expect("it is JSON");
    let top = json!({"schema_version": 1, "vantage": "default", "time": "2026-03-01T12:00:00.000Z", "ready": false});
    top.as_object().expect("it is an object").iter().for_each(|(key, value)| assert_eq!(&status[key], value, "{key}"));

    let cluster = &status["clusters"][0];
    assert_eq!(cluster["name"], "main");
    assert_eq!(cluster["missing_brokers"], 1);
    let broker = json!({
        "id": 1, "address": "broker-1:9092", "rack": null, "registered": true, "registration": "fenced", "covered": false,
        "state": "failing",
        "baseline_ms": 4.0,
    });
    assert_eq!(cluster["brokers"], json!([broker]));
    assert_eq!(cluster["lanes"][0]["state"], "preparing");
    let part = |broker: Value, bad: u64| json!({"broker": broker, "partition": null, "preferred_leader": null, "leader": null, "good": 0, "bad": bad});
    let objective = json!({
        "name": "o", "view": "broker", "probe": "produce", "threshold_ms": 1000.0, "target": 0.999,
        "good": 0, "bad": 1, "parts": [part(json!("unknown"), 0), part(json!(1), 1)],
    });
    assert_eq!(cluster["objectives"], json!([objective]));

    let rows = cluster["series"].as_array().expect("it is an array");
    assert_eq!(rows.iter().filter(|row| row["broker"] == "unknown").count(), 3);
    let produce = rows.iter().find(|row| row["broker"] == 1 && row["probe"] == "produce").expect("it is there");
    assert_eq!([&produce["due"], &produce["sent"], &produce["in_flight"]], [2, 1, 1]);
    assert_eq!([&produce["outcomes"]["error"], &produce["outcomes"]["good"]], [1, 0]);
    assert_eq!(produce["errors"], json!({"connection_refused": 1}));
    assert_eq!(
        produce["latest"],
        json!({"outcome": "error", "error_type": "connection_refused", "ended_ms_ago": 1500.0})
    );
    assert_eq!(produce["durations"], json!({"count": 0, "p50_ms": 0.0, "p99_ms": 0.0, "max_ms": 0.0}));
    assert_eq!(cluster["records"][0]["anomalies"]["lost"], 0);

    let prober = &status["prober"];
    assert_eq!(prober["heartbeat_age_ms"], 40.0);
    assert_eq!(prober["void"]["stall"], 0);
    assert_eq!(prober["throttling"], json!({"periods": 10, "throttled": 2, "time_ms": 150.0}));
    assert_eq!([&prober["memory"], &prober["stolen_ms"], &prober["local_ports"]], [&Value::Null; 3], "not known");
    assert_eq!(prober["file_descriptors"], json!({"used": 30, "limit": 1024}));
    assert_eq!(prober["inputs"], json!({"used": 0, "limit": 0}));
    let reference =
        json!({"control": "reference", "address": "elsewhere:1", "answers": false, "answered_ms_ago": 2000.0});
    assert_eq!(prober["controls"], json!([reference]));
    let exports = json!({"success": 5, "failure": 1, "timeout": 0, "last_success": "2026-03-01T12:00:00.000Z"});
    assert_eq!(prober["exports"], exports);
}

#[tokio::test]
async fn configuration_is_served() {
    let server = Server::start().await;
    assert_eq!(server.get("/config").await.2, r#"{"vantage":"default"}"#);
}

#[tokio::test]
async fn added_route_is_served() {
    let server = Server::start().await;
    assert_eq!(server.get("/metrics").await.2, "lent");
}

#[tokio::test]
async fn port_in_use_is_an_error_with_the_address_and_what_to_do() {
    let first = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a port is free");
    let message = bind(first.address()).await.map(|_| ()).expect_err("it is taken").to_string();
    assert!(message.starts_with(&format!("cannot listen on {}: another process", first.address())), "{message}");
    assert!(message.contains("http.listen"), "{message}");
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test measures real time")]
async fn shutdown_does_not_wait_for_a_client_that_hangs() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.address).await.expect("it listens");
    stream.write_all(b"GET /healthz HTTP/1.1\r\n").await.expect("it reads");
    // Its answer to another request shows that it has accepted the one that hangs.
    server.get("/healthz").await;
    let asked = Instant::now();
    server.stop.send(()).expect("it serves");
    timeout(DEADLINE, server.task).await.expect("it ends").expect("it does not panic").expect("it ends well");
    assert!(asked.elapsed() < GRACE + Duration::from_secs(1));
}

/// One partition of `orders` short, an oversized `__consumer_offsets-3`, and a permission that is missing.
fn observed() -> Observed {
    let mut partitions = Partitions::default();
    let state = PartitionState {
        partition: Partition(4),
        leader: Some(BrokerId(1)),
        replicas: &[BrokerId(2), BrokerId(1)],
        isr: &[BrokerId(1)],
    };
    partitions.add("orders", Owner::Others, Some(1), [state]);
    let name = PartitionName { topic: Arc::from("__consumer_offsets"), partition: Partition(3) };
    let directory =
        |bytes| LogDir { failed: false, total: Some(1000), usable: Some(400), partitions: vec![(name.clone(), bytes)] };
    let mut measures = Measures::default();
    measures.take(vec![(BrokerId(1), Time::ORIGIN, vec![directory(100)])], |_| true);
    let sizes = measures.take(vec![(BrokerId(1), Time::from_millis(2000), vec![directory(500)])], |_| true);
    let mut observed = Observed::new(ClusterName::new("main"), observed::PartitionLimits::default());
    observed.partitions = Some(Arc::new(partitions));
    observed.sizes = Some(Arc::new(sizes));
    let message = Some(Arc::from("grant DESCRIBE on CLUSTER"));
    observed.parts.insert(Part::Quorum, PartStatus { state: PartState::Off, message, ..PartStatus::default() });
    observed
}

#[tokio::test]
async fn observation_lists_problem_partitions_and_disabled_parts() {
    let server = Server::start().await;
    let (_, _, body) = server.get("/api/v1/status").await;
    let status: Value = serde_json::from_str(&body).expect("it is JSON");
    let observation = &status["clusters"][0]["observation"];
    let short = json!({"count": 1, "first": ["orders-4"]});
    assert_eq!([&observation["partitions"]["under_replicated"], &observation["partitions"]["at_min_isr"]], [&short; 2]);
    assert_eq!(observation["partitions"]["offline"]["count"], 0);
    let largest = json!([{
        "topic": "__consumer_offsets", "partition": 3, "broker": 1, "bytes": 500, "growth_bytes_per_second": 200.0,
    }]);
    assert_eq!(observation["largest_internal_partitions"], largest);
    let second = &observation["by_broker"][1];
    assert_eq!((&second["broker"], &second["partitions"]["leader_imbalance"]), (&json!(2), &json!(1.0)));
    let parts = observation["parts"].as_array().expect("it is an array");
    let off = parts.iter().find(|part| part["state"] == "off").expect("one is off");
    assert_eq!((&off["part"], &off["message"]), (&json!("quorum"), &json!("grant DESCRIBE on CLUSTER")));
    assert_eq!(observation["quorum"], Value::Null);
}
