//! A snapshot as points of the catalogue's metrics: the one place where counts get their names and attributes.

mod observed;
mod own;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use prober_core::buckets::Buckets;
use prober_core::counts::SeriesCounts;
use prober_core::event::{Anomaly, Outcome, VoidReason};
use prober_core::finding::FindingKind;
use prober_core::ids::{ClusterName, Series, Subject};
use prober_core::metric::{self, Metric};
use prober_core::snapshot::{BrokerState, Snapshot};
use prober_core::time::WallTime;

use super::{ExportResult, ExportStats};

/// One value of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Point<'a> {
    /// Which metric.
    pub metric: Metric,
    /// The values of [`Metric::attributes`], in that order. An attribute that the point does not have is empty.
    pub attributes: Vec<Cow<'a, str>>,
    /// Its value.
    pub value: Value<'a>,
}

/// The value of a point, by the metric's kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Of a counter: the total since the start.
    Count(u64),
    /// Of a sum: the total since the start, in fractions.
    Sum(f64),
    /// Of a gauge: now.
    Gauge(f64),
    /// Of a histogram: durations since the start.
    Durations(&'a Buckets),
}

impl<'a> Point<'a> {
    fn new(metric: Metric, attributes: impl Into<Vec<Cow<'a, str>>>, value: Value<'a>) -> Point<'a> {
        Point { metric, attributes: attributes.into(), value }
    }

    /// Attribute names with their values, those left out that the point does not have.
    pub fn attributes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = self.metric.attributes.iter().copied().zip(self.attributes.iter().map(Cow::as_ref));
        all.filter(|(_, value)| !value.is_empty())
    }
}

/// Every point of a snapshot, in the order of [`metric::ALL`], so that the points of one metric stand together.
///
/// Counters of a discovered series stand at zero from the start for the outcomes possible for its probe; an
/// impossible outcome shows only when it was counted all the same.
pub fn points<'a>(snapshot: &'a Snapshot, stats: &'a ExportStats) -> impl Iterator<Item = Point<'a>> {
    events(snapshot)
        .chain(objective_events(snapshot))
        .chain(errors(snapshot))
        .chain(durations(snapshot))
        .chain(phases(snapshot))
        .chain(channel_failures(snapshot))
        .chain(records(snapshot))
        .chain(attempts(snapshot))
        .chain(broker_states(snapshot))
        .chain(findings(snapshot))
        .chain(missing_brokers(snapshot))
        .chain(topic_actions(snapshot))
        .chain(self_lag(snapshot))
        .chain(self_voided(snapshot))
        .chain(own::points(snapshot))
        .chain(export_attempts(snapshot, stats))
        .chain(heartbeat(snapshot))
        .chain(observed::points(snapshot))
}

/// The `kafka_cluster` of what belongs to the prober as a whole: the name of its only cluster. With several it is empty,
/// because a total that was repeated under each name would be counted twice in every sum.
/// `None` while no cluster is known.
pub(super) fn prober_cluster(snapshot: &Snapshot) -> Option<&str> {
    let mut mentions = mentions(snapshot);
    let first = mentions.next()?;
    let alone = mentions.all(|cluster| cluster == first);
    Some(if alone { first.as_str() } else { "" })
}

fn clusters(snapshot: &Snapshot) -> BTreeSet<&ClusterName> {
    mentions(snapshot).collect()
}

/// Every place that names a cluster; the lanes, known from the configuration, come first.
fn mentions(snapshot: &Snapshot) -> impl Iterator<Item = &ClusterName> {
    let of_lanes = snapshot.lanes.iter().map(|lane| &lane.cluster);
    let of_series = snapshot.series.iter().map(|row| &row.series.cluster);
    of_lanes.chain(of_series).chain(snapshot.brokers.iter().map(|broker| &broker.cluster))
}

/// The attribute values of a series' metrics: cluster, vantage, view, probe, broker, partition and the metric's own.
fn of_series<'a>(snapshot: &'a Snapshot, row: &'a SeriesCounts, last: Option<&'a str>) -> Vec<Cow<'a, str>> {
    let Series { cluster, view, probe, subject } = &row.series;
    let shared = [cluster.as_str(), &*snapshot.vantage, view.as_str(), probe.as_str()].map(Cow::Borrowed);
    shared.into_iter().chain(labels_of(*subject)).chain(last.map(Cow::Borrowed)).collect()
}

/// The values of the attributes `broker` and `partition`, one of which is empty.
fn labels_of<'a>(subject: Subject) -> [Cow<'a, str>; 2] {
    [subject.broker_label(), subject.partition_label()].map(|label| Cow::Owned(label.unwrap_or_default()))
}

fn events(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    let shown = |row: &SeriesCounts, outcome: Outcome| {
        row.series.probe.spec().outcomes.contains(&outcome) || row.counts.of(outcome) != 0
    };
    snapshot.series.iter().flat_map(move |row| {
        Outcome::ALL.into_iter().filter(move |outcome| shown(row, *outcome)).map(move |outcome| {
            let attributes = of_series(snapshot, row, Some(outcome.as_str()));
            Point::new(metric::EVENTS, attributes, Value::Count(row.counts.of(outcome)))
        })
    })
}

fn objective_events(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot.objective_counts.iter().flat_map(|met| {
        let name = snapshot.objectives.get(met.objective).map_or("", |objective| objective.name.as_str());
        [("good", met.good), ("bad", met.bad)].map(|(verdict, count)| {
            let [broker, partition] = labels_of(met.subject);
            let attributes: [Cow<'_, str>; 6] = [
                met.cluster.as_str().into(),
                Cow::Borrowed(&*snapshot.vantage),
                name.into(),
                broker,
                partition,
                verdict.into(),
            ];
            Point::new(metric::OBJECTIVE_EVENTS, attributes, Value::Count(count))
        })
    })
}

fn errors(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot.series.iter().flat_map(move |row| {
        row.counts.errors.iter().map(move |(error_type, count)| {
            Point::new(metric::ERRORS, of_series(snapshot, row, Some(error_type)), Value::Count(*count))
        })
    })
}

fn durations(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot
        .series
        .iter()
        .map(move |row| Point::new(metric::DURATION, of_series(snapshot, row, None), Value::Durations(&row.buckets)))
}

fn phases(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot.phases.iter().map(|row| {
        let attributes: [Cow<'_, str>; 4] = [
            row.cluster.as_str().into(),
            Cow::Borrowed(&*snapshot.vantage),
            row.broker.to_string().into(),
            row.phase.as_str().into(),
        ];
        Point::new(metric::PHASE_DURATION, attributes, Value::Durations(&row.buckets))
    })
}

/// Of every broker known, so that the first failure is an increase.
fn channel_failures(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot.brokers.iter().map(|status| {
        let key = (status.cluster.clone(), status.broker);
        let count = snapshot.channel_failures.get(&key).copied().unwrap_or_default();
        let attributes: [Cow<'_, str>; 3] =
            [status.cluster.as_str().into(), Cow::Borrowed(&*snapshot.vantage), status.broker.to_string().into()];
        Point::new(metric::CHANNEL_FAILURES, attributes, Value::Count(count))
    })
}

fn records(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot.records.iter().flat_map(move |row| {
        Anomaly::ALL.into_iter().map(move |anomaly| {
            let [broker, partition] = labels_of(row.subject);
            let attributes: [Cow<'_, str>; 6] = [
                row.cluster.as_str().into(),
                Cow::Borrowed(&*snapshot.vantage),
                row.lane.as_str().into(),
                broker,
                partition,
                anomaly.as_str().into(),
            ];
            Point::new(metric::RECORDS, attributes, Value::Count(row.anomalies[anomaly.index()]))
        })
    })
}

fn attempts(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot.series.iter().flat_map(move |row| {
        [("due", row.counts.due), ("sent", row.counts.sent)].map(|(state, count)| {
            Point::new(metric::ATTEMPTS, of_series(snapshot, row, Some(state)), Value::Count(count))
        })
    })
}

fn broker_states(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot.brokers.iter().flat_map(move |status| {
        BrokerState::ALL.into_iter().map(move |state| {
            let attributes: [Cow<'_, str>; 4] = [
                status.cluster.as_str().into(),
                Cow::Borrowed(&*snapshot.vantage),
                status.broker.to_string().into(),
                state.as_str().into(),
            ];
            let hot = if status.state == Some(state) { 1.0 } else { 0.0 };
            Point::new(metric::BROKER_STATE, attributes, Value::Gauge(hot))
        })
    })
}

/// Every kind stands at zero for the cluster as a whole, so that the first finding is an increase; findings about a
/// broker stand beside it.
fn findings(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    let of_clusters =
        clusters(snapshot).into_iter().flat_map(|cluster| FindingKind::ALL.map(|kind| ((cluster, kind, None), 0_u32)));
    let mut counts: BTreeMap<_, u32> = of_clusters.collect();
    for finding in &snapshot.findings {
        *counts.entry((&finding.cluster, finding.kind, finding.broker)).or_default() += 1;
    }
    counts.into_iter().map(|((cluster, kind, broker), count)| {
        let attributes: [Cow<'_, str>; 4] = [
            cluster.as_str().into(),
            Cow::Borrowed(&*snapshot.vantage),
            kind.as_str().into(),
            broker.map(|broker| broker.to_string()).unwrap_or_default().into(),
        ];
        Point::new(metric::FINDINGS, attributes, Value::Gauge(f64::from(count)))
    })
}

fn missing_brokers(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    clusters(snapshot).into_iter().map(|cluster| {
        let attributes = [Cow::Borrowed(cluster.as_str()), Cow::Borrowed(&*snapshot.vantage)];
        Point::new(metric::MISSING_BROKERS, attributes, Value::Gauge(snapshot.uncovered(cluster) as f64))
    })
}

/// A point of the prober as a whole.
fn of_prober<'a>(snapshot: &'a Snapshot, metric: Metric, rest: &[&'a str], value: Value<'a>) -> Point<'a> {
    let attributes = [prober_cluster(snapshot).unwrap_or_default(), &*snapshot.vantage];
    let attributes: Vec<Cow<'_, str>> = attributes.into_iter().chain(rest.iter().copied()).map(Cow::from).collect();
    Point::new(metric, attributes, value)
}

fn topic_actions(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot.prober.topic_actions.iter().map(|(action, result, count)| {
        of_prober(snapshot, metric::TOPIC_ACTIONS, &[action, result], Value::Count(*count))
    })
}

fn self_lag(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    let prober = &snapshot.prober;
    [("task", &prober.task_lag), ("thread", &prober.thread_lag)]
        .into_iter()
        .map(|(kind, lag)| of_prober(snapshot, metric::SELF_LAG, &[kind], Value::Durations(&lag.buckets)))
}

/// Summed from the series, where each void event has its cluster.
fn self_voided(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    clusters(snapshot).into_iter().flat_map(move |cluster| {
        let rows = snapshot.series.iter().filter(|row| row.series.cluster == *cluster);
        let voided = rows.fold([0; VoidReason::ALL.len()], |mut sums: [u64; VoidReason::ALL.len()], row| {
            sums.iter_mut().zip(row.counts.voided).for_each(|(sum, count)| *sum += count);
            sums
        });
        VoidReason::ALL.into_iter().map(move |reason| {
            let attributes: [Cow<'_, str>; 3] =
                [cluster.as_str().into(), Cow::Borrowed(&*snapshot.vantage), reason.as_str().into()];
            Point::new(metric::SELF_VOIDED, attributes, Value::Count(voided[reason.index()]))
        })
    })
}

fn export_attempts<'a>(snapshot: &'a Snapshot, stats: &'a ExportStats) -> impl Iterator<Item = Point<'a>> {
    ExportResult::ALL
        .into_iter()
        .map(|result| of_prober(snapshot, metric::EXPORT_ATTEMPTS, &[result.as_str()], Value::Count(stats.of(result))))
}

/// Under every cluster's name: it is compared and never summed, and each cluster's alert needs its own. Before the
/// first heartbeat there is none, since a 0 would look like one of 1970.
fn heartbeat(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    let has_beaten = snapshot.prober.heartbeat != WallTime::default();
    clusters(snapshot).into_iter().filter(move |_| has_beaten).map(|cluster| {
        let attributes = [Cow::Borrowed(cluster.as_str()), Cow::Borrowed(&*snapshot.vantage)];
        Point::new(metric::HEARTBEAT, attributes, Value::Gauge(snapshot.prober.heartbeat.as_secs_f64()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exporters::fixture;

    fn series_of(point: &Point<'_>) -> usize {
        match point.value {
            Value::Count(_) | Value::Sum(_) | Value::Gauge(_) => 1,
            // Each bucket, the sum and the count.
            Value::Durations(buckets) => buckets.iter().count() + 2,
        }
    }

    #[test]
    fn every_metric_has_points_in_the_order_of_the_catalogue() {
        let snapshot = fixture::snapshot(2);
        let mut names: Vec<_> = points(&snapshot, &ExportStats::default()).map(|point| point.metric.name).collect();
        names.dedup();
        assert_eq!(names, metric::ALL.map(|metric| metric.name));
    }

    #[test]
    fn every_point_has_a_value_for_each_attribute_and_none_repeats() {
        let snapshot = fixture::snapshot(3);
        let stats = ExportStats::default();
        let mut seen = BTreeSet::new();
        for point in points(&snapshot, &stats) {
            assert_eq!(point.attributes.len(), point.metric.attributes.len(), "{point:?}");
            assert!(seen.insert((point.metric.name, point.attributes.clone())), "{point:?} is there twice");
        }
    }

    #[test]
    fn all_probes_on_both_lanes_stay_within_420_series_a_broker() {
        let stats = ExportStats::default();
        let count = |brokers| points(&fixture::snapshot(brokers), &stats).map(|point| series_of(&point)).sum::<usize>();
        let a_broker = count(11) - count(10);
        assert!(a_broker <= 420, "{a_broker} series a broker");
    }

    #[test]
    fn impossible_outcome_shows_only_when_it_was_counted() {
        let mut snapshot = fixture::snapshot(1);
        let lost = |snapshot: &Snapshot| {
            let of_produce = |point: &Point<'_>| point.attributes[3] == "produce" && point.attributes[6] == "lost";
            events(snapshot).filter(of_produce).count()
        };
        assert_eq!(lost(&snapshot), 0);
        let produce = snapshot.series.iter_mut().find(|row| row.series.probe == prober_core::ids::Probe::Produce);
        produce.expect("the fixture produces").counts.outcomes[Outcome::Lost.index()] = 1;
        assert_eq!(lost(&snapshot), 1);
    }

    #[test]
    fn void_events_are_told_by_cluster_and_add_up_to_the_probers() {
        let mut snapshot = fixture::snapshot(1);
        let mut other = snapshot.series[0].clone();
        other.series.cluster = ClusterName::new("other");
        other.counts.voided[VoidReason::Stall.index()] = 7;
        snapshot.series.push(other);
        let of = |cluster: &str| {
            let stalls = |point: &Point<'_>| point.attributes[0] == cluster && point.attributes[2] == "stall";
            self_voided(&snapshot).find(stalls).expect("every reason stands").value
        };
        assert_eq!((of("main"), of("other")), (Value::Count(1), Value::Count(7)));
    }

    #[test]
    fn heartbeat_is_absent_until_the_first() {
        let mut snapshot = fixture::snapshot(1);
        assert_eq!(heartbeat(&snapshot).count(), 1);
        snapshot.prober.heartbeat = WallTime::default();
        assert_eq!(heartbeat(&snapshot).count(), 0);
    }

    #[test]
    fn a_probers_own_total_is_named_after_its_only_cluster_and_after_none_of_several() {
        let mut snapshot = fixture::snapshot(1);
        assert_eq!(prober_cluster(&snapshot), Some("main"));
        let mut other = snapshot.lanes[0].clone();
        other.cluster = ClusterName::new("other");
        snapshot.lanes.push(other);
        assert_eq!(prober_cluster(&snapshot), Some(""));
        let beats: BTreeMap<_, _> =
            heartbeat(&snapshot).map(|point| (point.attributes[0].to_string(), point.value)).collect();
        assert_eq!(beats.keys().collect::<Vec<_>>(), ["main", "other"]);
    }
}
