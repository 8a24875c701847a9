//! Names and numbers with their meaning. The `as_str` of each is its value in metrics, pages and configuration.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use crate::probe::Probe;

/// A Kafka cluster's name in our configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClusterName(Arc<str>);

impl ClusterName {
    /// Takes the name as it is; configuration has checked it.
    pub fn new(name: &str) -> ClusterName {
        ClusterName(Arc::from(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A broker's id, Kafka's `broker.id` or `node.id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BrokerId(pub i32);

impl fmt::Display for BrokerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The broker that an attempt is about. Before the first metadata it is unknown, and the attempt counts all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Broker {
    /// No metadata yet: the label is `unknown`.
    Unknown,
    /// This broker.
    Id(BrokerId),
    /// No single one: an event of the `cluster` view. The label is empty.
    Cluster,
}

impl Broker {
    /// The id, if known.
    pub fn id(self) -> Option<BrokerId> {
        match self {
            Broker::Unknown | Broker::Cluster => None,
            Broker::Id(id) => Some(id),
        }
    }
}

impl fmt::Display for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broker::Unknown => f.write_str("unknown"),
            Broker::Id(id) => id.fmt(f),
            Broker::Cluster => Ok(()),
        }
    }
}

/// A partition's index within its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Partition(pub i32);

/// A record's number within one run and one target; unique for a run, starts at 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

/// Identity of one run of the prober process: random, so that a restart never takes records of an earlier run for its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunId(pub [u8; 16]);

/// The name of a vantage, as the 64-bit hash that fits into a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VantageHash(pub u64);

impl VantageHash {
    /// FNV-1a, 64 bits (draft-eastlake-fnv): stable over releases, which `std`'s hasher does not promise.
    pub fn of(vantage: &str) -> VantageHash {
        const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        let hash = vantage.bytes().fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
        VantageHash(hash)
    }
}

/// A monitor topic with one partition per broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Replication factor 1: each partition lives on one broker and nowhere else.
    Pinned,
    /// Replication factor min(3, brokers), each broker preferred leader of one partition.
    Replicated,
}

impl Lane {
    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Lane::Pinned => "pinned",
            Lane::Replicated => "replicated",
        }
    }

    /// The lane's byte in a record.
    pub const fn code(self) -> u8 {
        match self {
            Lane::Pinned => 1,
            Lane::Replicated => 2,
        }
    }

    /// The view that events of this lane belong to.
    pub const fn view(self) -> View {
        match self {
            Lane::Pinned => View::Broker,
            Lane::Replicated => View::Client,
        }
    }
}

/// What an event is evidence about; views are never mixed in one ratio. Serialized as its label value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// What applications experience: the replicated lane with retries and failover.
    Client,
    /// One broker, one attempt, no retry: a failure names the broker.
    Broker,
    /// Commits and transactions: coordinator and ISR together, so that a failure names no single broker.
    Coordinator,
    /// The cluster as a whole.
    Cluster,
}

impl View {
    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            View::Client => "client",
            View::Broker => "broker",
            View::Coordinator => "coordinator",
            View::Cluster => "cluster",
        }
    }

    /// The view of that label value.
    pub fn parse(text: &str) -> Option<View> {
        [View::Client, View::Broker, View::Coordinator, View::Cluster].into_iter().find(|view| view.as_str() == text)
    }
}

/// What a connection to a broker is used for. A broker serves one request at a time per connection (K3), so a request that may
/// wait never shares a connection with one that must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionRole {
    /// Pooled: produce requests of the pinned lane.
    Produce,
    /// Pooled: long-poll fetch requests of the pinned lane.
    Fetch,
    /// Pooled: fetch and metadata requests of the direct probes.
    Control,
    /// Opened for one `connect` attempt.
    Fresh,
}

impl ConnectionRole {
    /// The connection to a broker that an event of the broker view went over; `None` for other views.
    pub fn of(series: &Series) -> Option<ConnectionRole> {
        if series.view == View::Broker { series.probe.spec().connection } else { None }
    }

    /// The word in sentences of findings.
    pub const fn as_str(self) -> &'static str {
        match self {
            ConnectionRole::Produce => "produce",
            ConnectionRole::Fetch => "fetch",
            ConnectionRole::Control => "control",
            ConnectionRole::Fresh => "fresh",
        }
    }
}

/// A part of a direct probe that is timed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Name to addresses.
    Resolve,
    /// The TCP handshake.
    Connect,
    /// The TLS handshake.
    Tls,
    /// The SASL exchange.
    Sasl,
    /// The ApiVersions exchange.
    ApiVersions,
    /// A topic created, by the controller's answer.
    Create,
    /// That topic seen at a broker, from the controller's answer on.
    Visible,
    /// That topic deleted, by the controller's answer.
    Delete,
    /// That topic gone at a broker, from the controller's answer on.
    Gone,
    /// A coordinator reading its partition of an internal topic (COORDINATOR_LOAD_IN_PROGRESS), from its first such
    /// answer.
    Load,
}

impl Phase {
    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Phase::Resolve => "resolve",
            Phase::Connect => "connect",
            Phase::Tls => "tls",
            Phase::Sasl => "sasl",
            Phase::ApiVersions => "api_versions",
            Phase::Create => "create",
            Phase::Visible => "visible",
            Phase::Delete => "delete",
            Phase::Gone => "gone",
            Phase::Load => "load",
        }
    }
}

/// What one lane's records are written to: (cluster, lane, broker, partition).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The cluster.
    pub cluster: ClusterName,
    /// The lane.
    pub lane: Lane,
    /// The broker whose answers these are: the pinned replica, or the preferred leader.
    pub broker: Broker,
    /// The partition, where the topic exists.
    pub partition: Option<Partition>,
}

impl Target {
    /// The series that this target's events of `probe` are counted in.
    pub fn series(&self, probe: Probe) -> Series {
        Series { cluster: self.cluster.clone(), view: self.lane.view(), probe, subject: self.subject() }
    }

    /// What this target's events are about: its broker, or in the client view its partition.
    pub fn subject(&self) -> Subject {
        match self.lane.view() {
            View::Client => Subject::Partition(self.partition),
            View::Broker | View::Coordinator | View::Cluster => Subject::Broker(self.broker),
        }
    }
}

/// What the events of a series are about. In the client view that is a partition: with acks=all and replication
/// factor 3 the partitions of healthy leaders fail too, so that no series of that view carries a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A broker; label `broker`.
    Broker(Broker),
    /// A partition of the replicated lane; label `partition`, `unknown` (`None`) while the topic is not known.
    Partition(Option<Partition>),
}

impl Subject {
    /// The broker, unknown where the subject is a partition.
    pub fn broker(self) -> Broker {
        match self {
            Subject::Broker(broker) => broker,
            Subject::Partition(_) => Broker::Unknown,
        }
    }

    /// Whether the broker or the partition is known.
    pub fn is_known(self) -> bool {
        match self {
            Subject::Broker(broker) => broker.id().is_some(),
            Subject::Partition(partition) => partition.is_some(),
        }
    }

    /// The value of the label `broker`; `None` where the subject is no broker.
    pub fn broker_label(self) -> Option<String> {
        match self {
            Subject::Broker(Broker::Cluster) | Subject::Partition(_) => None,
            Subject::Broker(broker) => Some(broker.to_string()),
        }
    }

    /// The value of the label `partition`; `None` where the subject is no partition.
    pub fn partition_label(self) -> Option<String> {
        match self {
            Subject::Broker(_) => None,
            Subject::Partition(partition) => {
                Some(partition.map_or_else(|| "unknown".to_owned(), |partition| partition.0.to_string()))
            }
        }
    }
}

/// One row of the ledger: events of one probe, in one view, about one broker or partition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Series {
    /// The cluster.
    pub cluster: ClusterName,
    /// The view.
    pub view: View,
    /// The probe.
    pub probe: Probe,
    /// The broker, or in the client view the partition.
    pub subject: Subject,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vantage_hash_is_the_published_fnv_1a() {
        // Vectors of draft-eastlake-fnv, appendix C.
        assert_eq!(VantageHash::of(""), VantageHash(0xcbf2_9ce4_8422_2325));
        assert_eq!(VantageHash::of("a"), VantageHash(0xaf63_dc4c_8601_ec8c));
        assert_eq!(VantageHash::of("foobar"), VantageHash(0x8594_4171_f739_67e8));
    }
}
