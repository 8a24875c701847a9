//! Observe → plan → apply for a monitor topic: the plan is a printable value. This step plans the creation of the
//! pinned topic; growing, electing and repairing build on it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::ids::{BrokerId, Partition};
use crate::topology::{TopicSeen, Topology};

/// A lane born while a cluster boots would stay too small, so creation waits until the broker count stood still
/// this long.
pub const STABLE_FOR: Duration = Duration::from_secs(3);

/// What may be done to our topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Look, never touch.
    Off,
    /// Create what is missing.
    Create,
}

/// What to do about the pinned topic now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The topic is there and every partition has exactly one replica.
    Use,
    /// Nothing yet: the broker count has not stood still for [`STABLE_FOR`].
    Wait,
    /// Create it, partition *i* on the *i*-th broker id.
    Create(BTreeMap<Partition, Vec<BrokerId>>),
    /// It is missing and we may not create it.
    Missing,
    /// Some partition has more than one replica, so its acks would not speak for one broker alone (K6, K12).
    Replicated {
        /// The first such partition.
        partition: Partition,
        /// Its replica count.
        replicas: usize,
    },
}

/// Plans for the pinned topic. `stable_for` is how long the set of registered brokers has not changed.
pub fn plan(topology: &Topology, topic: Option<&TopicSeen>, stable_for: Duration, mode: Mode) -> Plan {
    if let Some(topic) = topic {
        let replicated = topic.partitions.iter().find(|seen| seen.replicas.len() != 1);
        return match replicated {
            Some(seen) => Plan::Replicated { partition: seen.partition, replicas: seen.replicas.len() },
            None => Plan::Use,
        };
    }
    if mode == Mode::Off {
        return Plan::Missing;
    }
    let brokers = topology.registered();
    if brokers.is_empty() || stable_for < STABLE_FOR {
        return Plan::Wait;
    }
    let assignment = (0..).map(Partition).zip(brokers.into_iter().map(|broker| vec![broker])).collect();
    Plan::Create(assignment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::{Address, PartitionSeen};

    fn cluster(ids: &[i32]) -> Topology {
        let mut topology = Topology::default();
        let listed: Vec<_> =
            ids.iter().map(|id| (BrokerId(*id), Address { host: "h".into(), port: 9092 }, None)).collect();
        topology.observe(&listed, None);
        topology
    }

    fn topic(replicas: &[&[i32]]) -> TopicSeen {
        let partitions = (0..)
            .zip(replicas)
            .map(|(index, ids)| PartitionSeen {
                partition: Partition(index),
                leader: None,
                replicas: ids.iter().map(|id| BrokerId(*id)).collect(),
            })
            .collect();
        TopicSeen { id: None, partitions }
    }

    #[test]
    fn missing_topic_gets_one_partition_on_every_broker() {
        let expected = BTreeMap::from([
            (Partition(0), vec![BrokerId(2)]),
            (Partition(1), vec![BrokerId(5)]),
            (Partition(2), vec![BrokerId(9)]),
        ]);
        assert_eq!(plan(&cluster(&[9, 2, 5]), None, STABLE_FOR, Mode::Create), Plan::Create(expected));
    }

    #[test]
    fn booting_cluster_is_waited_for() {
        assert_eq!(plan(&cluster(&[1]), None, Duration::from_secs(2), Mode::Create), Plan::Wait);
        assert_eq!(plan(&cluster(&[]), None, STABLE_FOR, Mode::Create), Plan::Wait);
    }

    #[test]
    fn existing_topic_is_used_as_it_is() {
        assert_eq!(plan(&cluster(&[1, 2]), Some(&topic(&[&[2], &[1]])), Duration::ZERO, Mode::Create), Plan::Use);
    }

    #[test]
    fn raised_replication_factor_is_noticed() {
        let raised = topic(&[&[1], &[2, 1, 3]]);
        assert_eq!(
            plan(&cluster(&[1, 2]), Some(&raised), STABLE_FOR, Mode::Create),
            Plan::Replicated { partition: Partition(1), replicas: 3 }
        );
    }

    #[test]
    fn upkeep_off_never_creates() {
        assert_eq!(plan(&cluster(&[1, 2]), None, STABLE_FOR, Mode::Off), Plan::Missing);
    }
}
