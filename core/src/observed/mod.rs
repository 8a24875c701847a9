//! Observation of a cluster: its own answers about brokers, partitions, disks and quorum, summed up.
//!
//! Nothing here is probed or judged; it is evidence beside the probes. The size is bounded: numbers per broker and per cluster, and
//! only the first few topics and partitions by name.
//!
//! | module | holds |
//! | --- | --- |
//! | [`partitions`] | leaders, replicas, in-sync replicas: summed up from one metadata answer |
//! | [`sizes`] | log directories, and how fast the internal topics grow |
//! | [`registration`] | fenced or unregistered: why a broker is not in the metadata |
//! | [`flavour`] | which implementation of Kafka's protocol the cluster runs |
//! | [`versions`] | which brokers support other API versions than the rest |
//! | [`collisions`] | topic names that differ in `.` and `_` only |
//! | [`parts`] | the parts of an observation, each with its state and its cost |

pub mod collisions;
pub mod flavour;
pub mod partitions;
pub mod parts;
pub mod registration;
pub mod sizes;
pub mod versions;

#[cfg(test)]
mod properties;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::{BrokerId, ClusterName, Partition};
use crate::time::nanoseconds;

use collisions::Collisions;
use flavour::Flavour;
use partitions::Partitions;
use parts::{Part, PartStatus};
use registration::Registrations;
use sizes::Sizes;
use versions::Versions;

/// Number of topics or partitions that are named.
pub const NAMED_MAX: usize = 10;

/// The last answers of one cluster. A part that was not answered yet, or is off, is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// The cluster.
    pub cluster: ClusterName,
    /// The cluster id of Kafka.
    pub cluster_id: Option<Arc<str>>,
    /// The implementation of Kafka's protocol, where the cluster says it.
    pub flavour: Option<Flavour>,
    /// Limits that the replica counts are compared with.
    pub limits: PartitionLimits,
    /// Registered and fenced brokers.
    pub registrations: Option<Arc<Registrations>>,
    /// Leaders, replicas, in-sync replicas.
    pub partitions: Option<Arc<Partitions>>,
    /// Topic names that collide in metrics.
    pub collisions: Option<Arc<Collisions>>,
    /// Partitions that are being reassigned.
    pub reassignments: Option<Named>,
    /// The KRaft quorum.
    pub quorum: Option<Arc<Quorum>>,
    /// Log directories and the internal topics in them.
    pub sizes: Option<Arc<Sizes>>,
    /// API versions of the brokers.
    pub versions: Option<Arc<Versions>>,
    /// The parts: their states and costs.
    pub parts: BTreeMap<Part, PartStatus>,
}

/// What the partitions are compared with. Beyond these limits Kafka works, but not well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PartitionLimits {
    /// Replicas on one broker.
    pub per_broker: u64,
    /// Replicas in the cluster.
    pub per_cluster: u64,
    /// Bytes from which a partition of an internal topic is large.
    pub internal_partition_bytes: u64,
    /// How often Kafka moves leaders back to the preferred ones by itself (`leader.imbalance.check.interval.seconds`).
    #[serde(with = "nanoseconds")]
    pub leader_check_interval: Duration,
}

impl Default for PartitionLimits {
    /// Those of `config/default.toml`.
    fn default() -> PartitionLimits {
        PartitionLimits {
            per_broker: 4000,
            per_cluster: 200_000,
            internal_partition_bytes: 1 << 30,
            leader_check_interval: Duration::from_secs(300),
        }
    }
}

/// A partition of some topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartitionName {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: Partition,
}

impl std::fmt::Display for PartitionName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition.0)
    }
}

/// A count, and the first few by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// How many.
    pub count: u64,
    /// The first [`NAMED_MAX`].
    pub first: Vec<PartitionName>,
}

impl Named {
    /// Counts one; its name is made only if there is room for it.
    pub fn add(&mut self, name: impl FnOnce() -> PartitionName) {
        self.count += 1;
        if self.first.len() < NAMED_MAX {
            self.first.push(name());
        }
    }
}

/// The KRaft quorum as its leader sees it (KIP-595, KIP-836).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quorum {
    /// The active controller; `None` while the quorum has none.
    pub leader: Option<BrokerId>,
    /// The leader's epoch.
    pub epoch: i32,
    /// All replicas of the metadata log.
    pub nodes: Vec<QuorumNode>,
}

/// One replica of the metadata log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuorumNode {
    /// Its id, a broker's or a controller's.
    pub node: BrokerId,
    /// Whether it votes.
    pub role: QuorumRole,
    /// Records of the leader's log that it lacks; `None` if the leader does not know its log end.
    pub lag: Option<u64>,
}

/// Role in the quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuorumRole {
    /// A controller.
    Voter,
    /// A broker, or a controller that does not vote.
    Observer,
}

impl QuorumRole {
    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            QuorumRole::Voter => "voter",
            QuorumRole::Observer => "observer",
        }
    }
}

/// Log end of one replica of the metadata log, as in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuorumReplica {
    /// Its id.
    pub node: BrokerId,
    /// Whether it votes.
    pub role: QuorumRole,
    /// The end of its log, −1 if unknown.
    pub log_end: i64,
}

impl Quorum {
    /// From the leader's answer. A lag is relative to the leader's log end, or without a leader to the longest log.
    pub fn of(leader: Option<BrokerId>, epoch: i32, replicas: &[QuorumReplica]) -> Quorum {
        let known = |replica: &&QuorumReplica| 0 <= replica.log_end;
        let of_leader = replicas.iter().filter(known).find(|replica| Some(replica.node) == leader);
        let end = of_leader.or_else(|| replicas.iter().filter(known).max_by_key(|replica| replica.log_end));
        let end = end.map(|replica| replica.log_end);
        let lag = |replica: &QuorumReplica| {
            let end = end.filter(|_| 0 <= replica.log_end)?;
            Some(u64::try_from(end - replica.log_end).unwrap_or(0))
        };
        let node = |replica: &QuorumReplica| QuorumNode { node: replica.node, role: replica.role, lag: lag(replica) };
        Quorum { leader, epoch, nodes: replicas.iter().map(node).collect() }
    }
}

impl Observed {
    /// Nothing answered yet.
    pub fn new(cluster: ClusterName, limits: PartitionLimits) -> Observed {
        Observed {
            cluster,
            cluster_id: None,
            flavour: None,
            limits,
            registrations: None,
            partitions: None,
            collisions: None,
            reassignments: None,
            quorum: None,
            sizes: None,
            versions: None,
            parts: Part::ALL.map(|part| (part, PartStatus::default())).into(),
        }
    }

    /// The active controller, as the quorum reports it.
    pub fn controller(&self) -> Option<BrokerId> {
        self.quorum.as_ref().and_then(|quorum| quorum.leader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica(node: i32, role: QuorumRole, log_end: i64) -> QuorumReplica {
        QuorumReplica { node: BrokerId(node), role, log_end }
    }

    #[test]
    fn quorum_lag_is_against_the_leaders_log() {
        let replicas = [
            replica(101, QuorumRole::Voter, 500),
            replica(102, QuorumRole::Voter, 480),
            replica(1, QuorumRole::Observer, 500),
            replica(2, QuorumRole::Observer, -1),
        ];
        let quorum = Quorum::of(Some(BrokerId(101)), 7, &replicas);
        assert_eq!(quorum.nodes.iter().map(|node| node.lag).collect::<Vec<_>>(), [Some(0), Some(20), Some(0), None]);
    }

    #[test]
    fn quorum_without_a_leader_lags_behind_the_longest_log() {
        let replicas = [replica(101, QuorumRole::Voter, 10), replica(102, QuorumRole::Voter, 30)];
        let quorum = Quorum::of(None, 7, &replicas);
        assert_eq!(quorum.nodes[0].lag, Some(20));
        assert_eq!(quorum.leader, None);
    }

    #[test]
    fn all_are_counted_and_only_a_few_named() {
        let mut named = Named::default();
        for partition in 0..25 {
            named.add(|| PartitionName { topic: Arc::from("a"), partition: Partition(partition) });
        }
        assert_eq!((named.count, named.first.len()), (25, NAMED_MAX));
        assert_eq!(named.first[0].to_string(), "a-0");
    }
}
