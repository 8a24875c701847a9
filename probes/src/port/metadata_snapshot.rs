//! The newest metadata of a cluster, as the direct probes need it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use prober_core::coordinator::InternalTopic;
use prober_core::ids::{BrokerId, Partition};
use prober_core::topology::{TopicSeen, Topology};

/// Kafka's topic of committed offsets.
pub const OFFSETS_TOPIC: &str = InternalTopic::ConsumerOffsets.as_str();

/// Kafka's topic of transaction states.
pub const TRANSACTIONS_TOPIC: &str = InternalTopic::TransactionState.as_str();

/// Brokers and topics in the newest metadata response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataSnapshot {
    /// The brokers, including those that have left.
    pub topology: Topology,
    /// A broker that takes controller requests; in KRaft any broker.
    pub controller: Option<BrokerId>,
    /// The monitor topics and the internal topics that exist.
    pub topics: BTreeMap<Arc<str>, TopicSeen>,
    /// Topics that we may not describe.
    pub unauthorized_topics: BTreeSet<Arc<str>>,
}

impl MetadataSnapshot {
    /// The last known address of a broker, `host:port`.
    pub fn address(&self, broker: BrokerId) -> Option<Arc<str>> {
        let known = self.topology.brokers.get(&broker)?;
        known.address.as_ref().map(|address| Arc::from(address.to_string()))
    }

    /// Brokers with a known address, including those that have left.
    pub fn brokers_with_address(&self) -> impl Iterator<Item = BrokerId> + '_ {
        self.topology.brokers.iter().filter(|(_, known)| known.address.is_some()).map(|(id, _)| *id)
    }

    /// Each broker with its partition of the pinned lane's topic. A topic with replicas is not the pinned lane's.
    pub fn pinned_partitions(&self, topic: &str) -> impl Iterator<Item = (BrokerId, Partition)> + '_ {
        let partitions = self.topics.get(topic).into_iter().flat_map(|topic| &topic.partitions);
        partitions.filter_map(|seen| match seen.replicas.as_slice() {
            [broker] => Some((*broker, seen.partition)),
            _ => None,
        })
    }

    /// The partition of the pinned lane's topic on one broker.
    pub fn pinned_partition(&self, topic: &str, broker: BrokerId) -> Option<Partition> {
        self.pinned_partitions(topic).find(|(id, _)| *id == broker).map(|(_, partition)| partition)
    }
}
