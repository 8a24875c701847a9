//! Points of what the clusters say of themselves. A part of the observation that was not answered in its newest round has
//! no point: an old number would look like a new one.

use std::borrow::Cow;
use std::sync::Arc;

use prober_core::metric::{self, Metric};
use prober_core::observed::partitions::{BrokerPartitions, Partitions};
use prober_core::observed::parts::{Part, PartState};
use prober_core::observed::registration::Registration;
use prober_core::observed::sizes::{BrokerSizes, TopicSize};
use prober_core::observed::{Observed, PartitionLimits};
use prober_core::snapshot::Snapshot;

use super::{Point, Points, Value};

/// Every point of the observations, in the order of the catalogue.
pub(super) fn points(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    let all: Vec<Points<'_>> = vec![
        Box::new(cluster_brokers(snapshot)),
        Box::new(of_clusters(snapshot, metric::CLUSTER_PARTITIONS, |sums| sums.partitions)),
        Box::new(of_clusters(snapshot, metric::CLUSTER_REPLICAS, |sums| sums.replicas)),
        Box::new(limits(snapshot, metric::CLUSTER_REPLICAS_LIMIT, |limits| limits.per_cluster)),
        Box::new(of_clusters(snapshot, metric::CLUSTER_UNDER_REPLICATED, |sums| sums.under_replicated.count)),
        Box::new(of_clusters(snapshot, metric::CLUSTER_AT_MIN_ISR, |sums| sums.at_min_isr.count)),
        Box::new(of_clusters(snapshot, metric::CLUSTER_UNDER_MIN_ISR, |sums| sums.under_min_isr.count)),
        Box::new(of_clusters(snapshot, metric::CLUSTER_OFFLINE, |sums| sums.offline.count)),
        Box::new(controllers(snapshot)),
        Box::new(reassignments(snapshot)),
        Box::new(collisions(snapshot)),
        Box::new(of_brokers(snapshot, metric::BROKER_REPLICAS, |sums| sums.replicas as f64)),
        Box::new(limits(snapshot, metric::BROKER_REPLICAS_LIMIT, |limits| limits.per_broker)),
        Box::new(of_brokers(snapshot, metric::BROKER_OUT_OF_SYNC, |sums| sums.out_of_sync as f64)),
        Box::new(of_brokers(snapshot, metric::BROKER_LEADERS, |sums| sums.leaders as f64)),
        Box::new(of_brokers(snapshot, metric::BROKER_PREFERRED_LEADERS, |sums| sums.preferred as f64)),
        Box::new(of_brokers(snapshot, metric::BROKER_UNDER_REPLICATED, |sums| sums.under_replicated as f64)),
        Box::new(of_brokers(snapshot, metric::LEADER_IMBALANCE, BrokerPartitions::imbalance)),
        Box::new(spaces(snapshot, metric::LOG_DIR_SIZE, |sizes| sizes.total)),
        Box::new(spaces(snapshot, metric::LOG_DIR_AVAIL, |sizes| sizes.usable)),
        Box::new(topic_sizes(snapshot)),
        Box::new(topic_growths(snapshot)),
        Box::new(quorum_lags(snapshot)),
        Box::new(durations(snapshot)),
        Box::new(parts(snapshot)),
    ];
    all.into_iter().flatten()
}

fn gauge<'a>(
    snapshot: &'a Snapshot,
    metric: Metric,
    observed: &'a Observed,
    rest: impl IntoIterator<Item = Cow<'a, str>>,
    value: f64,
) -> Point<'a> {
    Point::of_cluster(snapshot, metric, &observed.cluster, rest, Value::Gauge(value))
}

/// The observations whose part was answered when it was last asked for.
fn answered(snapshot: &Snapshot, part: Part) -> impl Iterator<Item = &Observed> {
    let is_on =
        move |observed: &&Observed| observed.parts.get(&part).is_some_and(|status| status.state == PartState::On);
    snapshot.observed.iter().map(Arc::as_ref).filter(is_on)
}

fn cluster_brokers(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    answered(snapshot, Part::Brokers).flat_map(move |observed| {
        let (registered, fenced) = observed.registrations.as_ref().map_or((0, None), |seen| seen.counts());
        let unregistered = snapshot
            .brokers
            .iter()
            .filter(|status| status.cluster == observed.cluster && status.registration == Registration::Unregistered);
        let unregistered = fenced.map(|_| unregistered.count() as u64);
        let active = registered.saturating_sub(fenced.unwrap_or(0));
        let counts = [("registered", Some(active)), ("fenced", fenced), ("unregistered", unregistered)];
        counts.into_iter().filter_map(move |(state, count)| {
            Some(gauge(snapshot, metric::CLUSTER_BROKERS, observed, [state.into()], count? as f64))
        })
    })
}

/// The sums over partitions of each cluster that has them.
fn with_partitions(snapshot: &Snapshot) -> impl Iterator<Item = (&Observed, &Partitions)> {
    answered(snapshot, Part::Partitions).filter_map(|observed| Some((observed, observed.partitions.as_deref()?)))
}

/// A sum over all partitions of each cluster.
fn of_clusters<'a>(
    snapshot: &'a Snapshot,
    metric: Metric,
    value: fn(&Partitions) -> u64,
) -> impl Iterator<Item = Point<'a>> {
    with_partitions(snapshot).map(move |(observed, sums)| gauge(snapshot, metric, observed, [], value(sums) as f64))
}

/// A sum over the partitions of each broker.
fn of_brokers<'a>(
    snapshot: &'a Snapshot,
    metric: Metric,
    value: fn(&BrokerPartitions) -> f64,
) -> impl Iterator<Item = Point<'a>> {
    with_partitions(snapshot).flat_map(move |(observed, sums)| {
        sums.brokers
            .iter()
            .map(move |(broker, sums)| gauge(snapshot, metric, observed, [broker.to_string().into()], value(sums)))
    })
}

fn limits<'a>(
    snapshot: &'a Snapshot,
    metric: Metric,
    limit: fn(&PartitionLimits) -> u64,
) -> impl Iterator<Item = Point<'a>> {
    snapshot.observed.iter().map(move |observed| gauge(snapshot, metric, observed, [], limit(&observed.limits) as f64))
}

fn controllers(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    answered(snapshot, Part::Quorum).map(move |observed| {
        let id = observed.controller().map_or(-1, |controller| controller.0);
        gauge(snapshot, metric::ACTIVE_CONTROLLER, observed, [], f64::from(id))
    })
}

fn reassignments(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    answered(snapshot, Part::Reassignments).filter_map(move |observed| {
        let count = observed.reassignments.as_ref()?.count;
        Some(gauge(snapshot, metric::REASSIGNMENTS, observed, [], count as f64))
    })
}

fn collisions(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    answered(snapshot, Part::Partitions).filter_map(move |observed| {
        let count = observed.collisions.as_ref()?.count;
        Some(gauge(snapshot, metric::NAME_COLLISIONS, observed, [], count as f64))
    })
}

/// Each broker's sizes.
fn sizes(snapshot: &Snapshot) -> impl Iterator<Item = (&Observed, Cow<'_, str>, &BrokerSizes)> {
    let with_log_dirs =
        answered(snapshot, Part::LogDirs).filter_map(|observed| Some((observed, observed.sizes.as_deref()?)));
    with_log_dirs.flat_map(|(observed, sizes)| {
        sizes.brokers.iter().map(move |(broker, sums)| (observed, Cow::from(broker.to_string()), sums))
    })
}

fn spaces<'a>(
    snapshot: &'a Snapshot,
    metric: Metric,
    bytes: fn(&BrokerSizes) -> Option<u64>,
) -> impl Iterator<Item = Point<'a>> {
    sizes(snapshot).filter_map(move |(observed, broker, sizes)| {
        Some(gauge(snapshot, metric, observed, [broker], bytes(sizes)? as f64))
    })
}

fn of_topics<'a>(
    snapshot: &'a Snapshot,
    metric: Metric,
    value: fn(&TopicSize) -> Option<f64>,
) -> impl Iterator<Item = Point<'a>> {
    sizes(snapshot).flat_map(move |(observed, broker, sums)| {
        sums.topics.iter().filter_map(move |(topic, size)| {
            let rest = [broker.clone(), Cow::Borrowed(&**topic)];
            Some(gauge(snapshot, metric, observed, rest, value(size)?))
        })
    })
}

fn topic_sizes(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    of_topics(snapshot, metric::INTERNAL_TOPIC_SIZE, |size| Some(size.bytes as f64))
}

fn topic_growths(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    of_topics(snapshot, metric::INTERNAL_TOPIC_GROWTH, |size| size.growth)
}

fn quorum_lags(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    answered(snapshot, Part::Quorum).flat_map(move |observed| {
        let nodes = observed.quorum.iter().flat_map(|quorum| &quorum.nodes);
        nodes.filter_map(move |node| {
            let rest = [Cow::from(node.node.to_string()), node.role.as_str().into()];
            Some(gauge(snapshot, metric::QUORUM_LAG, observed, rest, node.lag? as f64))
        })
    })
}

fn durations(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot.observed.iter().flat_map(move |observed| {
        let seen = observed.parts.iter().filter(|(_, status)| status.last_answer.is_some());
        seen.map(move |(part, status)| {
            let rest = [part.as_str().into()];
            gauge(snapshot, metric::OBSERVATION_DURATION, observed, rest, status.took.as_secs_f64())
        })
    })
}

fn parts(snapshot: &Snapshot) -> impl Iterator<Item = Point<'_>> {
    snapshot.observed.iter().flat_map(move |observed| {
        observed.parts.iter().flat_map(move |(part, status)| {
            PartState::ALL.map(|state| {
                let hot = if status.state == state { 1.0 } else { 0.0 };
                let rest = [part.as_str().into(), state.as_str().into()];
                gauge(snapshot, metric::OBSERVATION_PARTS, observed, rest, hot)
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exporters::fixture;

    #[test]
    fn failing_part_has_no_numbers_and_the_state_failing() {
        let mut snapshot = fixture::snapshot(2);
        let of = |snapshot: &Snapshot, metric: Metric| points(snapshot).filter(|point| point.metric == metric).count();
        assert_eq!((of(&snapshot, metric::CLUSTER_PARTITIONS), of(&snapshot, metric::BROKER_REPLICAS)), (1, 2));
        let mut observed = Observed::clone(&snapshot.observed[0]);
        observed.parts.entry(Part::Partitions).or_default().state = PartState::Failing;
        snapshot.observed = vec![Arc::new(observed)];
        assert_eq!((of(&snapshot, metric::CLUSTER_PARTITIONS), of(&snapshot, metric::BROKER_REPLICAS)), (0, 0));
        let failing = points(&snapshot).filter(|point| point.metric == metric::OBSERVATION_PARTS);
        let failing = failing.filter(|point| point.value == Value::Gauge(1.0) && point.attributes[3] == "failing");
        assert_eq!(failing.map(|point| point.attributes[2].to_string()).collect::<Vec<_>>(), ["partitions"]);
    }

    #[test]
    fn observation_costs_a_dozen_series_a_broker_and_none_a_topic() {
        let count = |brokers| points(&fixture::snapshot(brokers)).count();
        assert_eq!(count(11) - count(10), 13);
    }
}
