//! A prober in front of a test's cluster, and its status page read as counts.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::otlp::OtlpSink;
use crate::harness::prober::{Prober, Scrape};
use crate::harness::{Cluster, ports, raw, wait_for_with_message, wait_until};

/// The topic of the pinned lane.
pub(crate) const TOPIC: &str = "kafka-prober-pinned";

/// The topic of the replicated lane.
pub(crate) const REPLICATED: &str = "kafka-prober-replicated";

/// Everything odd that can be told of a record.
pub(crate) const ANOMALIES: [&str; 7] =
    ["lost", "duplicate", "reordered", "corrupt", "late", "foreign", "unacked_but_seen"];

/// The probes that one record feeds.
pub(crate) const PROBES: [&str; 3] = ["produce", "consume", "end_to_end"];

/// The probes of the broker view that ask one broker directly.
pub(crate) const DIRECT: [&str; 3] = ["fetch", "metadata", "connect"];

/// The probes of the coordinator view.
pub(crate) const COORDINATOR: [&str; 2] = ["commit", "transaction"];

/// In the place of a broker, in the rows of the cluster view.
pub(crate) const CLUSTER: Value = Value::Null;

/// Outcomes that count against a broker.
const BAD: [&str; 5] = ["slow", "error", "timeout", "lost", "corrupt"];

/// `script/test` asserts times at three times the goal; the goals themselves are measured by `script/bench`.
pub(crate) const TOLERANCE: u32 = 3;

/// A finding's kind, and whom it names.
pub(crate) type FindingId = (String, Option<i32>);

/// A running prober.
pub(crate) struct RunningProber {
    pub(crate) prober: Prober,
}

/// The status page at one moment: what it says in the broker view, or in another.
pub(crate) struct Status {
    page: Value,
    pub(crate) at: Instant,
    view: &'static str,
}

impl RunningProber {
    /// `run` with default settings, but for `args`; exports to `sink`.
    pub(crate) fn start(
        bootstrap: &str,
        sink: Option<&OtlpSink>,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> RunningProber {
        let port = ports::free_port();
        let listen = format!("127.0.0.1:{port}");
        let mut all = vec!["run", "--bootstrap", bootstrap, "--listen", &listen];
        all.extend(args);
        let endpoint = sink.map(OtlpSink::endpoint).unwrap_or_default();
        let mut variables = env.to_vec();
        if sink.is_some() {
            variables.push(("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint));
        }
        let prober = Prober::spawn(env!("CARGO_BIN_EXE_kafka-prober"), port, &all, &variables);
        RunningProber { prober }
    }

    /// The status page; the prober answers it throughout.
    #[track_caller]
    pub(crate) fn status(&self) -> Status {
        let page = self.prober.http_get("/api/v1/status").filter(|page| page.status == 200);
        let page = page.unwrap_or_else(|| panic!("no status page:\n{}", self.prober.stderr()));
        Status::of(serde_json::from_str(&page.body).expect("the status page is JSON"))
    }

    /// What stands now: kind and broker of each finding.
    #[track_caller]
    pub(crate) fn findings(&self) -> Vec<FindingId> {
        let page = self.prober.http_get("/api/v1/findings").filter(|page| page.status == 200);
        let page = page.unwrap_or_else(|| panic!("no page of findings:\n{}", self.prober.stderr()));
        named(&page.body)
    }

    /// Every finding that ever began, by the log: none is missed between two looks.
    pub(crate) fn findings_so_far(&self) -> Vec<FindingId> {
        let lines = self.prober.stderr();
        let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let begun = lines.filter(|line| line["message"].as_str().is_some_and(|said| said.starts_with("finding: ")));
        let broker = |line: &Value| line["broker"].as_i64().and_then(|id| i32::try_from(id).ok());
        begun.map(|line| (line["kind"].as_str().unwrap_or_default().to_owned(), broker(&line))).collect()
    }

    /// Nobody but `broker` was ever named by a finding, and it by these kinds, in this order.
    #[track_caller]
    pub(crate) fn assert_only_found(&self, broker: i32, kinds: &[&str]) {
        let expected: Vec<FindingId> = kinds.iter().map(|kind| ((*kind).to_owned(), Some(broker))).collect();
        assert_eq!(self.findings_so_far(), expected, "{}", self.prober.stderr());
    }

    /// No finding named a broker.
    #[track_caller]
    pub(crate) fn assert_nobody_found(&self) {
        let named: Vec<FindingId> = self.findings_so_far().into_iter().filter(|(_, broker)| broker.is_some()).collect();
        assert_eq!(named, [], "{}", self.prober.stderr());
    }

    /// Waits until the status page shows what is expected.
    #[track_caller]
    pub(crate) fn wait_status(&self, limit: Duration, what: &str, shows: impl Fn(&Status) -> bool) -> Status {
        let last = RefCell::new(None);
        let tell = || {
            format!(
                "{what}; the last page counts {}",
                last.take().map_or(Value::Null, |status: Status| status.records())
            )
        };
        wait_for_with_message(limit, tell, || {
            let status = self.try_status()?;
            if shows(&status) {
                return Some(status);
            }
            last.replace(Some(status));
            None
        })
    }

    fn try_status(&self) -> Option<Status> {
        let page = self.prober.http_get("/api/v1/status").filter(|page| page.status == 200)?;
        Some(Status::of(serde_json::from_str(&page.body).ok()?))
    }

    /// Waits until all `brokers` have good round trips in every view that is probed.
    #[track_caller]
    pub(crate) fn wait_good(&self, brokers: &[i32]) -> Status {
        self.wait_status(Duration::from_secs(40), "every broker has good round trips", |status| {
            let good = |view: &Status, broker: i32| 3 <= view.outcome(broker, "end_to_end", "good");
            let views: Vec<Status> = status.lanes().iter().map(|lane| status.in_view(view_of(lane))).collect();
            !views.is_empty() && views.iter().all(|view| brokers.iter().all(|broker| good(view, *broker)))
        })
    }

    /// SIGTERM; the exit must be clean and quick.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        eprintln!("findings: {:?}", self.findings_so_far());
        self.prober.terminate();
        let exit = self.prober.wait_exit(Duration::from_secs(10));
        assert_eq!(exit.code, Some(0), "{}", self.prober.stderr());
        assert!(exit.elapsed <= Duration::from_secs(5), "{exit:?}");
    }
}

/// The findings of a page.
#[track_caller]
pub(crate) fn named(page: &str) -> Vec<FindingId> {
    let rows: Vec<Value> = serde_json::from_str(page).expect("the page is JSON");
    let broker = |row: &Value| row["broker"].as_str().and_then(|id| id.parse().ok());
    rows.iter().map(|row| (row["kind"].as_str().unwrap_or_default().to_owned(), broker(row))).collect()
}

/// The view that a lane's events speak of.
fn view_of(lane: &str) -> &'static str {
    if lane == "pinned" { "broker" } else { "client" }
}

impl Status {
    fn of(page: Value) -> Status {
        Status { page, at: Instant::now(), view: "broker" }
    }

    /// The same moment in the client view.
    pub(crate) fn client(&self) -> Status {
        self.in_view("client")
    }

    /// The same moment in the coordinator view.
    pub(crate) fn coordinator(&self) -> Status {
        self.in_view("coordinator")
    }

    /// The same moment in the cluster view, where [`CLUSTER`] stands in the place of a broker.
    pub(crate) fn cluster(&self) -> Status {
        self.in_view("cluster")
    }

    fn in_view(&self, view: &'static str) -> Status {
        Status { page: self.page.clone(), at: self.at, view }
    }

    /// The lanes that are probed.
    fn lanes(&self) -> Vec<String> {
        let lanes = self.page.pointer("/clusters/0/lanes").and_then(Value::as_array);
        lanes.into_iter().flatten().filter_map(|lane| lane["lane"].as_str().map(str::to_owned)).collect()
    }

    /// One number of the page, by JSON pointer.
    pub(crate) fn number(&self, pointer: &str) -> f64 {
        self.page.pointer(pointer).and_then(Value::as_f64).unwrap_or_default()
    }

    /// One value of the page, by JSON pointer; null if it is not there.
    pub(crate) fn page(&self, pointer: &str) -> &Value {
        self.page.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// One value of what the cluster says of itself, by JSON pointer; null if it has not been said.
    pub(crate) fn observation(&self, pointer: &str) -> &Value {
        self.page.pointer(&format!("/clusters/0/observation{pointer}")).unwrap_or(&Value::Null)
    }

    /// What the cluster says of a broker.
    pub(crate) fn registration(&self, broker: i32) -> Option<&str> {
        let brokers = self.page.pointer("/clusters/0/brokers").and_then(Value::as_array)?;
        brokers.iter().find(|row| row["id"] == broker)?["registration"].as_str()
    }

    /// The first lane's state and message.
    pub(crate) fn lane(&self) -> (String, String) {
        let text = |field: &str| self.page.pointer(&format!("/clusters/0/lanes/0/{field}")).and_then(Value::as_str);
        (text("state").unwrap_or_default().to_owned(), text("message").unwrap_or_default().to_owned())
    }

    /// A broker's condition; none before anything was judged.
    pub(crate) fn state(&self, broker: i32) -> Option<&str> {
        let brokers = self.page.pointer("/clusters/0/brokers").and_then(Value::as_array);
        let row = brokers.into_iter().flatten().find(|row| row["id"] == broker);
        row.and_then(|row| row["state"].as_str())
    }

    /// What keeps direct probes from asking, in their own words.
    pub(crate) fn impediments(&self) -> Vec<String> {
        let impediments = self.page.pointer("/clusters/0/impediments").and_then(Value::as_array);
        let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
        impediments
            .into_iter()
            .flatten()
            .map(|row| format!("{}: {}", text(row, "probe"), text(row, "message")))
            .collect()
    }

    /// Counted events of one outcome.
    pub(crate) fn outcome(&self, broker: impl Into<Value>, probe: &str, outcome: &str) -> u64 {
        self.row(&broker.into(), probe).map_or(0, |row| count(row, "outcomes", outcome))
    }

    /// As [`Status::outcome`], of the series from before the first metadata.
    pub(crate) fn unknown(&self, probe: &str, outcome: &str) -> u64 {
        self.row(&"unknown".into(), probe).map_or(0, |row| count(row, "outcomes", outcome))
    }

    /// Events that count against a broker, over all probes of the view.
    pub(crate) fn bad(&self, broker: i32) -> u64 {
        let probes = PROBES.iter().chain(&DIRECT).chain(&COORDINATOR);
        probes.map(|probe| self.bad_in(broker, probe)).sum()
    }

    /// Events of one probe that count against a broker, or against the cluster.
    pub(crate) fn bad_in(&self, broker: impl Into<Value>, probe: &str) -> u64 {
        let broker = broker.into();
        BAD.iter().map(|outcome| self.outcome(broker.clone(), probe, outcome)).sum()
    }

    /// Errors of one type.
    pub(crate) fn errors(&self, broker: impl Into<Value>, probe: &str, error_type: &str) -> u64 {
        self.row(&broker.into(), probe).map_or(0, |row| count(row, "errors", error_type))
    }

    /// As [`Status::errors`], of the series from before the first metadata.
    pub(crate) fn unknown_errors(&self, probe: &str, error_type: &str) -> u64 {
        self.row(&"unknown".into(), probe).map_or(0, |row| count(row, "errors", error_type))
    }

    /// Void events of one reason, over all series of both views.
    pub(crate) fn void(&self, reason: &str) -> u64 {
        self.rows().map(|row| count(row, "void", reason)).sum()
    }

    /// Attempts that came due.
    pub(crate) fn due(&self, broker: impl Into<Value>, probe: &str) -> u64 {
        self.row(&broker.into(), probe).and_then(|row| row["due"].as_u64()).unwrap_or(0)
    }

    /// What is odd about records, by lane and broker.
    fn records(&self) -> Value {
        self.page.pointer("/clusters/0/records").cloned().unwrap_or_default()
    }

    /// Odd records of this view's lane, over all brokers.
    pub(crate) fn anomaly(&self, anomaly: &str) -> u64 {
        let records = self.records();
        let of_view = |row: &&Value| row["lane"].as_str().map(view_of) == Some(self.view);
        records.as_array().into_iter().flatten().filter(of_view).map(|row| count(row, "anomalies", anomaly)).sum()
    }

    /// When the newest judged event of a series ended, if it was good.
    pub(crate) fn good_at(&self, broker: impl Into<Value>, probe: &str) -> Option<Instant> {
        let latest = &self.row(&broker.into(), probe)?["latest"];
        let ago = latest["ended_ms_ago"].as_f64()?;
        (latest["outcome"] == "good").then(|| self.at.checked_sub(Duration::from_secs_f64(ago / 1e3)))?
    }

    /// Whether nothing is on the way: a page taken now shows the same counts as one taken a little later.
    pub(crate) fn in_flight(&self) -> u64 {
        self.rows().filter_map(|row| row["in_flight"].as_u64()).sum()
    }

    /// Every series as (broker, probe, due, outcomes).
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Value> {
        self.page.pointer("/clusters/0/series").and_then(Value::as_array).into_iter().flatten()
    }

    /// In every series of every view each due attempt is counted once or on its way.
    #[track_caller]
    pub(crate) fn assert_balances(&self) {
        for row in self.rows() {
            let counted: u64 = row["outcomes"].as_object().into_iter().flatten().filter_map(|(_, n)| n.as_u64()).sum();
            let in_flight = row["in_flight"].as_u64().unwrap_or(0);
            assert_eq!(row["due"].as_u64(), Some(counted + in_flight), "{row}");
        }
        assert_eq!(self.number("/prober/imbalances"), 0.0);
    }

    fn row(&self, broker: &Value, probe: &str) -> Option<&Value> {
        self.rows().find(|row| row["view"] == self.view && *broker_of(row) == *broker && row["probe"] == probe)
    }
}

/// The broker that a row of the page is about; in the client view the preferred leader of the row's partition.
pub(crate) fn broker_of(row: &Value) -> &Value {
    &row[if row["view"] == "client" { "preferred_leader" } else { "broker" }]
}

/// The label of a metric by which a view's series of this broker is found. Partition 0 of the replicated lane prefers
/// broker 1.
pub(crate) fn subject_label(view: &str, broker: &str) -> (&'static str, String) {
    match broker.parse::<i32>() {
        Ok(id) if view == "client" => ("partition", (id - 1).to_string()),
        Err(_) if view == "client" => ("partition", broker.to_owned()),
        _ => ("broker", broker.to_owned()),
    }
}

fn count(row: &Value, group: &str, name: &str) -> u64 {
    row[group][name].as_u64().unwrap_or(0)
}

/// The lane byte of records written in transactions.
const TRANSACTIONS: u8 = 3;

/// Records of the prober in the monitor topic, as the harness reads them: partition, sequence, and how often it is there.
pub(crate) struct TopicRecords {
    /// Records with our magic.
    pub(crate) records: usize,
    /// Distinct (partition, run, sequence).
    pub(crate) distinct: usize,
}

/// Reads the whole monitor topic.
#[track_caller]
pub(crate) fn read_topic(cluster: &Cluster, topic: &str) -> TopicRecords {
    let address = cluster.any_internal_address();
    let seen = raw::metadata(address, &[topic]).expect("metadata of the monitor topic");
    let (mut records, mut distinct) = (0, BTreeSet::new());
    for partition in seen.partitions.iter().filter(|partition| partition.topic == topic) {
        let read = raw::read_partition(address, topic, partition.partition).expect("the partition can be read");
        // Byte 5 is the lane; the transactions of the direct probe, which are not counted here, have their own.
        let of_lanes = |value: &[u8]| value.starts_with(b"KPRB") && value[5] != TRANSACTIONS;
        for (_, value) in read.iter().filter(|(_, value)| of_lanes(value)) {
            records += 1;
            // Run, vantage, partition and sequence: bytes 6 to 42 of the documented layout.
            distinct.insert(value[6..42].to_vec());
        }
    }
    TopicRecords { records, distinct: distinct.len() }
}

/// What the sink holds adds up: for every series `due` is the sum of its outcomes, as in a final export.
#[track_caller]
pub(crate) fn assert_export_balances(sink: &OtlpSink, brokers: &[&str]) {
    let of_records = ["broker", "client"].into_iter().flat_map(|view| PROBES.map(|probe| (view, probe)));
    let of_brokers = DIRECT.map(|probe| ("broker", probe)).into_iter();
    let series: Vec<_> = of_records.chain(of_brokers).chain(COORDINATOR.map(|probe| ("coordinator", probe))).collect();
    for broker in brokers {
        for (view, probe) in &series {
            let (view, probe) = (*view, *probe);
            let (about, subject) = subject_label(view, broker);
            let of = [("view", view), (about, subject.as_str()), ("probe", probe)];
            let due = sink.sum("kafka_prober.attempts", &[of[0], of[1], of[2], ("state", "due")]);
            let counted = sink.sum("kafka_prober.events", &of);
            assert_eq!(due, counted, "{probe} of the {view} view at broker {broker}");
        }
    }
    let of = [("view", "cluster"), ("probe", "controller")];
    let due = sink.sum("kafka_prober.attempts", &[of[0], of[1], ("state", "due")]);
    assert_eq!(due, sink.sum("kafka_prober.events", &of), "controller");
}

/// The p99 of a probe at some brokers between two scrapes, in seconds.
pub(crate) fn p99(later: &Scrape, earlier: &Scrape, broker: &str) -> f64 {
    let labels = [("view", "broker"), ("broker", broker), ("probe", "end_to_end")];
    later.since(earlier).histogram_quantile("kafka_prober_duration_seconds", &labels, 0.99).unwrap_or_default()
}

/// Lets so much time of the story pass. The passing of time is the condition here, not a guess at one.
pub(crate) fn elapse(time: Duration) {
    let until = Instant::now() + time;
    wait_until(time + Duration::from_secs(5), "the time has passed", || until <= Instant::now());
}
