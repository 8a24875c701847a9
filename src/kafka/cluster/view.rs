//! The cluster as the newest metadata show it, and since when the set of its brokers is unchanged.

use std::time::Duration;

use prober_core::ids::{BrokerId, Partition};
use prober_core::time::Time;
use prober_core::topology::{Address, PartitionSeen, TopicSeen, Topology};

use crate::kafka::wire::{ClusterMetadata, TopicInfo};

/// The brokers of a cluster.
pub(in crate::kafka) struct ClusterView {
    bootstrap: Vec<String>,
    topology: Topology,
    stable_since: Time,
}

impl ClusterView {
    /// No broker is known yet.
    pub(in crate::kafka) fn new(bootstrap: Vec<String>, now: Time) -> ClusterView {
        ClusterView { bootstrap, topology: Topology::default(), stable_since: now }
    }

    /// The brokers, as last seen.
    pub(in crate::kafka) fn topology(&self) -> &Topology {
        &self.topology
    }

    /// For how long the set of registered brokers has not changed.
    pub(in crate::kafka) fn stable_for(&self, now: Time) -> Duration {
        now.since(self.stable_since)
    }

    /// The addresses to send requests to: registered brokers first, then the bootstrap servers.
    pub(in crate::kafka) fn candidates(&self) -> Vec<String> {
        let known = self.topology.brokers.values().filter(|seen| seen.registered);
        let mut candidates: Vec<String> =
            known.filter_map(|seen| seen.address.as_ref()).map(ToString::to_string).collect();
        let more = self.bootstrap.iter().filter(|address| !candidates.contains(address));
        let more: Vec<String> = more.cloned().collect();
        candidates.extend(more);
        candidates
    }

    /// Takes in new metadata. Returns whether they changed anything.
    pub(in crate::kafka) fn observe(&mut self, metadata: &ClusterMetadata, topics: &[&TopicSeen], now: Time) -> bool {
        let before = self.topology.clone();
        let listed: Vec<_> = metadata
            .brokers
            .iter()
            .map(|broker| {
                let address = Address { host: broker.host.clone(), port: broker.port };
                (BrokerId(broker.id), address, broker.rack.clone())
            })
            .collect();
        self.topology.observe(&listed, topics.iter().copied());
        if before.registered() != self.topology.registered() {
            self.stable_since = now;
        }
        before != self.topology
    }
}

/// The partitions of a topic; `None` if it does not exist or has an error.
pub(in crate::kafka) fn topic_metadata(info: &TopicInfo) -> Option<TopicSeen> {
    if info.error != 0 || info.partitions.is_empty() {
        return None;
    }
    let mut partitions: Vec<PartitionSeen> = info
        .partitions
        .iter()
        .map(|partition| PartitionSeen {
            partition: Partition(partition.index),
            leader: (0 <= partition.leader).then_some(BrokerId(partition.leader)),
            leader_epoch: (0 <= partition.leader_epoch).then_some(partition.leader_epoch),
            replicas: partition.replicas.iter().map(|id| BrokerId(*id)).collect(),
            in_sync: sorted(&partition.isr),
        })
        .collect();
    partitions.sort_by_key(|seen| seen.partition);
    Some(TopicSeen { id: info.id, partitions })
}

/// Sorted, because brokers list the same in-sync replicas in different orders.
fn sorted(ids: &[i32]) -> Vec<BrokerId> {
    let mut ids: Vec<BrokerId> = ids.iter().copied().map(BrokerId).collect();
    ids.sort();
    ids
}
