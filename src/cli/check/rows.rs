//! The counts of a snapshot as rows of the answer: one for each broker, and one for the applications of each cluster.

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

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A broker, or `unknown` if there never was any metadata.
    Broker(Broker),
    /// Applications on the cluster, which is the client view over all partitions. It blames no broker: with three
    /// replicas the partitions of healthy leaders fail too.
    Applications,
}

/// The counts of one subject.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) cluster: ClusterName,
    pub(super) subject: Subject,
    pub(super) address: Option<String>,
    pub(super) state: Option<BrokerState>,
    pub(super) verdict: Exit,
    /// Whether more events would not change the verdict.
    pub(super) is_final: bool,
    /// It has no partition of the pinned topic, so no record is written to it.
    pub(super) has_no_partition: bool,
    pub(super) probes: Vec<ProbeResult>,
}

/// One probe's counts for one subject.
#[derive(Clone, Debug)]
pub(super) struct ProbeResult {
    pub(super) probe: Probe,
    pub(super) good: u64,
    pub(super) bad: u64,
    /// Bad events whose fault does not blame the cluster.
    unclear: u64,
    pub(super) void: u64,
    /// Judged events of the partition that has the fewest.
    fewest: u64,
    /// Median; of the slowest partition, where there are several.
    pub(super) p50: Duration,
    pub(super) max: Duration,
    /// `error.type` of bad events, most frequent first.
    pub(super) errors: Vec<&'static str>,
}

impl Row {
    /// Whether there never was any metadata, so that nothing could be sent.
    pub(super) fn has_no_metadata(&self) -> bool {
        let errors = || self.probes.iter().flat_map(|probe| &probe.errors);
        errors().next().is_some() && errors().all(|error| *error == "no_metadata")
    }

    /// Takes the percentiles of a later snapshot, in which they are of all events.
    pub(super) fn take_latencies(&mut self, last: &Snapshot) {
        for probe in &mut self.probes {
            if let Some(newest) = result(last, &self.cluster, self.subject, probe.probe) {
                (probe.p50, probe.max) = (newest.p50, newest.max);
            }
        }
    }
}

/// The broker view: every broker that is registered or probed; where there never was any metadata, `unknown`.
pub(super) fn brokers(snapshot: &Snapshot) -> Vec<Row> {
    let probed = clusters(snapshot, View::Broker);
    let known = |status: &&BrokerStatus| probed.contains(&status.cluster) && (status.registered || status.covered);
    let mut rows: Vec<Row> = snapshot.brokers.iter().filter(known).map(|status| broker(snapshot, status)).collect();
    for cluster in probed {
        if rows.iter().all(|row| row.cluster != cluster) {
            rows.push(row(snapshot, cluster, Subject::Broker(Broker::Unknown)));
        }
    }
    rows
}

/// The client view: one row a cluster.
pub(super) fn applications(snapshot: &Snapshot) -> Vec<Row> {
    let probed = clusters(snapshot, View::Client).into_iter();
    probed.map(|cluster| row(snapshot, cluster, Subject::Applications)).collect()
}

/// The clusters that have a lane in this view.
fn clusters(snapshot: &Snapshot, view: View) -> Vec<ClusterName> {
    snapshot.lanes.iter().filter(|lane| lane.lane.view() == view).map(|lane| lane.cluster.clone()).collect()
}

fn broker(snapshot: &Snapshot, status: &BrokerStatus) -> Row {
    let row = row(snapshot, status.cluster.clone(), Subject::Broker(Broker::Id(status.broker)));
    let of_lane = |lane: &&prober_core::snapshot::LaneStatus| {
        lane.cluster == status.cluster && lane.lane.view() == View::Broker && lane.state == LaneState::Probing
    };
    let has_no_partition = snapshot.lanes.iter().any(|lane| of_lane(&lane))
        && row.probes.iter().all(|found| found.probe != Probe::Produce);
    let verdict = if has_no_partition && row.verdict == Exit::Pass { Exit::Inconclusive } else { row.verdict };
    Row { address: status.address.clone(), state: status.state, has_no_partition, verdict, ..row }
}

fn row(snapshot: &Snapshot, cluster: ClusterName, subject: Subject) -> Row {
    let results = Probe::ALL.into_iter().filter_map(|probe| result(snapshot, &cluster, subject, probe));
    let probes: Vec<ProbeResult> = results.collect();
    let (verdict, is_final) = verdict(&probes);
    Row { cluster, subject, address: None, state: None, verdict, is_final, has_no_partition: false, probes }
}

/// The counts of one probe for the subject, over all its partitions; `None` if there is no such probe.
fn result(snapshot: &Snapshot, cluster: &ClusterName, subject: Subject, probe: Probe) -> Option<ProbeResult> {
    use Outcome::{Corrupt, Error, Good, Lost, Slow, Timeout, Void};
    let is_about = |row: &&SeriesCounts| {
        let of_subject = match subject {
            Subject::Broker(broker) => row.series.view == View::Broker && row.broker == broker,
            Subject::Applications => row.series.view == View::Client,
        };
        of_subject && row.series.cluster == *cluster && row.series.probe == probe
    };
    let mut rows: Vec<&SeriesCounts> = snapshot.series.iter().filter(is_about).collect();
    // Events from before the first metadata are counted for `unknown`; they matter only while there are no others.
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
        unclear: rows.iter().map(|row| row.counts.unclear).sum(),
        void: total(&[Void]),
        fewest: rows.iter().map(judged).min()?,
        p50: rows.iter().map(|row| row.quantiles.p50).max()?,
        max: rows.iter().map(|row| row.quantiles.max).max()?,
        errors: errors(&rows),
    })
}

/// Error types of bad events, most frequent first.
fn errors(rows: &[&SeriesCounts]) -> Vec<&'static str> {
    let mut errors: BTreeMap<&'static str, u64> = BTreeMap::new();
    for row in rows {
        let without_error = [Outcome::Slow, Outcome::Lost, Outcome::Corrupt];
        let counted = without_error.map(|outcome| (outcome.as_str(), row.counts.of(outcome)));
        for (name, count) in row.counts.errors.iter().map(|(name, count)| (*name, *count)).chain(counted) {
            *errors.entry(name).or_default() += count;
        }
    }
    let mut errors: Vec<_> = errors.into_iter().filter(|(_, count)| 0 < *count).collect();
    errors.sort_by_key(|(_, count)| Reverse(*count));
    errors.into_iter().map(|(name, _)| name).collect()
}

/// The verdict, and whether it is final. Bad events count once there are three, so that a single failure blames
/// no broker; good needs three events of every probe at every partition.
fn verdict(probes: &[ProbeResult]) -> (Exit, bool) {
    let unclear: u64 = probes.iter().map(|probe| probe.unclear).sum();
    let of_cluster: u64 = probes.iter().map(|probe| probe.bad.saturating_sub(probe.unclear)).sum();
    let enough = !probes.is_empty() && probes.iter().all(|probe| ENOUGH <= probe.fewest);
    let counts = |bad: u64| ENOUGH <= bad || (enough && 0 < bad);
    match () {
        () if counts(of_cluster) => (Exit::Fail, true),
        () if counts(unclear) => (Exit::Inconclusive, true),
        () if enough => (Exit::Pass, true),
        () => (Exit::Inconclusive, false),
    }
}
