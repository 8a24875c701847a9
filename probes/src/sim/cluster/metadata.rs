//! The metadata of the simulated cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

use prober_core::ids::{BrokerId, Partition};
use prober_core::staleness::MetadataDigest;
use prober_core::topology::{Address, PartitionSeen, TopicSeen, Topology};

use crate::port::{MetadataSnapshot, OFFSETS_TOPIC, TRANSACTIONS_TOPIC};

use super::{PINNED_TOPIC, Process, State};

/// The id of the pinned topic.
const PINNED_ID: [u8; 16] = [1; 16];

/// What a metadata response of any healthy broker shows.
pub(super) fn snapshot(state: &State) -> MetadataSnapshot {
    let pinned = state.brokers.iter().map(|(id, broker)| partition(broker.pinned, *id));
    let pinned = TopicSeen { id: Some(PINNED_ID), partitions: pinned.collect() };
    let coordinators = (0..).zip(&state.coordinators).map(|(index, broker)| partition(Partition(index), *broker));
    let internal = TopicSeen { id: None, partitions: coordinators.collect() };
    let mut topics: BTreeMap<Arc<str>, TopicSeen> = BTreeMap::from([(Arc::from(PINNED_TOPIC), pinned)]);
    for name in [OFFSETS_TOPIC, TRANSACTIONS_TOPIC] {
        if !state.unauthorized_topics.contains(name) {
            topics.insert(Arc::from(name), internal.clone());
        }
    }
    let listed: Vec<_> =
        state.brokers.keys().map(|id| (*id, Address { host: format!("broker-{}", id.0), port: 9092 }, None)).collect();
    let mut topology = Topology::default();
    topology.observe(&listed, topics.get(PINNED_TOPIC));
    let controller = state.brokers.keys().next().copied();
    MetadataSnapshot { topology, controller, topics, unauthorized_topics: state.unauthorized_topics.clone() }
}

/// What one broker shows of the monitor topics and of the brokers that are up.
pub(super) fn digest(state: &State, broker: BrokerId) -> MetadataDigest {
    if let Some(digest) = state.brokers.get(&broker).and_then(|broker| broker.digest.clone()) {
        return digest;
    }
    let up = state.brokers.iter().filter(|(_, broker)| broker.process != Process::Down);
    let epochs = state.brokers.values().map(|broker| ((PINNED_ID, broker.pinned), 0)).collect();
    MetadataDigest { brokers: up.map(|(id, _)| *id).collect(), epochs }
}

fn partition(partition: Partition, leader: BrokerId) -> PartitionSeen {
    let (replicas, in_sync) = (vec![leader], vec![leader]);
    PartitionSeen { partition, leader: Some(leader), leader_epoch: Some(0), replicas, in_sync }
}
