//! What any broker can report about the whole cluster: partitions with their `min.insync.replicas`, the quorum, and
//! reassignments. One request at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use prober_core::coordinator::InternalTopic;
use prober_core::ids::{BrokerId, Partition};
use prober_core::observed::collisions::Collisions;
use prober_core::observed::flavour::Flavour;
use prober_core::observed::partitions::{Owner, PartitionState, Partitions};
use prober_core::observed::parts::{Cadence, Part, PartState};
use prober_core::observed::{Named, PartitionName, Quorum, QuorumReplica, QuorumRole};
use prober_core::time::Time;

use crate::kafka::wire::{
    Api, ClusterMetadata, DescribeQuorum, DescribedQuorum, ListPartitionReassignments, MetadataOfAll, TopicInfo,
};

use super::Settings;
use super::any_broker::AnyBroker;
use super::configs::Configs;
use super::error::ObservationError;
use super::state::{Cost, ObservationState};

/// The permission that DescribeQuorum, ListPartitionReassignments and DescribeLogDirs need.
pub(super) const DESCRIBE_CLUSTER: &str = "DESCRIBE on CLUSTER";

/// How long the controller may take: less than the time-out of the request.
const CONTROLLER_WITHIN: Duration = Duration::from_secs(5);

/// The parts of this loop. Configs are requested together with the partitions.
const PARTS: [Part; 3] = [Part::Partitions, Part::Quorum, Part::Reassignments];

/// The request loop.
pub(super) struct Rounds<'a> {
    settings: &'a Settings,
    state: &'a ObservationState,
    any: AnyBroker<'a>,
    configs: Configs,
    due: BTreeMap<Part, (Time, Cadence)>,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(settings: &'a Settings, state: &'a ObservationState) -> Rounds<'a> {
        let first = (state.clock.now(), Cadence::every(settings.interval));
        Rounds {
            settings,
            state,
            any: AnyBroker::new(settings, state),
            configs: Configs::new(settings.configs_interval),
            due: PARTS.map(|part| (part, first)).into(),
        }
    }

    /// Requests each part when it is due.
    pub(super) async fn run(mut self) {
        loop {
            let next = self.due.iter().min_by_key(|(_, (due, _))| *due).map(|(part, (due, _))| (*part, *due));
            let Some((part, due)) = next else { return };
            self.state.clock.sleep_until(due).await;
            let asked = self.state.clock.now();
            let result = match part {
                Part::Partitions => self.partitions().await,
                Part::Quorum => self.quorum().await,
                _ => self.reassignments().await,
            };
            let off = matches!(result, Err(ObservationError::Off(_)));
            let cost = result.map_err(|error| self.state.on_error(part, error)).ok();
            if let Some((due, cadence)) = self.due.get_mut(&part) {
                let wait = cadence.next(cost.map(|cost| cost.took));
                *due = asked + if off { wait.max(self.settings.configs_interval) } else { wait };
            }
            self.state.partitions_asked.notify_one();
        }
    }

    async fn partitions(&mut self) -> Result<Cost, ObservationError> {
        let mut cost = Cost::default();
        let metadata = self.any.ask(MetadataOfAll, &mut cost).await?;
        self.configs.refresh(&mut self.any, self.state, others(&metadata, &self.settings.ours)).await;
        let summing = self.state.clock.now();
        if self.state.state(Part::Brokers) != PartState::On {
            self.state.set_addresses(addresses(&metadata));
        }
        self.state.set_internal(internal(&metadata));
        let known = |topic: &str| self.configs.min_isr(topic);
        let partitions = Arc::new(sum_partitions(&metadata, &self.settings.ours, known));
        let collisions = Arc::new(Collisions::among(metadata.topics.iter().map(|topic| topic.name.as_str())));
        let cluster_id = metadata.cluster_id;
        let flavour = Flavour::of(cluster_id.as_deref(), self.any.finalizes_metadata_version());
        cost.took += self.state.clock.now().since(summing);
        self.state.on_answer(Part::Partitions, cost, None, |observed| {
            observed.cluster_id = cluster_id.map(Arc::from).or(observed.cluster_id.take());
            observed.flavour = flavour.or(observed.flavour);
            observed.partitions = Some(partitions);
            observed.collisions = Some(collisions);
        });
        Ok(cost)
    }

    async fn quorum(&mut self) -> Result<Cost, ObservationError> {
        let mut cost = Cost::default();
        let described = self.any.ask(DescribeQuorum, &mut cost).await?;
        ObservationError::check(described.error, Api::DescribeQuorum, DESCRIBE_CLUSTER)?;
        let quorum = Arc::new(quorum(&described));
        self.state.on_answer(Part::Quorum, cost, None, |observed| observed.quorum = Some(quorum));
        Ok(cost)
    }

    async fn reassignments(&mut self) -> Result<Cost, ObservationError> {
        let mut cost = Cost::default();
        let listed = self.any.ask(ListPartitionReassignments { timeout: CONTROLLER_WITHIN }, &mut cost).await?;
        ObservationError::check(listed.error, Api::ListPartitionReassignments, DESCRIBE_CLUSTER)?;
        let mut moving = Named::default();
        for (topic, partition) in listed.partitions {
            moving.add(|| PartitionName { topic: Arc::from(topic), partition: Partition(partition) });
        }
        self.state.on_answer(Part::Reassignments, cost, None, |observed| observed.reassignments = Some(moving));
        Ok(cost)
    }
}

/// The sums over the partitions in the metadata.
pub(super) fn sum_partitions(
    metadata: &ClusterMetadata,
    ours: &BTreeSet<Arc<str>>,
    min_isr: impl Fn(&str) -> Option<usize>,
) -> Partitions {
    let mut sums = Partitions::default();
    for topic in &metadata.topics {
        let owner = if ours.contains(topic.name.as_str()) { Owner::Ours } else { Owner::Others };
        let ids = |ids: &[i32]| ids.iter().map(|id| BrokerId(*id)).collect::<Vec<_>>();
        let placed: Vec<_> = topic.partitions.iter().map(|seen| (seen, ids(&seen.replicas), ids(&seen.isr))).collect();
        let states = placed.iter().map(|(seen, replicas, isr)| PartitionState {
            partition: Partition(seen.index),
            leader: Some(BrokerId(seen.leader)).filter(|leader| 0 <= leader.0),
            replicas,
            isr,
        });
        sums.add(&topic.name, owner, min_isr(&topic.name), states);
    }
    sums
}

/// The names of all topics except the prober's own.
fn others<'a>(metadata: &'a ClusterMetadata, ours: &BTreeSet<Arc<str>>) -> Vec<&'a str> {
    let names = metadata.topics.iter().map(|topic| topic.name.as_str());
    names.filter(|name| !ours.contains(*name)).collect()
}

fn internal(metadata: &ClusterMetadata) -> Vec<(Arc<str>, Vec<i32>)> {
    let watched = metadata.topics.iter().filter(|topic| InternalTopic::of(&topic.name).is_some());
    let indexes = |topic: &TopicInfo| topic.partitions.iter().map(|partition| partition.index).collect();
    watched.map(|topic| (Arc::from(topic.name.as_str()), indexes(topic))).collect()
}

fn addresses(metadata: &ClusterMetadata) -> BTreeMap<BrokerId, Arc<str>> {
    metadata.brokers.iter().map(|broker| (BrokerId(broker.id), Arc::from(broker.address()))).collect()
}

fn quorum(described: &DescribedQuorum) -> Quorum {
    let with_role =
        |role| move |(id, log_end): &(i32, i64)| QuorumReplica { node: BrokerId(*id), role, log_end: *log_end };
    let voters = described.voters.iter().map(with_role(QuorumRole::Voter));
    let replicas: Vec<_> = voters.chain(described.observers.iter().map(with_role(QuorumRole::Observer))).collect();
    let leader = Some(BrokerId(described.leader)).filter(|leader| 0 <= leader.0);
    Quorum::of(leader, described.leader_epoch, &replicas)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::wire::PartitionInfo;

    /// Metadata of ten brokers with this many partitions, ten per topic; broker 9 is out of sync everywhere.
    fn large(partitions: i32) -> ClusterMetadata {
        let partition = |index: i32| {
            let replicas: Vec<i32> = (index..index + 3).map(|id| id % 10).collect();
            let isr: Vec<i32> = replicas.iter().copied().filter(|id| *id != 9).collect();
            let leader = isr.first().copied().unwrap_or(-1);
            PartitionInfo { index: index % 10, leader, leader_epoch: 1, replicas, isr, error: 0 }
        };
        let topic = |number: i32| TopicInfo {
            name: format!("topic-{number}"),
            id: None,
            error: 0,
            partitions: (10 * number..10 * number + 10).map(partition).collect(),
        };
        let topics = (0..partitions / 10).map(topic).collect();
        ClusterMetadata { cluster_id: None, controller: None, brokers: Vec::new(), topics }
    }

    #[test]
    fn ten_thousand_partitions_are_summed_within_100_ms_and_ten_are_named() {
        let metadata = large(10_000);
        let once = || {
            let clock = prober_probes::clock::Clock::start();
            let sums = sum_partitions(&metadata, &BTreeSet::new(), |_| Some(2));
            (clock.now().since(Time::ORIGIN), sums)
        };
        let (_, sums) = once();
        assert_eq!((sums.partitions, sums.replicas), (10_000, 30_000));
        assert_eq!((sums.under_replicated.count, sums.at_min_isr.count, sums.offline.count), (3_000, 3_000, 0));
        assert_eq!(sums.under_replicated.first.len(), 10);
        assert_eq!(sums.brokers[&BrokerId(9)].imbalance(), 1.0);
        // The fastest of five runs, because other processes share the machine.
        let quickest = (0..5).map(|_| once().0).min().expect("five were taken");
        assert!(quickest < Duration::from_millis(100), "{quickest:?}");
    }
}
