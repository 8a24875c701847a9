//! A cluster as seen from outside: brokers, and the partitions of a monitor topic, as plain data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{BrokerId, Partition};

/// Where a broker listens for clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Host name or IP, as the broker advertises it.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// One broker as last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerSeen {
    /// Its last known address; `None` if only replica lists have ever named it.
    pub address: Option<Address>,
    /// Its rack, if it has one.
    pub rack: Option<String>,
    /// Whether the newest metadata list it. An absent broker stays due, so that leaving the metadata does not end an outage in the
    /// counts.
    pub registered: bool,
}

/// One partition of a monitor topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionSeen {
    /// Its index.
    pub partition: Partition,
    /// Its leader now, if it has one.
    pub leader: Option<BrokerId>,
    /// The epoch of its leader, where the broker reports it; each new leader has a higher one (KIP-101).
    pub leader_epoch: Option<i32>,
    /// Its replicas, preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// Those of them that are in sync.
    pub in_sync: Vec<BrokerId>,
}

/// A monitor topic as the newest metadata shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicSeen {
    /// Kafka's topic id (KIP-516), where the broker returns it: a new one means recreation.
    pub id: Option<[u8; 16]>,
    /// Its partitions, by index.
    pub partitions: Vec<PartitionSeen>,
}

/// The brokers of a cluster: metadata ∪ replicas of our topics ∪ last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    /// Every broker known, by id.
    pub brokers: BTreeMap<BrokerId, BrokerSeen>,
}

impl Topology {
    /// Takes in one metadata answer: the brokers it lists, and those that only the replicas of our topics name.
    pub fn observe<'a>(
        &mut self,
        listed: &[(BrokerId, Address, Option<String>)],
        topics: impl IntoIterator<Item = &'a TopicSeen>,
    ) {
        for seen in self.brokers.values_mut() {
            seen.registered = false;
        }
        for (id, address, rack) in listed {
            self.brokers
                .insert(*id, BrokerSeen { address: Some(address.clone()), rack: rack.clone(), registered: true });
        }
        let partitions = topics.into_iter().flat_map(|topic| &topic.partitions);
        for replica in partitions.flat_map(|seen| &seen.replicas) {
            self.brokers.entry(*replica).or_insert(BrokerSeen { address: None, rack: None, registered: false });
        }
    }

    /// The ids that the newest metadata lists, ascending.
    pub fn registered(&self) -> Vec<BrokerId> {
        self.brokers.iter().filter(|(_, seen)| seen.registered).map(|(id, _)| *id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> Address {
        Address { host: "127.0.0.1".into(), port }
    }

    #[test]
    fn absent_broker_keeps_its_last_address() {
        let mut topology = Topology::default();
        topology.observe(&[(BrokerId(1), address(1), None), (BrokerId(2), address(2), None)], None);
        topology.observe(&[(BrokerId(1), address(1), None)], None);
        let absent = &topology.brokers[&BrokerId(2)];
        assert_eq!(absent.address, Some(address(2)));
        assert!(!absent.registered);
        assert_eq!(topology.registered(), [BrokerId(1)]);
    }

    #[test]
    fn broker_named_only_by_replicas_is_known_without_address() {
        let replicas = vec![BrokerId(7)];
        let partition =
            PartitionSeen { partition: Partition(0), leader: None, leader_epoch: None, replicas, in_sync: Vec::new() };
        let topic = TopicSeen { id: None, partitions: vec![partition] };
        let mut topology = Topology::default();
        topology.observe(&[(BrokerId(1), address(1), None)], Some(&topic));
        assert_eq!(topology.brokers[&BrokerId(7)].address, None);
    }

    #[test]
    fn id_reused_at_another_address_follows_the_metadata() {
        let mut topology = Topology::default();
        topology.observe(&[(BrokerId(1), address(1), None)], None);
        topology.observe(&[(BrokerId(1), address(9), None)], None);
        assert_eq!(topology.brokers[&BrokerId(1)].address, Some(address(9)));
    }

    #[test]
    fn ipv6_address_is_bracketed() {
        assert_eq!(Address { host: "::1".into(), port: 9092 }.to_string(), "[::1]:9092");
    }
}
