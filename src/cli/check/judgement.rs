//! From a snapshot to the answer of `check`: which brokers can be written to and read from, and whether enough was seen.

use std::time::Duration;

use prober_core::event::Outcome;
use prober_core::ids::{Broker, ClusterName, Probe};
use prober_core::snapshot::{BrokerState, BrokerStatus, LaneState, SeriesCounts, Snapshot};

use crate::cli::exit::Exit;

/// Judged events of each probe that an answer needs.
const ENOUGH: u64 = 3;

/// More void events than this share: the prober is the trouble.
const VOID_SHARE_MAX: f64 = 0.05;

/// The answer, as far as it goes.
#[derive(Clone, Debug)]
pub(super) struct Judgement {
    pub(super) exit: Exit,
    /// In one sentence.
    pub(super) summary: String,
    pub(super) brokers: Vec<BrokerResult>,
    complete: bool,
}

/// One broker, or `unknown` where there was never any metadata.
#[derive(Clone, Debug)]
pub(super) struct BrokerResult {
    pub(super) cluster: ClusterName,
    pub(super) broker: Broker,
    pub(super) address: Option<String>,
    pub(super) state: &'static str,
    pub(super) verdict: Exit,
    pub(super) probes: Vec<ProbeResult>,
}

/// One probe's counts at one broker.
#[derive(Clone, Debug)]
pub(super) struct ProbeResult {
    pub(super) probe: Probe,
    pub(super) good: u64,
    pub(super) bad: u64,
    pub(super) void: u64,
    pub(super) p50: Duration,
    pub(super) max: Duration,
    /// Why, most frequent first.
    pub(super) errors: Vec<&'static str>,
}

impl Judgement {
    /// The prober itself failed.
    pub(super) fn unhealthy(cause: &str) -> Judgement {
        let summary = format!("the prober is unhealthy: {cause}");
        Judgement { exit: Exit::Unhealthy, summary, brokers: Vec::new(), complete: true }
    }

    /// Nothing that is still to come could change it.
    pub(super) fn is_final(&self) -> bool {
        self.complete
    }

    /// The time is over: what has not been seen makes it inconclusive, unless something bad was.
    pub(super) fn at_timeout(mut self, timeout: Duration) -> Judgement {
        if self.exit == Exit::Inconclusive {
            let seconds = timeout.as_secs_f64();
            self.summary = format!("{} (gave up after {seconds} s)", self.summary);
        }
        self
    }
}

/// Judges what has been counted.
pub(super) fn judge(snapshot: &Snapshot) -> Judgement {
    let mut brokers: Vec<BrokerResult> = snapshot
        .brokers
        .iter()
        .filter(|status| status.registered || status.covered)
        .map(|status| known(snapshot, status))
        .collect();
    let clusters: Vec<ClusterName> = snapshot.lanes.iter().map(|lane| lane.cluster.clone()).collect();
    for cluster in clusters {
        if brokers.iter().all(|result| result.cluster != cluster) {
            brokers.push(unknown(snapshot, cluster));
        }
    }
    let refused = snapshot.lanes.iter().find(|lane| lane.state == LaneState::Refused);
    let said = snapshot.lanes.iter().find_map(|lane| lane.message.as_deref());
    let failing: Vec<String> = brokers.iter().filter(|result| result.verdict == Exit::Fail).map(name).collect();
    let open: Vec<String> = brokers.iter().filter(|result| result.verdict == Exit::Inconclusive).map(name).collect();
    let (exit, complete, summary) = if let Some(share) = void_share(snapshot) {
        let summary =
            format!("{:.0} % of the events are void: this machine is too busy to judge Kafka from", 100.0 * share);
        (Exit::Unhealthy, true, summary)
    } else if let Some(lane) = refused {
        let message = lane.message.as_deref().unwrap_or("the lane is refused");
        (Exit::Inconclusive, true, message.to_owned())
    } else if !failing.is_empty() {
        let because = said.map(|message| format!(": {message}")).unwrap_or_default();
        (Exit::Fail, open.is_empty(), format!("failing: {}{because}", failing.join(", ")))
    } else if brokers.is_empty() || !open.is_empty() {
        let because = said.map(|message| format!(": {message}")).unwrap_or_default();
        (Exit::Inconclusive, false, format!("not enough was seen of {}{because}", open.join(", ")))
    } else {
        let summary = format!("{} of {} brokers can be written to and read from", brokers.len(), brokers.len());
        (Exit::Pass, true, summary)
    };
    Judgement { exit, summary, brokers, complete }
}

fn known(snapshot: &Snapshot, status: &BrokerStatus) -> BrokerResult {
    let broker = Broker::Id(status.broker);
    let probes = probes(snapshot, &status.cluster, broker);
    BrokerResult {
        cluster: status.cluster.clone(),
        broker,
        address: status.address.clone(),
        state: status.state.map_or("unknown", BrokerState::as_str),
        verdict: verdict(&probes),
        probes,
    }
}

fn unknown(snapshot: &Snapshot, cluster: ClusterName) -> BrokerResult {
    let probes = probes(snapshot, &cluster, Broker::Unknown);
    let verdict = verdict(&probes);
    BrokerResult { cluster, broker: Broker::Unknown, address: None, state: "unknown", verdict, probes }
}

fn probes(snapshot: &Snapshot, cluster: &ClusterName, broker: Broker) -> Vec<ProbeResult> {
    let of = |row: &&SeriesCounts| row.series.cluster == *cluster && row.series.broker == broker;
    snapshot.series.iter().filter(of).map(probe).collect()
}

fn probe(row: &SeriesCounts) -> ProbeResult {
    use Outcome::{Corrupt, Error, Good, Lost, Slow, Timeout, Void};
    let counts = &row.counts;
    let mut errors: Vec<(&'static str, u64)> = counts.errors.iter().map(|(name, count)| (*name, *count)).collect();
    errors.extend([Slow, Lost, Corrupt].map(|outcome| (outcome.as_str(), counts.of(outcome))));
    errors.retain(|(_, count)| 0 < *count);
    errors.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    ProbeResult {
        probe: row.series.probe,
        good: counts.of(Good),
        bad: [Slow, Error, Timeout, Lost, Corrupt].into_iter().map(|outcome| counts.of(outcome)).sum(),
        void: counts.of(Void),
        p50: row.quantiles.p50,
        max: row.quantiles.max,
        errors: errors.into_iter().map(|(name, _)| name).collect(),
    }
}

/// Bad counts against a broker once it is not a single accident; good needs every probe.
fn verdict(probes: &[ProbeResult]) -> Exit {
    let bad: u64 = probes.iter().map(|probe| probe.bad).sum();
    let enough = !probes.is_empty() && probes.iter().all(|probe| ENOUGH <= probe.good + probe.bad);
    if ENOUGH <= bad || (enough && 0 < bad) {
        Exit::Fail
    } else if enough {
        Exit::Pass
    } else {
        Exit::Inconclusive
    }
}

/// The share of void events, if it is too large and they are more than a few.
fn void_share(snapshot: &Snapshot) -> Option<f64> {
    let all = |outcome| snapshot.series.iter().map(|row| row.counts.of(outcome)).sum::<u64>();
    let void = all(Outcome::Void);
    let total: u64 = Outcome::ALL.into_iter().map(all).sum();
    let share = void as f64 / total.max(1) as f64;
    (ENOUGH < void && VOID_SHARE_MAX < share).then_some(share)
}

fn name(result: &BrokerResult) -> String {
    let broker = match result.broker {
        Broker::Unknown => return format!("cluster {}: no broker answered", result.cluster),
        Broker::Id(id) => format!("broker {id}"),
    };
    let first = result.probes.iter().find(|probe| !probe.errors.is_empty());
    match first {
        Some(probe) => format!("{broker} ({}: {})", probe.probe.as_str(), probe.errors.join(", ")),
        None => broker,
    }
}
