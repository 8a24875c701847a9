//! Points of the prober itself: its lag, its machine, its clients, its exports. What is not known has no point.

use prober_core::event::VoidReason;
use prober_core::metric::{self, Metric};
use prober_core::snapshot::{ClientVitals, Snapshot};
use prober_core::time::WallTime;

use super::{Point, Points, Value, clusters};
use crate::exporters::{ExportResult, ExportStats};

/// Every point of the prober itself, in the order of the catalogue.
pub(super) fn points<'a>(snapshot: &'a Snapshot, stats: &'a ExportStats) -> impl Iterator<Item = Point<'a>> {
    let all: Vec<Points<'a>> = vec![
        Box::new(topic_actions(snapshot)),
        Box::new(lags(snapshot)),
        Box::new(voided(snapshot)),
        Box::new(times(snapshot)),
        Box::new(memory_events(snapshot)),
        Box::new(resources(snapshot)),
        Box::new(controls(snapshot)),
        Box::new(callback_delays(snapshot)),
        Box::new(of_clients(snapshot, metric::SELF_CLIENT_RECORDS_WAITING, |client| {
            Some(client.waiting_records as f64)
        })),
        Box::new(of_clients(snapshot, metric::SELF_CLIENT_REQUESTS_WAITING, |client| {
            Some(client.waiting_requests as f64)
        })),
        Box::new(of_clients(snapshot, metric::SELF_CLIENT_CALLBACKS_WAITING, |client| {
            Some(client.waiting_callbacks as f64)
        })),
        Box::new(export_attempts(snapshot, stats)),
        Box::new(heartbeat(snapshot)),
    ];
    all.into_iter().flatten()
}

fn topic_actions(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot.prober.topic_actions.iter().map(|(action, result, count)| {
        let rest = [(*action).into(), (*result).into()];
        Point::of_prober(snapshot, metric::TOPIC_ACTIONS, rest, Value::Count(*count))
    })
}

fn lags(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    let prober = &snapshot.prober;
    [("task", &prober.task_lag), ("thread", &prober.thread_lag)]
        .into_iter()
        .map(|(kind, lag)| Point::of_prober(snapshot, metric::SELF_LAG, [kind.into()], Value::Durations(&lag.buckets)))
}

/// Summed from the series, where each void event has its cluster.
pub(super) fn voided(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    clusters(snapshot).into_iter().flat_map(move |cluster| {
        let rows = snapshot.series.iter().filter(|row| row.series.cluster == *cluster);
        let voided = rows.fold([0; VoidReason::ALL.len()], |mut sums: [u64; VoidReason::ALL.len()], row| {
            sums.iter_mut().zip(row.counts.voided).for_each(|(sum, count)| *sum += count);
            sums
        });
        VoidReason::ALL.into_iter().map(move |reason| {
            let count = Value::Count(voided[reason.index()]);
            Point::of_cluster(snapshot, metric::SELF_VOIDED, cluster, [reason.as_str().into()], count)
        })
    })
}

fn times(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    let readings = &snapshot.prober.readings;
    let known = [
        (metric::SELF_CPU_THROTTLED, readings.throttling.map(|throttling| throttling.time)),
        (metric::SELF_CPU_STOLEN, readings.steal.map(|steal| steal.stolen)),
        (metric::SELF_MEMORY_WAITED, readings.memory.and_then(|memory| memory.waited)),
        (metric::SELF_SUSPENDED, readings.suspended),
    ];
    known
        .into_iter()
        .filter_map(|(metric, time)| Some(Point::of_prober(snapshot, metric, [], Value::Sum(time?.as_secs_f64()))))
}

fn memory_events(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    let memory = snapshot.prober.readings.memory;
    let known = memory.map(|memory| {
        [(metric::SELF_MEMORY_LIMIT_REACHED, memory.limit_hits), (metric::SELF_MEMORY_OOM_KILLS, memory.killed)]
    });
    known.into_iter().flatten().map(|(metric, count)| Point::of_prober(snapshot, metric, [], Value::Count(count)))
}

fn resources(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    let prober = &snapshot.prober;
    let (descriptors, ports, inputs) = (prober.readings.descriptors, prober.readings.ports, Some(prober.inputs));
    let known = [
        (metric::SELF_FILE_DESCRIPTORS_OPEN, descriptors.map(|share| share.used)),
        (metric::SELF_FILE_DESCRIPTORS_LIMIT, descriptors.map(|share| share.limit)),
        (metric::SELF_LOCAL_PORTS_USED, ports.map(|share| share.used)),
        (metric::SELF_LOCAL_PORTS_LIMIT, ports.map(|share| share.limit)),
        (metric::SELF_INPUTS_WAITING, inputs.map(|share| share.used)),
        (metric::SELF_INPUTS_LIMIT, inputs.map(|share| share.limit)),
    ];
    known
        .into_iter()
        .filter_map(|(metric, value)| Some(Point::of_prober(snapshot, metric, [], Value::Gauge(value? as f64))))
}

/// A control that has never answered is not evidence.
fn controls(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    let known = snapshot.prober.controls.iter().filter(|(_, _, control)| control.answered.is_some());
    known.map(|(kind, _, control)| {
        let answers = if control.is_lost() { 0.0 } else { 1.0 };
        Point::of_prober(snapshot, metric::SELF_CONTROL, [kind.as_str().into()], Value::Gauge(answers))
    })
}

fn callback_delays(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    of_clients(snapshot, metric::SELF_CLIENT_CALLBACK_DELAY, |client| Some(client.callback_delay?.as_secs_f64()))
}

/// A gauge of each librdkafka client, by its cluster and role.
fn of_clients<'a>(
    snapshot: &'a Snapshot,
    metric: Metric,
    value: fn(&ClientVitals) -> Option<f64>,
) -> impl Iterator<Item = Point<'a>> {
    snapshot.lanes.iter().flat_map(move |lane| {
        lane.clients.iter().filter_map(move |(role, client)| {
            let value = Value::Gauge(value(client)?);
            Some(Point::of_cluster(snapshot, metric, &lane.cluster, [(*role).into()], value))
        })
    })
}

fn export_attempts<'a>(snapshot: &'a Snapshot, stats: &'a ExportStats) -> impl Iterator<Item = Point<'a>> {
    ExportResult::ALL.into_iter().map(|result| {
        let count = Value::Count(stats.of(result));
        Point::of_prober(snapshot, metric::EXPORT_ATTEMPTS, [result.as_str().into()], count)
    })
}

/// Under the name of every cluster: it is compared and never summed, and the alert of each cluster needs its own. Before
/// the first heartbeat there is no point, since a 0 would look like a heartbeat of 1970.
pub(super) fn heartbeat(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    let newest = snapshot.prober.heartbeat;
    clusters(snapshot).into_iter().filter(move |_| newest != WallTime::default()).map(move |cluster| {
        let value = Value::Gauge(newest.as_secs_f64());
        Point::of_cluster(snapshot, metric::HEARTBEAT_TIMESTAMP, cluster, [], value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exporters::fixture;
    use prober_core::snapshot::ProberStatus;

    #[test]
    fn machine_without_readings_has_points_of_the_input_queue_only() {
        let mut snapshot = fixture::snapshot(1);
        snapshot.prober = ProberStatus::default();
        let names: Vec<_> = times(&snapshot)
            .chain(memory_events(&snapshot))
            .chain(resources(&snapshot))
            .chain(controls(&snapshot))
            .map(|point| point.metric.name)
            .collect();
        assert_eq!(names, ["kafka_prober.self.inputs.waiting", "kafka_prober.self.inputs.limit"]);
    }
}
