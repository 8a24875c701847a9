//! Plans the monitor topic of a lane from topology and policy: use it, wait, create it, or refuse it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::{BrokerId, Lane, Partition};
use crate::topology::{TopicSeen, Topology};

/// The set of registered brokers must not have changed for this long before a topic is created: a topic created while a cluster
/// starts would have too few partitions.
pub const STABLE_FOR: Duration = Duration::from_secs(3);

/// What the prober may do to its own topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Read only.
    Off,
    /// Create missing topics.
    Create,
}

/// Replicas of a partition of the replicated lane, if there are as many brokers.
const REPLICAS: usize = 3;

/// What to do about a lane's topic now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The topic exists and can serve its lane.
    Use,
    /// Wait until the registered brokers have not changed for [`STABLE_FOR`].
    Wait,
    /// Create it with these replicas, partition *i* led by the *i*-th broker id.
    Create(BTreeMap<Partition, Vec<BrokerId>>),
    /// It is missing, and the prober may not create it.
    Missing,
    /// Some pinned partition has more than one replica, so that its acks would not depend on one broker alone (K6, K12).
    Replicated {
        /// The first such partition.
        partition: Partition,
        /// Its replica count.
        replicas: usize,
    },
}

/// Plans for a lane's topic. `stable_for` is how long the set of registered brokers has not changed.
pub fn plan(lane: Lane, topology: &Topology, topic: Option<&TopicSeen>, stable_for: Duration, mode: Mode) -> Plan {
    if let Some(topic) = topic {
        let replicated = topic.partitions.iter().find(|seen| seen.replicas.len() != 1);
        return match replicated.filter(|_| lane == Lane::Pinned) {
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
    let replicas = match lane {
        Lane::Pinned => brokers.into_iter().map(|broker| vec![broker]).collect(),
        Lane::Replicated => spread(topology, &brokers),
    };
    Plan::Create((0..).map(Partition).zip(replicas).collect())
}

/// `min.insync.replicas` of a lane's topic: with one replica away, the replicated lane can still be written (K9).
pub fn min_insync_replicas(lane: Lane, replication_factor: usize) -> usize {
    match lane {
        Lane::Pinned => 1,
        Lane::Replicated => replication_factor.saturating_sub(1).max(1),
    }
}

/// Replicas of one partition per broker, that broker being its preferred leader. Followers come from other racks first; each broker
/// follows equally many partitions if the racks are of equal size.
fn spread(topology: &Topology, brokers: &[BrokerId]) -> Vec<Vec<BrokerId>> {
    let rack = |broker: BrokerId| topology.brokers.get(&broker).and_then(|seen| seen.rack.as_deref());
    let ring = interleaved(brokers, rack);
    let followers_of = |leader: BrokerId| {
        let start = ring.iter().position(|broker| *broker == leader).unwrap_or(0);
        let others: Vec<BrokerId> = ring.iter().cycle().skip(start + 1).take(ring.len() - 1).copied().collect();
        let mut replicas = vec![leader];
        while replicas.len() < REPLICAS.min(brokers.len()) {
            let free = |broker: &&BrokerId| !replicas.contains(broker);
            let elsewhere = |broker: &&BrokerId| {
                rack(**broker).is_none() || replicas.iter().all(|taken| rack(*taken) != rack(**broker))
            };
            let next = others.iter().filter(free).find(elsewhere).or_else(|| others.iter().find(free));
            replicas.extend(next);
        }
        replicas
    };
    brokers.iter().copied().map(followers_of).collect()
}

/// The brokers ordered so that neighbours are in different racks.
fn interleaved<'a>(brokers: &[BrokerId], rack: impl Fn(BrokerId) -> Option<&'a str>) -> Vec<BrokerId> {
    let mut taken: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    let mut ring: Vec<(usize, BrokerId)> = Vec::with_capacity(brokers.len());
    for broker in brokers {
        let turn = taken.entry(rack(*broker)).or_default();
        // Brokers without a rack keep their order.
        ring.push((if rack(*broker).is_some() { *turn } else { 0 }, *broker));
        *turn += 1;
    }
    ring.sort();
    ring.into_iter().map(|(_, broker)| broker).collect()
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
                leader_epoch: None,
                replicas: ids.iter().map(|id| BrokerId(*id)).collect(),
                in_sync: ids.iter().map(|id| BrokerId(*id)).collect(),
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
        assert_eq!(plan(Lane::Pinned, &cluster(&[9, 2, 5]), None, STABLE_FOR, Mode::Create), Plan::Create(expected));
    }

    #[test]
    fn cluster_that_is_starting_is_waited_for() {
        assert_eq!(plan(Lane::Pinned, &cluster(&[1]), None, Duration::from_secs(2), Mode::Create), Plan::Wait);
        assert_eq!(plan(Lane::Pinned, &cluster(&[]), None, STABLE_FOR, Mode::Create), Plan::Wait);
    }

    #[test]
    fn existing_topic_is_used_as_it_is() {
        assert_eq!(
            plan(Lane::Pinned, &cluster(&[1, 2]), Some(&topic(&[&[2], &[1]])), Duration::ZERO, Mode::Create),
            Plan::Use
        );
    }

    #[test]
    fn raised_replication_factor_is_noticed() {
        let raised = topic(&[&[1], &[2, 1, 3]]);
        assert_eq!(
            plan(Lane::Pinned, &cluster(&[1, 2]), Some(&raised), STABLE_FOR, Mode::Create),
            Plan::Replicated { partition: Partition(1), replicas: 3 }
        );
    }

    #[test]
    fn upkeep_off_never_creates() {
        assert_eq!(plan(Lane::Pinned, &cluster(&[1, 2]), None, STABLE_FOR, Mode::Off), Plan::Missing);
    }

    fn racked(racks: &[(i32, &str)]) -> Topology {
        let mut topology = Topology::default();
        let address = Address { host: "h".into(), port: 9092 };
        let listed: Vec<_> =
            racks.iter().map(|(id, rack)| (BrokerId(*id), address.clone(), Some((*rack).to_owned()))).collect();
        topology.observe(&listed, None);
        topology
    }

    fn replicas(topology: &Topology) -> Vec<Vec<i32>> {
        match plan(Lane::Replicated, topology, None, STABLE_FOR, Mode::Create) {
            Plan::Create(assignment) => {
                assignment.into_values().map(|replicas| replicas.into_iter().map(|id| id.0).collect()).collect()
            }
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn each_broker_is_preferred_leader_of_one_replicated_partition_and_follows_two() {
        let planned = replicas(&cluster(&[1, 2, 3, 4, 5]));
        assert_eq!(planned.iter().map(|replicas| replicas[0]).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        for broker in 1..=5 {
            assert_eq!(planned.iter().filter(|replicas| replicas.contains(&broker)).count(), 3, "broker {broker}");
        }
    }

    #[test]
    fn small_cluster_has_as_many_replicas_as_brokers() {
        assert_eq!(replicas(&cluster(&[1, 2])), [[1, 2], [2, 1]]);
        assert_eq!(replicas(&cluster(&[7])), [[7]]);
    }

    #[test]
    fn replicas_are_in_different_racks_and_every_broker_holds_three() {
        let topology = racked(&[(1, "a"), (2, "a"), (3, "b"), (4, "b"), (5, "c"), (6, "c")]);
        let planned = replicas(&topology);
        for replicas in &planned {
            let racks: std::collections::BTreeSet<_> =
                replicas.iter().map(|id| topology.brokers[&BrokerId(*id)].rack.clone()).collect();
            assert_eq!(racks.len(), 3, "{replicas:?}");
        }
        for broker in 1..=6 {
            assert_eq!(planned.iter().filter(|replicas| replicas.contains(&broker)).count(), 3, "broker {broker}");
        }
    }

    #[test]
    fn fewer_racks_than_replicas_still_give_all_replicas() {
        let planned = replicas(&racked(&[(1, "a"), (2, "a"), (3, "b"), (4, "b")]));
        for replicas in &planned {
            assert_eq!(replicas.iter().collect::<std::collections::BTreeSet<_>>().len(), 3, "{replicas:?}");
        }
    }

    #[test]
    fn replicated_lane_can_be_written_with_one_replica_away() {
        let of = |factor| min_insync_replicas(Lane::Replicated, factor);
        assert_eq!([of(1), of(2), of(3)], [1, 1, 2]);
        assert_eq!(min_insync_replicas(Lane::Pinned, 1), 1);
    }
}
