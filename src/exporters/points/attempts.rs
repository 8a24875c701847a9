//! Points of what was counted: events, objectives, errors, durations, records, attempts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use prober_core::counts::{ObjectiveCounts, SeriesCounts};
use prober_core::event::{Anomaly, Outcome};
use prober_core::ids::{ClusterName, Series};
use prober_core::metric::{self, Level, Metric};
use prober_core::snapshot::Snapshot;

use super::{Point, Points, Value, clusters, subject_labels};

/// Every point of what was counted, in the order of the catalogue. `level` chooses the series that have durations.
pub(super) fn points(snapshot: &Snapshot, level: Level) -> impl Iterator<Item = Point<'_>> {
    let all: Vec<Points<'_>> = vec![
        Box::new(events(snapshot)),
        Box::new(objective_events(snapshot)),
        Box::new(slo_events(snapshot)),
        Box::new(targets(snapshot)),
        Box::new(thresholds(snapshot)),
        Box::new(errors(snapshot)),
        Box::new(durations(snapshot, level)),
        Box::new(phases(snapshot)),
        Box::new(channel_failures(snapshot)),
        Box::new(anomalies(snapshot)),
        Box::new(attempts(snapshot, metric::ATTEMPTS_DUE, |row| row.counts.due)),
        Box::new(attempts(snapshot, metric::ATTEMPTS_SENT, |row| row.counts.sent)),
    ];
    all.into_iter().flatten()
}

/// A point of a series: view, probe, broker or partition, and the metric's own attribute.
fn of_series<'a>(
    snapshot: &'a Snapshot,
    metric: Metric,
    row: &'a SeriesCounts,
    last: Option<&'a str>,
    value: Value<'a>,
) -> Point<'a> {
    let Series { cluster, view, probe, subject } = &row.series;
    let rest = [view.as_str(), probe.as_str()].map(Cow::Borrowed).into_iter();
    let rest = rest.chain(subject_labels(*subject)).chain(last.map(Cow::Borrowed));
    Point::of_cluster(snapshot, metric, cluster, rest, value)
}

pub(super) fn events(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    // `planned` is possible, and rare: it appears with the first planned event.
    let is_shown = |row: &SeriesCounts, outcome: Outcome| {
        let is_expected = row.series.probe.spec().outcomes.contains(&outcome) && outcome != Outcome::Planned;
        is_expected || row.counts.of(outcome) != 0
    };
    snapshot.series.iter().flat_map(move |row| {
        Outcome::ALL.into_iter().filter(move |outcome| is_shown(row, *outcome)).map(move |outcome| {
            of_series(snapshot, metric::EVENTS, row, Some(outcome.as_str()), Value::Count(row.counts.of(outcome)))
        })
    })
}

fn verdicts(counts: &ObjectiveCounts) -> [(&'static str, u64); 3] {
    [("good", counts.good), ("bad", counts.bad), ("excluded", counts.excluded)]
}

fn objective_name<'a>(snapshot: &'a Snapshot, index: usize) -> Cow<'a, str> {
    snapshot.objectives.get(index).map_or("", |objective| objective.name.as_str()).into()
}

fn objective_events(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot.objective_counts.iter().flat_map(|counts| {
        verdicts(counts).map(|(verdict, count)| {
            let rest = [objective_name(snapshot, counts.objective)].into_iter();
            let rest = rest.chain(subject_labels(counts.subject)).chain([verdict.into()]);
            Point::of_cluster(snapshot, metric::OBJECTIVE_EVENTS, &counts.cluster, rest, Value::Count(count))
        })
    })
}

fn slo_events(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    let mut sums: BTreeMap<(usize, &ClusterName), [(&str, u64); 3]> = BTreeMap::new();
    for counts in &snapshot.objective_counts {
        let sum =
            sums.entry((counts.objective, &counts.cluster)).or_insert_with(|| verdicts(counts).map(|(v, _)| (v, 0)));
        sum.iter_mut().zip(verdicts(counts)).for_each(|((_, sum), (_, count))| *sum += count);
    }
    sums.into_iter().flat_map(|((objective, cluster), sums)| {
        sums.map(|(verdict, count)| {
            let rest = [objective_name(snapshot, objective), verdict.into()];
            Point::of_cluster(snapshot, metric::SLO_EVENTS, cluster, rest, Value::Count(count))
        })
    })
}

/// A gauge of every objective, under the name of every cluster: a rule joins it with the events of the same cluster.
fn of_objectives<'a>(
    snapshot: &'a Snapshot,
    metric: Metric,
    value: fn(&prober_core::objective::Objective) -> Option<f64>,
) -> impl Iterator<Item = Point<'a>> {
    clusters(snapshot).into_iter().flat_map(move |cluster| {
        snapshot.objectives.iter().filter_map(move |objective| {
            let rest = [Cow::Borrowed(objective.name.as_str())];
            Some(Point::of_cluster(snapshot, metric, cluster, rest, Value::Gauge(value(objective)?)))
        })
    })
}

fn targets(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    of_objectives(snapshot, metric::OBJECTIVE_TARGET, |objective| Some(objective.target))
}

fn thresholds(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    of_objectives(snapshot, metric::OBJECTIVE_THRESHOLD, |objective| Some(objective.threshold?.as_secs_f64()))
}

fn errors(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot.series.iter().flat_map(move |row| {
        let errors = row.counts.errors.iter();
        errors.map(move |(name, count)| of_series(snapshot, metric::ERRORS, row, Some(name), Value::Count(*count)))
    })
}

fn durations(snapshot: &Snapshot, level: Level) -> impl Iterator<Item = Point<'_>> {
    let is_exported = move |row: &&SeriesCounts| metric::duration_level(row.series.view, row.series.probe) <= level;
    let rows = snapshot.series.iter().filter(is_exported);
    rows.map(move |row| of_series(snapshot, metric::DURATION, row, None, Value::Durations(&row.buckets)))
}

fn phases(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot.phases.iter().map(|row| {
        let rest = [row.broker.to_string().into(), row.phase.as_str().into()];
        Point::of_cluster(snapshot, metric::PHASE_DURATION, &row.cluster, rest, Value::Durations(&row.buckets))
    })
}

/// Of every broker known, so that the first failure is an increase.
fn channel_failures(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot.brokers.iter().map(|status| {
        let key = (status.cluster.clone(), status.broker);
        let count = snapshot.channel_failures.get(&key).copied().unwrap_or_default();
        let rest = [status.broker.to_string().into()];
        Point::of_cluster(snapshot, metric::CHANNEL_FAILURES, &status.cluster, rest, Value::Count(count))
    })
}

fn anomalies(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot.records.iter().flat_map(move |row| {
        Anomaly::ALL.into_iter().map(move |anomaly| {
            let rest = [Cow::Borrowed(row.lane.as_str())].into_iter();
            let rest = rest.chain(subject_labels(row.subject)).chain([anomaly.as_str().into()]);
            let count = Value::Count(row.anomalies[anomaly.index()]);
            Point::of_cluster(snapshot, metric::RECORD_ANOMALIES, &row.cluster, rest, count)
        })
    })
}

fn attempts<'a>(
    snapshot: &'a Snapshot,
    metric: Metric,
    count: fn(&SeriesCounts) -> u64,
) -> impl Iterator<Item = Point<'a>> {
    snapshot.series.iter().map(move |row| of_series(snapshot, metric, row, None, Value::Count(count(row))))
}
