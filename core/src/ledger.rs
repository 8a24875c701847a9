//! Cumulative counts: every event once, and only growing. The one place where counts live; every exporter reads it
//! through a [`Snapshot`](crate::snapshot::Snapshot).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::buckets::{Buckets, Edges};
use crate::counts::{Counts, LatestEvent, ObjectiveCounts, PhaseCounts, Quantiles, RecordCounts, SeriesCounts};
use crate::event::{Anomaly, Event, Outcome, RawOutcome};
use crate::fault::Blame;
use crate::ids::{Broker, BrokerId, ClusterName, Lane, Partition, Phase, Probe, Series, Subject, Target, View};
use crate::judge::{Verdict, judge, outcome, void_reason};
use crate::objective::Objective;
use crate::time::Time;
use crate::track::Output;

/// Largest latency in the percentiles of the status page; a deadline is at most half of it.
const LATENCY_MAX: Duration = Duration::from_secs(120);

/// Significant digits of the percentiles: three would cost 160 KB a series.
const LATENCY_DIGITS: u8 = 2;

/// Interval at which percentiles are computed; only people read them.
const QUANTILES_EVERY: Duration = Duration::from_secs(1);

/// What became of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What it was counted as.
    pub outcome: Outcome,
    /// What it adds to the duration histogram: successes their latency, time-outs and losses the deadline.
    pub duration: Option<Duration>,
}

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

#[derive(Debug)]
struct Row {
    counts: Counts,
    buckets: Buckets,
    latencies: Histogram<u32>,
    quantiles: Quantiles,
    fresh: bool,
    latest: Option<LatestEvent>,
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
    pub fn record(&mut self, event: &Event) -> Counted {
        let outcome = outcome(event);
        let counted = Counted { outcome, duration: duration(event, outcome) };
        let row = self.row(&event.series);
        row.count(event, counted);
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
        counted
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
            self.rows.values_mut().filter(|row| !row.fresh).for_each(Row::refresh);
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

impl Row {
    fn new(edges: &Edges) -> Row {
        Row {
            counts: Counts::default(),
            buckets: Buckets::new(edges),
            latencies: latencies(),
            quantiles: Quantiles::default(),
            fresh: true,
            latest: None,
        }
    }

    fn count(&mut self, event: &Event, counted: Counted) {
        self.counts.outcomes[counted.outcome.index()] += 1;
        if let Some(reason) = void_reason(event) {
            self.counts.voided[reason.index()] += 1;
        }
        let error_type = error_type(event, counted.outcome);
        if let (Outcome::Error | Outcome::Timeout, Some(error_type)) = (counted.outcome, error_type) {
            *self.counts.errors.entry(error_type).or_default() += 1;
        }
        if let Some(duration) = counted.duration {
            self.buckets.add(duration);
            let micros = u64::try_from(duration.min(LATENCY_MAX).as_micros()).unwrap_or(u64::MAX);
            // This cannot fail: the histogram resizes itself, and the value is bounded.
            let _ = self.latencies.record(micros);
            self.fresh = false;
        }
        let judged = !matches!(counted.outcome, Outcome::Void | Outcome::Missed);
        if judged && blame(event, counted.outcome).is_some_and(|blame| blame != Blame::Cluster) {
            self.counts.unclear += 1;
        }
        let newest = self.latest.is_none_or(|latest| latest.due <= event.due);
        if judged && newest {
            let (due, ended, outcome) = (event.due, event.ended, counted.outcome);
            self.latest = Some(LatestEvent { due, ended, outcome, error_type, blame: blame(event, outcome) });
        }
    }

    fn refresh(&mut self) {
        let at = |quantile| Duration::from_micros(self.latencies.value_at_quantile(quantile));
        self.quantiles = Quantiles {
            count: self.latencies.len(),
            p50: at(0.50),
            p99: at(0.99),
            max: Duration::from_micros(self.latencies.max()),
        };
        self.fresh = true;
    }
}

/// A histogram that resizes itself: a series with latencies of milliseconds needs a third of the memory for two minutes.
#[expect(clippy::expect_used, reason = "the number of digits is a valid constant, and a test builds one")]
fn latencies() -> Histogram<u32> {
    Histogram::new(LATENCY_DIGITS).expect("a valid number of digits")
}

fn duration(event: &Event, outcome: Outcome) -> Option<Duration> {
    match (event.raw_outcome, outcome) {
        (_, Outcome::Void | Outcome::Missed) => None,
        (RawOutcome::Success(latency), _) => Some(latency),
        (RawOutcome::TimedOut | RawOutcome::Lost, _) => Some(event.limits.deadline),
        _ => None,
    }
}

fn blame(event: &Event, outcome: Outcome) -> Option<Blame> {
    match event.raw_outcome {
        _ if outcome == Outcome::Good => None,
        RawOutcome::Failed(fault) | RawOutcome::RefusedUntilDeadline(fault) => Some(fault.blame()),
        _ => Some(Blame::Cluster),
    }
}

fn error_type(event: &Event, outcome: Outcome) -> Option<&'static str> {
    match (event.raw_outcome, outcome) {
        (RawOutcome::Failed(fault), _) | (RawOutcome::RefusedUntilDeadline(fault), Outcome::Error) => {
            Some(fault.error_type())
        }
        (_, Outcome::Timeout) => Some("timeout"),
        (_, Outcome::Lost) => Some("lost"),
        (_, Outcome::Corrupt) => Some("corrupt"),
        (_, Outcome::Slow) => Some("slow"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Limits;
    use crate::event::VoidReason;
    use crate::fault::Fault;
    use crate::ids::View;
    use crate::kafka_error::KafkaError;

    const SECOND: Duration = Duration::from_secs(1);

    fn target() -> Target {
        Target { cluster: ClusterName::new("c"), lane: Lane::Pinned, broker: Broker::Id(BrokerId(2)), partition: None }
    }

    fn event(due_ms: u64, raw_outcome: RawOutcome) -> Event {
        Event {
            series: target().series(Probe::Produce),
            broker: target().broker,
            limits: Limits { deadline: 5 * SECOND, threshold: SECOND },
            due: Time::from_millis(due_ms),
            sent: Some(Time::from_millis(due_ms)),
            ended: Time::from_millis(due_ms + 5000),
            raw_outcome,
            stalled: Duration::ZERO,
        }
    }

    fn objective(threshold: Option<Duration>) -> Objective {
        Objective { name: "o".into(), view: View::Broker, probe: Probe::Produce, threshold, target: 0.999 }
    }

    fn ledger<const N: usize>(objectives: [Objective; N]) -> Ledger {
        Ledger::new(Arc::from(objectives), Edges::with(&[]))
    }

    #[test]
    fn discovered_target_starts_at_zero() {
        let mut ledger = ledger([objective(None)]);
        ledger.discover(&target());
        assert_eq!(ledger.series(Time::ORIGIN).len(), 3);
        assert_eq!(ledger.objectives().len(), 1);
        assert_eq!(ledger.records().len(), 1);
    }

    #[test]
    fn each_objective_counts_its_own_good_bad_and_excluded() {
        let mut ledger = ledger([objective(None), objective(Some(SECOND))]);
        ledger.record(&event(0, RawOutcome::Success(2 * SECOND)));
        ledger.record(&event(200, RawOutcome::TimedOut));
        ledger.record(&event(400, RawOutcome::Void(VoidReason::Shutdown)));
        ledger.missed(&target().series(Probe::Produce), 2);
        let counts: Vec<_> = ledger.objectives().iter().map(|row| (row.good, row.bad, row.excluded)).collect();
        assert_eq!(counts, [(1, 1, 3), (0, 2, 3)]);
    }

    #[test]
    fn durations_hold_time_outs_at_the_deadline_and_no_errors() {
        let mut ledger = ledger([]);
        assert_eq!(ledger.record(&event(0, RawOutcome::TimedOut)).duration, Some(5 * SECOND));
        assert_eq!(ledger.record(&event(0, RawOutcome::Failed(Fault::ConnectionRefused))).duration, None);
        let row = &ledger.series(Time::ORIGIN)[0];
        assert_eq!(row.buckets.count(), 1);
        assert_eq!(row.quantiles.count, 1);
    }

    #[test]
    fn percentiles_hold_microseconds_and_minutes_in_one_series() {
        let mut ledger = ledger([]);
        let latencies = [Duration::ZERO, Duration::from_micros(7), 90 * SECOND, 500 * SECOND];
        latencies.iter().for_each(|latency| {
            ledger.record(&event(0, RawOutcome::Success(*latency)));
        });
        let quantiles = ledger.series(Time::ORIGIN)[0].quantiles;
        assert_eq!(quantiles.count, 4);
        let near =
            |latency: Duration, micros: u64| latency.as_micros().abs_diff(micros.into()) <= u128::from(micros / 100);
        assert!(near(quantiles.p50, 7), "{quantiles:?}");
        assert!(near(quantiles.max, 120_000_000), "longer latencies are counted at the bound: {quantiles:?}");
    }

    #[test]
    fn errors_are_counted_by_type() {
        let mut ledger = ledger([]);
        ledger.record(&event(0, RawOutcome::Failed(Fault::Kafka(KafkaError(6)))));
        ledger.record(&event(0, RawOutcome::TimedOut));
        let errors = ledger.counts(&target().series(Probe::Produce)).errors;
        assert_eq!(errors, BTreeMap::from([("NOT_LEADER_OR_FOLLOWER", 1), ("timeout", 1)]));
    }

    #[test]
    fn bad_events_that_do_not_blame_the_cluster_are_counted_apart() {
        let mut ledger = ledger([]);
        // TOPIC_AUTHORIZATION_FAILED, then NOT_LEADER_OR_FOLLOWER.
        ledger.record(&event(0, RawOutcome::Failed(Fault::Kafka(KafkaError(29)))));
        ledger.record(&event(0, RawOutcome::Failed(Fault::Kafka(KafkaError(6)))));
        ledger.record(&event(0, RawOutcome::Success(SECOND / 100)));
        assert_eq!(ledger.counts(&target().series(Probe::Produce)).unclear, 1);
    }

    #[test]
    fn refreshed_percentiles_are_of_all_events() {
        let mut ledger = ledger([]);
        ledger.series(Time::ORIGIN);
        ledger.record(&event(0, RawOutcome::Success(SECOND)));
        assert_eq!(ledger.series(Time::ORIGIN)[0].quantiles.count, 0, "the last percentiles are fresh enough");
        ledger.refresh_quantiles();
        assert_eq!(ledger.series(Time::ORIGIN)[0].quantiles.count, 1);
    }

    #[test]
    fn latest_is_the_newest_by_due_and_never_void() {
        let mut ledger = ledger([]);
        ledger.record(&event(6000, RawOutcome::Success(SECOND / 100)));
        ledger.record(&event(2000, RawOutcome::TimedOut));
        ledger.record(&event(7000, RawOutcome::Void(VoidReason::Stall)));
        let latest = ledger.latest(&target().series(Probe::Produce)).expect("an event was judged");
        assert_eq!(latest.outcome, Outcome::Good);
    }

    #[test]
    fn percentiles_are_of_what_was_counted() {
        let mut ledger = ledger([]);
        for millis in 1..=100 {
            ledger.record(&event(0, RawOutcome::Success(Duration::from_millis(millis))));
        }
        let quantiles = ledger.series(Time::ORIGIN)[0].quantiles;
        let close = |value: Duration, millis: f64| (value.as_secs_f64() * 1e3 / millis - 1.0).abs() < 0.02;
        assert!(close(quantiles.p50, 50.0) && close(quantiles.p99, 99.0), "{quantiles:?}");
    }
}
