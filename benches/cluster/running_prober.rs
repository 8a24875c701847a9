//! A prober under measurement: the real binary, exporting to a real OTLP receiver, and its pages.

use std::time::Duration;

use prober_core::ids::View;
use serde_json::Value;

use crate::harness::otlp::OtlpSink;
use crate::harness::prober::{Exit, HttpAnswer, Prober, Scrape};
use crate::harness::{ports, wait_until};
use crate::report::mean;

/// The setting that turns off the lane of a view.
const LANES: [(View, &str); 2] = [
    (View::Broker, "KAFKA_PROBER__LANES__PINNED__ENABLED"),
    (View::Client, "KAFKA_PROBER__LANES__REPLICATED__ENABLED"),
];

/// Both views.
pub(crate) const BOTH: [View; 2] = [View::Broker, View::Client];

const PROBES: [&str; 3] = ["produce", "consume", "end_to_end"];

/// Outcomes that count against a broker.
const BAD: [&str; 5] = ["slow", "error", "timeout", "lost", "corrupt"];

/// Time limit of a stop.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);

pub(crate) struct RunningProber {
    pub(crate) prober: Prober,
    /// The views that are probed.
    pub(crate) views: Vec<View>,
    sink: OtlpSink,
}

/// The status page at one moment.
pub(crate) struct Status {
    page: Value,
    /// How long the request took.
    pub(crate) elapsed: Duration,
}

impl RunningProber {
    /// `run` with the lanes of these views, on default settings but for `settings` (environment variables), exporting
    /// over gRPC.
    pub(crate) fn start(bootstrap: &str, views: &[View], settings: &[(&str, &str)]) -> RunningProber {
        let sink = OtlpSink::grpc();
        let port = ports::free_port();
        let listen = format!("127.0.0.1:{port}");
        let args = ["run", "--bootstrap", bootstrap, "--listen", &listen];
        let endpoint = sink.endpoint();
        let mut env = settings.to_vec();
        env.push(("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint));
        // The level that users run on; the harness would set `full`.
        env.push(("KAFKA_PROBER__METRICS__LEVEL", "standard"));
        let off = LANES.iter().filter(|(view, _)| !views.contains(view));
        env.extend(off.map(|(_, enabled)| (*enabled, "false")));
        let prober = Prober::spawn(env!("CARGO_BIN_EXE_kafka-prober"), port, &args, &env);
        RunningProber { prober, views: views.to_vec(), sink }
    }

    /// Waits until this many brokers had a good round trip in every view, and returns how long that took.
    pub(crate) fn await_good(&self, brokers: usize, limit: Duration) -> Duration {
        wait_until(limit, "every broker has had a good round trip in every view", || {
            let status = self.try_status();
            status.is_some_and(|status| {
                let good = |view| status.count(view, "end_to_end", &["good"], |_| true);
                let with_good = |view| good(view).into_iter().filter(|count| 0 < *count).count();
                self.views.iter().all(|view| brokers <= with_good(*view))
            })
        })
    }

    pub(crate) fn status(&self) -> Status {
        self.try_status().expect("the prober serves its status page")
    }

    pub(crate) fn metrics(&self) -> HttpAnswer {
        let page = self.prober.http_get("/metrics").filter(|page| page.status == 200);
        page.expect("the prober serves its metrics")
    }

    /// `/metrics` without the series of one broker.
    pub(crate) fn metrics_without(&self, broker: i32) -> Scrape {
        let its_own = format!("broker=\"{broker}\"");
        let page = self.metrics().body;
        let others: Vec<&str> = page.lines().filter(|line| !line.contains(&its_own)).collect();
        Scrape::parse(&others.join("\n"))
    }

    /// Stops the prober (SIGTERM) and returns the number of exports that arrived.
    pub(crate) fn stop(mut self) -> u64 {
        self.prober.terminate();
        let Exit { code, .. } = self.prober.wait_exit(STOPPED_WITHIN);
        assert_eq!(code, Some(0), "{}", self.prober.stderr());
        self.sink.exports()
    }

    fn try_status(&self) -> Option<Status> {
        let answer = self.prober.http_get("/api/v1/status").filter(|answer| answer.status == 200)?;
        Some(Status { page: serde_json::from_str(&answer.body).ok()?, elapsed: answer.elapsed })
    }
}

impl Status {
    /// Counted round trips that were good, over all views and brokers.
    pub(crate) fn round_trips(&self) -> u64 {
        BOTH.into_iter().flat_map(|view| self.count(view, "end_to_end", &["good"], |_| true)).sum()
    }

    /// Events of one view that count against these brokers, over all probes.
    pub(crate) fn bad(&self, view: View, of: impl Fn(i64) -> bool) -> u64 {
        PROBES.iter().flat_map(|probe| self.count(view, probe, &BAD, &of)).sum()
    }

    /// Void and missed events, over all views, probes and brokers.
    pub(crate) fn void_or_missed(&self) -> u64 {
        let of =
            |view| PROBES.into_iter().flat_map(move |probe| self.count(view, probe, &["void", "missed"], |_| true));
        BOTH.into_iter().flat_map(of).sum()
    }

    /// A percentile of one view's probe since the start in milliseconds, each broker's own, then their mean.
    pub(crate) fn percentile_ms(&self, view: View, probe: &str, percentile: &str) -> f64 {
        mean(self.rows(view, probe).filter_map(|row| row["durations"][percentile].as_f64()))
    }

    /// Events of these outcomes, by broker.
    fn count(&self, view: View, probe: &str, outcomes: &[&str], of: impl Fn(i64) -> bool) -> Vec<u64> {
        let theirs = self.rows(view, probe).filter(|row| broker_of(row).as_i64().is_some_and(&of));
        let count = |row: &Value| outcomes.iter().filter_map(|outcome| row["outcomes"][outcome].as_u64()).sum();
        theirs.map(count).collect()
    }

    /// Rows of known brokers; before the first metadata there is a row for the broker `unknown`.
    fn rows<'a>(&'a self, view: View, probe: &'a str) -> impl Iterator<Item = &'a Value> {
        let all = self.page.pointer("/clusters/0/series").and_then(Value::as_array).into_iter().flatten();
        all.filter(move |row| row["view"] == view.as_str() && row["probe"] == probe && broker_of(row).is_number())
    }
}

/// The broker that a row is about; in the client view the preferred leader of its partition.
fn broker_of(row: &Value) -> &Value {
    &row[if row["view"] == "client" { "preferred_leader" } else { "broker" }]
}
