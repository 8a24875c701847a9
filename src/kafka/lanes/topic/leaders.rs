//! The address of the leader of each partition, for requests about one partition.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prober_core::ids::Partition;
use prober_core::topology::{TopicSeen, Topology};

use super::LaneContext;
use crate::kafka::session::dial_options::DialOptions;

/// The address of each partition's leader, or of its preferred leader while it has none. Clones share the state.
#[derive(Clone, Debug, Default)]
pub(in crate::kafka) struct Leaders {
    newest: Arc<Mutex<Newest>>,
}

#[derive(Debug, Default)]
struct Newest {
    topic_id: Option<[u8; 16]>,
    addresses: BTreeMap<Partition, Arc<str>>,
}

impl Leaders {
    /// Takes in new metadata.
    pub(super) fn observe(&self, topology: &Topology, topic: &TopicSeen) {
        let addresses = topic.partitions.iter().filter_map(|seen| {
            let broker = seen.leader.or_else(|| seen.replicas.first().copied())?;
            let address = topology.brokers.get(&broker)?.address.as_ref()?;
            Some((seen.partition, Arc::from(address.to_string())))
        });
        *self.lock() = Newest { topic_id: topic.id, addresses: addresses.collect() };
    }

    /// The id of the topic. A fetch by id cannot return records of another topic with the same name.
    pub(super) fn topic_id(&self) -> Option<[u8; 16]> {
        self.lock().topic_id
    }

    fn address(&self, partition: Partition) -> Option<Arc<str>> {
        self.lock().addresses.get(&partition).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LaneContext {
    /// How to dial the leader of `partition`; `None` if its address is unknown.
    pub(in crate::kafka) fn leader_of(&self, partition: Partition) -> Option<DialOptions> {
        self.leaders.address(partition).map(|address| self.dial_options(address, self.deadline))
    }

    /// How to dial the broker at `address`, with this idle time-out.
    pub(in crate::kafka) fn dial_options(&self, address: Arc<str>, idle_timeout: Duration) -> DialOptions {
        let (client_id, security) = (Arc::clone(&self.client_id), Arc::clone(&self.security));
        DialOptions { address, client_id, security, idle_timeout }
    }
}
