//! From a snapshot to the answer of `check`: which brokers can be written to and read from, and whether enough was seen.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use prober_core::counts::SeriesCounts;
use prober_core::event::Outcome;
use prober_core::ids::{Broker, ClusterName, Probe, View};
use prober_core::snapshot::{BrokerState, BrokerStatus, LaneState, Snapshot};

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
    /// The broker view: who can be written to and read from.
    pub(super) brokers: Vec<Row>,
    /// The client view: what applications feel, one row a cluster.
    pub(super) clients: Vec<Row>,
    complete: bool,
}

/// Whom a verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A broker, or `unknown` where there was never any metadata.
    Broker(Broker),
    /// Applications on the cluster. By preferred leaders nobody could be accused: with three replicas the healthy
    /// leaders' series fail too.
    Clients,
}

/// What was seen of one subject.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) cluster: ClusterName,
    pub(super) subject: Subject,
    pub(super) address: Option<String>,
    pub(super) state: Option<BrokerState>,
    pub(super) verdict: Exit,
    pub(super) probes: Vec<ProbeResult>,
}

/// One probe's counts of one subject.
#[derive(Clone, Debug)]
pub(super) struct ProbeResult {
    pub(super) probe: Probe,
    pub(super) good: u64,
    pub(super) bad: u64,
    pub(super) void: u64,
    /// Events of the partition that has the fewest.
    fewest: u64,
    /// Median; of the slowest partition, where there are several.
    pub(super) p50: Duration,
    pub(super) max: Duration,
    /// Why, most frequent first.
    pub(super) errors: Vec<&'static str>,
}

impl Judgement {
    /// The prober itself failed.
    pub(super) fn unhealthy(cause: &str) -> Judgement {
        let summary = format!("the prober is unhealthy: {cause}");
        Judgement { exit: Exit::Unhealthy, summary, brokers: Vec::new(), clients: Vec::new(), complete: true }
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
    let (brokers, clients) = (broker_rows(snapshot), client_rows(snapshot));
    let all = || brokers.iter().chain(&clients);
    let named = |verdict: Exit| {
        let mut names: Vec<String> = all().filter(|row| row.verdict == verdict).map(name).collect();
        // Where nobody answers, both views have the same to say.
        names.dedup();
        names
    };
    let (failing, open) = (named(Exit::Fail), named(Exit::Inconclusive));
    let refused = snapshot.lanes.iter().find(|lane| lane.state == LaneState::Refused);
    let said = snapshot.lanes.iter().find_map(|lane| lane.message.as_deref());
    let because = said.map(|message| format!(": {message}")).unwrap_or_default();
    let (exit, complete, summary) = if let Some(share) = void_share(snapshot) {
        let summary =
            format!("{:.0} % of the events are void: this machine is too busy to judge Kafka from", 100.0 * share);
        (Exit::Unhealthy, true, summary)
    } else if let Some(lane) = refused {
        let message = lane.message.as_deref().unwrap_or("the lane is refused");
        (Exit::Inconclusive, true, message.to_owned())
    } else if !failing.is_empty() {
        (Exit::Fail, open.is_empty(), format!("failing: {}{because}", failing.join(", ")))
    } else if all().next().is_none() || !open.is_empty() {
        (Exit::Inconclusive, false, format!("not enough was seen of {}{because}", open.join(", ")))
    } else {
        (Exit::Pass, true, all_well(&brokers, &clients))
    };
    Judgement { exit, summary, brokers, clients, complete }
}

fn all_well(brokers: &[Row], clients: &[Row]) -> String {
    let count = brokers.len();
    match (brokers.is_empty(), clients.is_empty()) {
        (true, _) => "applications can write and read".to_owned(),
        (false, true) => format!("{count} of {count} brokers can be written to and read from"),
        (false, false) => {
            format!("{count} of {count} brokers can be written to and read from, and applications can write and read")
        }
    }
}

fn broker_rows(snapshot: &Snapshot) -> Vec<Row> {
    let probed = clusters(snapshot, View::Broker);
    let known = |status: &&BrokerStatus| probed.contains(&status.cluster) && (status.registered || status.covered);
    let mut rows: Vec<Row> = snapshot.brokers.iter().filter(known).map(|status| broker_row(snapshot, status)).collect();
    for cluster in probed {
        if rows.iter().all(|row| row.cluster != cluster) {
            rows.push(row(snapshot, cluster, Subject::Broker(Broker::Unknown)));
        }
    }
    rows
}

fn client_rows(snapshot: &Snapshot) -> Vec<Row> {
    let probed = clusters(snapshot, View::Client).into_iter();
    probed.map(|cluster| row(snapshot, cluster, Subject::Clients)).collect()
}

/// The clusters that are probed in a view.
fn clusters(snapshot: &Snapshot, view: View) -> Vec<ClusterName> {
    snapshot.lanes.iter().filter(|lane| lane.lane.view() == view).map(|lane| lane.cluster.clone()).collect()
}

fn broker_row(snapshot: &Snapshot, status: &BrokerStatus) -> Row {
    Row {
        address: status.address.clone(),
        state: status.state,
        ..row(snapshot, status.cluster.clone(), Subject::Broker(Broker::Id(status.broker)))
    }
}

fn row(snapshot: &Snapshot, cluster: ClusterName, subject: Subject) -> Row {
    let probes = Probe::ALL.into_iter().filter_map(|kind| probe(snapshot, &cluster, subject, kind));
    let probes: Vec<ProbeResult> = probes.collect();
    Row { cluster, subject, address: None, state: None, verdict: verdict(&probes), probes }
}

/// What one probe saw of the subject, over all its partitions; `None` if there is none.
fn probe(snapshot: &Snapshot, cluster: &ClusterName, subject: Subject, probe: Probe) -> Option<ProbeResult> {
    use Outcome::{Corrupt, Error, Good, Lost, Slow, Timeout, Void};
    let of = |row: &&SeriesCounts| {
        let about = match subject {
            Subject::Broker(broker) => row.series.view == View::Broker && row.broker == broker,
            Subject::Clients => row.series.view == View::Client,
        };
        about && row.series.cluster == *cluster && row.series.probe == probe
    };
    let mut rows: Vec<&SeriesCounts> = snapshot.series.iter().filter(of).collect();
    // What came before the first metadata stands under `unknown`; it is asked only while there is nothing else.
    if rows.iter().any(|row| row.series.subject.is_known()) {
        rows.retain(|row| row.series.subject.is_known());
    }
    let sum = |row: &SeriesCounts, outcomes: &[Outcome]| outcomes.iter().map(|outcome| row.counts.of(*outcome)).sum();
    let total = |outcomes: &[Outcome]| -> u64 { rows.iter().map(|row| sum(row, outcomes)).sum() };
    let judged = |row: &&SeriesCounts| -> u64 { sum(row, &[Good, Slow, Error, Timeout, Lost, Corrupt]) };
    Some(ProbeResult {
        probe,
        good: total(&[Good]),
        bad: total(&[Slow, Error, Timeout, Lost, Corrupt]),
        void: total(&[Void]),
        fewest: rows.iter().map(judged).min()?,
        p50: rows.iter().map(|row| row.quantiles.p50).max()?,
        max: rows.iter().map(|row| row.quantiles.max).max()?,
        errors: errors(&rows),
    })
}

/// Why events were bad, most frequent first.
fn errors(rows: &[&SeriesCounts]) -> Vec<&'static str> {
    let mut errors: BTreeMap<&'static str, u64> = BTreeMap::new();
    for row in rows {
        let slow_or_gone = [Outcome::Slow, Outcome::Lost, Outcome::Corrupt];
        let counted = slow_or_gone.map(|outcome| (outcome.as_str(), row.counts.of(outcome)));
        for (name, count) in row.counts.errors.iter().map(|(name, count)| (*name, *count)).chain(counted) {
            *errors.entry(name).or_default() += count;
        }
    }
    let mut errors: Vec<_> = errors.into_iter().filter(|(_, count)| 0 < *count).collect();
    errors.sort_by_key(|(_, count)| Reverse(*count));
    errors.into_iter().map(|(name, _)| name).collect()
}

/// Bad counts once it is not a single accident; good needs every probe at every partition.
fn verdict(probes: &[ProbeResult]) -> Exit {
    let bad: u64 = probes.iter().map(|probe| probe.bad).sum();
    let enough = !probes.is_empty() && probes.iter().all(|probe| ENOUGH <= probe.fewest);
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

fn name(row: &Row) -> String {
    let subject = match row.subject {
        Subject::Broker(Broker::Unknown | Broker::Cluster) => {
            return format!("cluster {}: no broker answered", row.cluster);
        }
        Subject::Broker(Broker::Id(id)) => format!("broker {id}"),
        Subject::Clients if row.probes.iter().all(|probe| probe.errors == ["no_metadata"]) => {
            return format!("cluster {}: no broker answered", row.cluster);
        }
        Subject::Clients => "applications".to_owned(),
    };
    match row.probes.iter().find(|probe| !probe.errors.is_empty()) {
        Some(probe) => format!("{subject} ({}: {})", probe.probe.as_str(), probe.errors.join(", ")),
        None => subject,
    }
}
