//! What a row of the status page is about: a broker, or a partition with its leaders.

use std::collections::BTreeMap;

use prober_core::ids::{Broker, BrokerId, ClusterName, Partition, Subject, View};
use prober_core::snapshot::Snapshot;
use serde::{Serialize, Serializer};

/// The fields that say it.
#[derive(Debug, Serialize)]
pub(super) struct About {
    broker: Option<BrokerName>,
    partition: Option<PartitionName>,
    preferred_leader: Option<BrokerName>,
    leader: Option<LeaderName>,
}

impl About {
    /// `broker` is the broker that the counts name: of a partition the preferred leader.
    pub(super) fn of(subject: Subject, broker: Broker, leaders: &Leaders<'_>) -> About {
        match subject {
            Subject::Broker(broker) => {
                About { broker: Some(BrokerName(broker)), partition: None, preferred_leader: None, leader: None }
            }
            Subject::Partition(partition) => About {
                broker: None,
                partition: Some(PartitionName(partition)),
                preferred_leader: Some(BrokerName(broker)),
                leader: Some(leaders.of_partition(partition)),
            },
        }
    }
}

/// The leaders of the partitions of the client view, by the newest metadata.
#[derive(Debug)]
pub(super) struct Leaders<'a>(Option<&'a BTreeMap<Partition, Option<BrokerId>>>);

impl<'a> Leaders<'a> {
    /// Those of one cluster.
    pub(super) fn of(snapshot: &'a Snapshot, cluster: &ClusterName) -> Leaders<'a> {
        let mut lanes = snapshot.lanes.iter().filter(|lane| lane.cluster == *cluster);
        Leaders(lanes.find(|lane| lane.lane.view() == View::Client).map(|lane| &lane.leaders))
    }

    fn of_partition(&self, partition: Option<Partition>) -> LeaderName {
        let leader = self.0.zip(partition).and_then(|(leaders, partition)| leaders.get(&partition));
        leader.map_or(LeaderName::Unknown, |leader| leader.map_or(LeaderName::None, LeaderName::Id))
    }
}

/// A partition's number, or `"unknown"`.
#[derive(Debug)]
struct PartitionName(Option<Partition>);

impl Serialize for PartitionName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(partition) => serializer.serialize_i32(partition.0),
            None => serializer.serialize_str("unknown"),
        }
    }
}

/// A broker's id as a number, `"unknown"`, or null for the cluster as a whole.
#[derive(Debug)]
pub(super) struct BrokerName(pub(super) Broker);

impl Serialize for BrokerName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Broker::Id(id) => serializer.serialize_i32(id.0),
            Broker::Cluster => serializer.serialize_none(),
            Broker::Unknown => serializer.collect_str(&self.0),
        }
    }
}

/// A leader's id as a number, `"none"`, or `"unknown"`.
#[derive(Debug)]
enum LeaderName {
    Id(BrokerId),
    None,
    Unknown,
}

impl Serialize for LeaderName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            LeaderName::Id(id) => serializer.serialize_i32(id.0),
            LeaderName::None => serializer.serialize_str("none"),
            LeaderName::Unknown => serializer.serialize_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;

    fn of_partition(partition: i32, leaders: &Leaders<'_>) -> serde_json::Value {
        let subject = Subject::Partition(Some(Partition(partition)));
        to_value(About::of(subject, Broker::Id(BrokerId(1)), leaders)).expect("it is JSON")
    }

    #[test]
    fn partition_has_its_preferred_leader_and_its_leader() {
        let leaders = BTreeMap::from([(Partition(0), Some(BrokerId(2))), (Partition(1), None)]);
        let leaders = Leaders(Some(&leaders));
        let expected = json!({"broker": null, "partition": 0, "preferred_leader": 1, "leader": 2});
        assert_eq!(of_partition(0, &leaders), expected);
        assert_eq!(of_partition(1, &leaders)["leader"], "none");
        assert_eq!(of_partition(2, &leaders)["leader"], "unknown", "the metadata do not have it");
        assert_eq!(of_partition(0, &Leaders(None))["leader"], "unknown", "before the first metadata");
    }

    #[test]
    fn broker_has_no_leader() {
        let about = About::of(Subject::Broker(Broker::Id(BrokerId(1))), Broker::Id(BrokerId(1)), &Leaders(None));
        let expected = json!({"broker": 1, "partition": null, "preferred_leader": null, "leader": null});
        assert_eq!(to_value(about).expect("it is JSON"), expected);
    }
}
