//! Points of what the machine and the container leave to the prober. What is not known has none.

use std::borrow::Cow;

use prober_core::metric::{self, Metric};
use prober_core::snapshot::Snapshot;
use prober_core::vitals::Usage;

use super::{Point, Value, of_prober};

/// Every point of the prober's own vitals, in the order of the catalogue.
pub(super) fn points(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    times(snapshot)
        .chain(memory_events(snapshot))
        .chain(usages(snapshot, metric::SELF_RESOURCE_USAGE, |share| share.used))
        .chain(usages(snapshot, metric::SELF_RESOURCE_LIMIT, |share| share.limit))
        .chain(controls(snapshot))
        .chain(callback_delays(snapshot))
        .chain(waiting(snapshot))
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
        .filter_map(|(metric, time)| Some(of_prober(snapshot, metric, &[], Value::Sum(time?.as_secs_f64()))))
}

fn memory_events(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    let known =
        snapshot.prober.readings.memory.map(|memory| [("limit_met", memory.limit_hits), ("killed", memory.killed)]);
    known
        .into_iter()
        .flatten()
        .map(|(kind, count)| of_prober(snapshot, metric::SELF_MEMORY_EVENTS, &[kind], Value::Count(count)))
}

fn usages(snapshot: &Snapshot, metric: Metric, of: impl Fn(Usage) -> u64) -> impl Iterator<Item = Point<'_>> {
    let prober = &snapshot.prober;
    let known = [
        ("file_descriptors", prober.readings.descriptors),
        ("local_ports", prober.readings.ports),
        ("inputs", Some(prober.inputs)),
    ];
    known
        .into_iter()
        .filter_map(move |(resource, share)| Some(of_prober(snapshot, metric, &[resource], gauge(of(share?)))))
}

/// A control that has never answered says nothing.
fn controls(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    let known = snapshot.prober.controls.iter().filter(|(_, _, control)| control.answered.is_some());
    known.map(|(kind, _, control)| {
        of_prober(snapshot, metric::SELF_CONTROL, &[kind.as_str()], gauge(u64::from(!control.is_lost())))
    })
}

/// A point of a Kafka client, by its cluster and role.
fn of_clients<'a, const N: usize>(
    snapshot: &'a Snapshot,
    metric: Metric,
    values: impl Fn(&'a prober_core::snapshot::ClientVitals) -> [(Option<&'static str>, Option<f64>); N],
) -> impl Iterator<Item = Point<'a>> {
    snapshot.lanes.iter().flat_map(move |lane| {
        let points = lane.clients.iter().flat_map(|(role, vitals)| {
            values(vitals).into_iter().filter_map(|(kind, value)| {
                let shared = [lane.cluster.as_str(), &*snapshot.vantage, role];
                let attributes: Vec<Cow<'_, str>> = shared.into_iter().chain(kind).map(Cow::Borrowed).collect();
                Some(Point::new(metric, attributes, Value::Gauge(value?)))
            })
        });
        points.collect::<Vec<_>>()
    })
}

fn callback_delays(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    of_clients(snapshot, metric::SELF_CLIENT_CALLBACK_DELAY, |vitals| {
        [(None, vitals.callback_delay.map(|delay| delay.as_secs_f64()))]
    })
}

fn waiting(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    of_clients(snapshot, metric::SELF_CLIENT_WAITING, |vitals| {
        [
            ("records", vitals.waiting_records),
            ("requests", vitals.waiting_requests),
            ("callbacks", vitals.waiting_callbacks),
        ]
        .map(|(kind, count)| (Some(kind), Some(count as f64)))
    })
}

fn gauge<'a>(value: u64) -> Value<'a> {
    Value::Gauge(value as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exporters::fixture;
    use prober_core::snapshot::ProberStatus;

    #[test]
    fn machine_that_tells_nothing_has_no_points_but_those_of_our_own_queue() {
        let mut snapshot = fixture::snapshot(1);
        snapshot.prober = ProberStatus::default();
        let of_machine = points(&snapshot).filter(|point| !point.metric.name.contains("client"));
        let resources: Vec<_> = of_machine.map(|point| point.attributes.last().cloned()).collect();
        assert_eq!(resources, vec![Some("inputs".into()); 2]);
    }
}
