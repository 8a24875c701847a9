//! One status page, read as counts.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{COORDINATOR, DIRECT, PROBES};

/// Outcomes that count against a broker.
const BAD: [&str; 5] = ["slow", "error", "timeout", "lost", "corrupt"];

/// The status page at one moment, in one view (the broker view unless another was chosen).
pub(crate) struct Status {
    page: Value,
    /// When it was read.
    pub(crate) at: Instant,
    view: &'static str,
}

/// The view of a lane's events.
pub(super) fn view_of(lane: &str) -> &'static str {
    if lane == "pinned" { "broker" } else { "client" }
}

impl Status {
    /// Reads the JSON of `/api/v1/status`, now, in the broker view.
    pub(super) fn of(page: Value) -> Status {
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

    /// The same moment in the cluster view, with [`CLUSTER`](super::CLUSTER) in place of a broker.
    pub(crate) fn cluster(&self) -> Status {
        self.in_view("cluster")
    }

    pub(super) fn in_view(&self, view: &'static str) -> Status {
        Status { page: self.page.clone(), at: self.at, view }
    }

    /// The names of the lanes that are probed.
    pub(super) fn lanes(&self) -> Vec<String> {
        let lanes = self.page.pointer("/clusters/0/lanes").and_then(Value::as_array);
        lanes.into_iter().flatten().filter_map(|lane| lane["lane"].as_str().map(str::to_owned)).collect()
    }

    /// One number of the page, by JSON pointer; 0 if it is not there.
    pub(crate) fn number(&self, pointer: &str) -> f64 {
        self.page.pointer(pointer).and_then(Value::as_f64).unwrap_or_default()
    }

    /// One value of the page, by JSON pointer; null if it is not there.
    pub(crate) fn page(&self, pointer: &str) -> &Value {
        self.page.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// One value of the observation, by JSON pointer; null if it is not there.
    pub(crate) fn observation(&self, pointer: &str) -> &Value {
        self.page.pointer(&format!("/clusters/0/observation{pointer}")).unwrap_or(&Value::Null)
    }

    /// Whether the controller lists the broker as registered or fenced.
    pub(crate) fn registration(&self, broker: i32) -> Option<&str> {
        let brokers = self.page.pointer("/clusters/0/brokers").and_then(Value::as_array)?;
        brokers.iter().find(|row| row["id"] == broker)?["registration"].as_str()
    }

    /// The first lane's state and message.
    pub(crate) fn lane(&self) -> (String, String) {
        let text = |field: &str| self.page.pointer(&format!("/clusters/0/lanes/0/{field}")).and_then(Value::as_str);
        (text("state").unwrap_or_default().to_owned(), text("message").unwrap_or_default().to_owned())
    }

    /// A broker's state; `None` before the first event was judged.
    pub(crate) fn state(&self, broker: i32) -> Option<&str> {
        let brokers = self.page.pointer("/clusters/0/brokers").and_then(Value::as_array);
        let row = brokers.into_iter().flatten().find(|row| row["id"] == broker);
        row.and_then(|row| row["state"].as_str())
    }

    /// The direct probes that cannot run, each with its message.
    pub(crate) fn blocked_probes(&self) -> Vec<String> {
        let blocked = self.page.pointer("/clusters/0/blocked_probes").and_then(Value::as_array);
        let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
        blocked.into_iter().flatten().map(|row| format!("{}: {}", text(row, "probe"), text(row, "message"))).collect()
    }

    /// Counted events of one outcome.
    pub(crate) fn outcome(&self, broker: impl Into<Value>, probe: &str, outcome: &str) -> u64 {
        self.row(&broker.into(), probe).map_or(0, |row| count(row, "outcomes", outcome))
    }

    /// As [`Status::outcome`], for the broker `unknown`, which exists before the first metadata.
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

    /// Errors of one type, over all brokers or partitions of the view: a partition has no number before its topic exists.
    pub(crate) fn errors_of_view(&self, probe: &str, error_type: &str) -> u64 {
        let of_probe = |row: &&Value| row["view"] == self.view && row["probe"] == probe;
        self.rows().filter(of_probe).map(|row| count(row, "errors", error_type)).sum()
    }

    /// As [`Status::errors`], for the broker `unknown`, which exists before the first metadata.
    pub(crate) fn unknown_errors(&self, probe: &str, error_type: &str) -> u64 {
        self.row(&"unknown".into(), probe).map_or(0, |row| count(row, "errors", error_type))
    }

    /// Void events of one reason, over all series of all views.
    pub(crate) fn void(&self, reason: &str) -> u64 {
        self.rows().map(|row| count(row, "void", reason)).sum()
    }

    /// Attempts that came due.
    pub(crate) fn due(&self, broker: impl Into<Value>, probe: &str) -> u64 {
        self.row(&broker.into(), probe).and_then(|row| row["due"].as_u64()).unwrap_or(0)
    }

    /// The anomalies of records, by lane and broker.
    pub(super) fn records(&self) -> Value {
        self.page.pointer("/clusters/0/records").cloned().unwrap_or_default()
    }

    /// Records of this view's lane with an anomaly, over all brokers.
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

    /// Attempts in flight, over all series.
    pub(crate) fn in_flight(&self) -> u64 {
        self.rows().filter_map(|row| row["in_flight"].as_u64()).sum()
    }

    /// The row of every series.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Value> {
        self.page.pointer("/clusters/0/series").and_then(Value::as_array).into_iter().flatten()
    }

    /// In every series of every view, each due attempt is counted once or in flight.
    #[track_caller]
    pub(crate) fn assert_balances(&self) {
        assert!(self.rows().any(|row| 0 < row["due"].as_u64().unwrap_or(0)), "nothing has come due: {}", self.page);
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

fn count(row: &Value, group: &str, name: &str) -> u64 {
    row[group][name].as_u64().unwrap_or(0)
}

/// The broker that a row of the page is about; in the client view the preferred leader of the row's partition.
pub(crate) fn broker_of(row: &Value) -> &Value {
    &row[if row["view"] == "client" { "preferred_leader" } else { "broker" }]
}
