//! Cumulative counts: every event once, and only growing. The one place where counts live; every exporter reads it
//! through a [`Snapshot`](crate::snapshot::Snapshot).

mod row;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::buckets::{Buckets, Edges};
use crate::counts::{Counts, LatestEvent, ObjectiveCounts, PhaseCounts, RecordCounts, SeriesCounts};
use crate::event::{Anomaly, Event, Outcome};
use crate::ids::{Broker, BrokerId, ClusterName, Lane, Partition, Phase, Probe, Series, Subject, Target, View};
use crate::judge::{Verdict, judge};
use crate::objective::Objective;
use crate::time::Time;
use crate::track::Output;

use row::Row;

/// Interval at which percentiles are computed; only people read them.
const QUANTILES_EVERY: Duration = Duration::from_secs(1);

/// The ledger.
#[derive(Debug)]
pub struct Ledger {
    objectives: Arc<[Objective]>,
    /// Bucket edges of the duration histograms.
    edges: Edges,
    rows: BTreeMap<Series, Row>,
    objective_counts: BTreeMap<(usize, ClusterName, Subject), Tally>,
    records: BTreeMap<(ClusterName, Lane, Subject), Records>,
    /// The preferred leaders of the replicated lane's partitions, as last discovered.
    leaders: BTreeMap<(ClusterName, Partition), Broker>,
    phases: BTreeMap<(ClusterName, Broker, Phase), Buckets>,
    channel_failures: BTreeMap<(ClusterName, BrokerId), u64>,
    quantiles_at: Option<Time>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    good: u64,
    bad: u64,
    excluded: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Records {
    anomalies: [u64; Anomaly::ALL.len()],
    late_acks: u64,
}

impl Ledger {
    /// An empty ledger that judges by these objectives, and whose histograms have these edges.
    pub fn new(objectives: Arc<[Objective]>, edges: Edges) -> Ledger {
        Ledger {
            objectives,
            edges,
            rows: BTreeMap::new(),
            objective_counts: BTreeMap::new(),
            records: BTreeMap::new(),
            leaders: BTreeMap::new(),
            phases: BTreeMap::new(),
            channel_failures: BTreeMap::new(),
            quantiles_at: None,
        }
    }

    /// Zero-initialises every count of a target, so that its first bad event is an increase and not an appearance.
    pub fn discover(&mut self, target: &Target) {
        if let (View::Client, Some(partition)) = (target.lane.view(), target.partition) {
            self.leaders.insert((target.cluster.clone(), partition), target.broker);
        }
        for probe in Probe::OF_A_RECORD {
            self.open(target.series(probe));
        }
        self.records_of(target);
    }

    /// Zero-initialises the counts of one series.
    pub fn open(&mut self, series: Series) {
        for (index, objective) in self.objectives.iter().enumerate() {
            if objective.covers(series.view, series.probe) {
                self.objective_counts.entry((index, series.cluster.clone(), series.subject)).or_default();
            }
        }
        self.rows.entry(series).or_insert_with(|| Row::new(&self.edges));
    }

    /// An attempt of this series came due.
    pub fn due(&mut self, series: &Series) {
        self.row(series).counts.due += 1;
    }

    /// The request of an attempt was sent.
    pub fn sent(&mut self, series: &Series) {
        self.row(series).counts.sent += 1;
    }

    /// `count` attempts came due and were never sent.
    pub fn missed(&mut self, series: &Series, count: u64) {
        let counts = &mut self.row(series).counts;
        counts.due += count;
        counts.outcomes[Outcome::Missed.index()] += count;
        for (index, objective) in self.objectives.iter().enumerate() {
            if objective.covers(series.view, series.probe) {
                self.objective_counts.entry((index, series.cluster.clone(), series.subject)).or_default().excluded +=
                    count;
            }
        }
    }

    /// A phase of a direct probe was completed, and how long it took.
    pub fn phase(&mut self, cluster: &ClusterName, broker: Broker, phase: Phase, took: Duration) {
        let edges = &self.edges;
        self.phases.entry((cluster.clone(), broker, phase)).or_insert_with(|| Buckets::new(edges)).add(took);
    }

    /// Takes in one output of a track, except events: those settle first and come through [`Ledger::record`].
    pub fn on_output(&mut self, target: &Target, output: &Output) {
        match output {
            Output::Due(probe) => self.due(&target.series(*probe)),
            Output::Sent(probe) => self.sent(&target.series(*probe)),
            Output::Missed(probe, count) => self.missed(&target.series(*probe), *count),
            Output::Anomaly(anomaly, count) => self.records_of(target).anomalies[anomaly.index()] += count,
            Output::LateAck => self.records_of(target).late_acks += 1,
            Output::Event(_) | Output::Reread(_) => {}
        }
    }

    /// Judges and counts one settled event.
    pub fn record(&mut self, event: &Event) {
        self.row(&event.series).count(event);
        for (index, objective) in self.objectives.iter().enumerate() {
            if !objective.covers(event.series.view, event.series.probe) {
                continue;
            }
            let tally =
                self.objective_counts.entry((index, event.series.cluster.clone(), event.series.subject)).or_default();
            match judge(event, objective) {
                Verdict::Good => tally.good += 1,
                Verdict::Bad(_) => tally.bad += 1,
                Verdict::Void(_) => tally.excluded += 1,
            }
        }
    }

    /// A broker did not answer a controller request that another broker did (K17).
    pub fn channel_failed(&mut self, cluster: &ClusterName, broker: BrokerId) {
        *self.channel_failures.entry((cluster.clone(), broker)).or_default() += 1;
    }

    /// How often each broker did not, for a snapshot.
    pub fn channel_failures(&self) -> BTreeMap<(ClusterName, BrokerId), u64> {
        self.channel_failures.clone()
    }

    /// The counts of one series; zeros where nothing was ever counted.
    pub fn counts(&self, series: &Series) -> Counts {
        self.rows.get(series).map(|row| row.counts.clone()).unwrap_or_default()
    }

    /// Attempts due and not counted, over all series.
    pub fn in_flight(&self) -> u64 {
        self.rows.values().map(|row| row.counts.in_flight()).sum()
    }

    /// The newest judged event of one series.
    pub fn latest(&self, series: &Series) -> Option<LatestEvent> {
        self.rows.get(series).and_then(|row| row.latest)
    }

    /// Lets the next snapshot compute percentiles of all latencies, however fresh the last ones are.
    pub fn refresh_quantiles(&mut self) {
        self.quantiles_at = None;
    }

    /// Every series, for a snapshot.
    pub fn series(&mut self, now: Time) -> Vec<SeriesCounts> {
        let again = self.quantiles_at.is_none_or(|at| at + QUANTILES_EVERY <= now);
        if again {
            self.quantiles_at = Some(now);
            self.rows.values_mut().for_each(Row::refresh_quantiles);
        }
        self.rows
            .iter()
            .map(|(series, row)| SeriesCounts {
                series: series.clone(),
                broker: self.broker_of(&series.cluster, series.subject),
                counts: row.counts.clone(),
                buckets: row.buckets.clone(),
                quantiles: row.quantiles,
                latest: row.latest,
            })
            .collect()
    }

    /// Every objective's counts, for a snapshot.
    pub fn objectives(&self) -> Vec<ObjectiveCounts> {
        self.objective_counts
            .iter()
            .map(|((index, cluster, subject), tally)| ObjectiveCounts {
                cluster: cluster.clone(),
                objective: *index,
                subject: *subject,
                broker: self.broker_of(cluster, *subject),
                good: tally.good,
                bad: tally.bad,
                excluded: tally.excluded,
            })
            .collect()
    }

    /// Every anomaly count, for a snapshot.
    pub fn records(&self) -> Vec<RecordCounts> {
        self.records
            .iter()
            .map(|((cluster, lane, subject), records)| RecordCounts {
                cluster: cluster.clone(),
                lane: *lane,
                subject: *subject,
                broker: self.broker_of(cluster, *subject),
                anomalies: records.anomalies,
                late_acks: records.late_acks,
            })
            .collect()
    }

    /// Anomalies of one kind in one lane, summed over its brokers.
    pub fn anomalies(&self, cluster: &ClusterName, lane: Lane, anomaly: Anomaly) -> u64 {
        let of_lane = self.records.iter().filter(|((of, in_lane, _), _)| of == cluster && *in_lane == lane);
        of_lane.map(|(_, records)| records.anomalies[anomaly.index()]).sum()
    }

    /// Every phase's durations, for a snapshot.
    pub fn phases(&self) -> Vec<PhaseCounts> {
        self.phases
            .iter()
            .map(|((cluster, broker, phase), buckets)| PhaseCounts {
                cluster: cluster.clone(),
                broker: *broker,
                phase: *phase,
                buckets: buckets.clone(),
            })
            .collect()
    }

    /// The subject where it is a broker, the preferred leader where it is a partition.
    fn broker_of(&self, cluster: &ClusterName, subject: Subject) -> Broker {
        match subject {
            Subject::Partition(Some(partition)) => {
                self.leaders.get(&(cluster.clone(), partition)).copied().unwrap_or(Broker::Unknown)
            }
            Subject::Broker(_) | Subject::Partition(None) => subject.broker(),
        }
    }

    fn row(&mut self, series: &Series) -> &mut Row {
        self.rows.entry(series.clone()).or_insert_with(|| Row::new(&self.edges))
    }

    fn records_of(&mut self, target: &Target) -> &mut Records {
        self.records.entry((target.cluster.clone(), target.lane, target.subject())).or_default()
    }
}
