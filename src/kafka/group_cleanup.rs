//! Deletes the consumer groups that the commit probe of one vantage has created, each at its coordinator. Group ids are
//! computed, not listed, so no other group can be affected.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::coordinator::Prefix;
use prober_core::ids::{BrokerId, Partition};
use prober_core::kafka_error::KafkaError;
use prober_probes::port::OFFSETS_TOPIC;
use tokio::time::timeout;

use super::cluster::metadata_client::MetadataClient;
use super::security::Security;
use super::session::dial_options::DialOptions;
use super::wire::{ClusterMetadata, DeleteGroups, DeletedGroup, TopicInfo, WireError};

/// Kafka's error code for a group with members.
const NON_EMPTY_GROUP: KafkaError = KafkaError(68);

/// Time-out of a request: a coordinator waits for its replicas before it responds.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// The outcome for one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupOutcome {
    /// Deleted.
    Deleted,
    /// It did not exist.
    Absent,
    /// Not deleted, for this reason.
    NotDeleted(String),
}

/// Deletes the groups of the prober whose names begin with `namespace` (`topics.prefix` and the vantage). Returns each by
/// its name, in the order of their partitions; nothing if the cluster has no groups at all.
///
/// # Errors
/// No server answers.
pub async fn delete_groups(
    bootstrap: Vec<String>,
    client_id: Arc<str>,
    security: Arc<Security>,
    namespace: &str,
) -> Result<Vec<(Arc<str>, GroupOutcome)>, WireError> {
    let metadata = MetadataClient::new(Arc::clone(&client_id), Arc::clone(&security), vec![OFFSETS_TOPIC.into()])
        .request(bootstrap)
        .await?;
    let Some(topic) = metadata.topics.iter().find(|topic| topic.name == OFFSETS_TOPIC && topic.error == 0) else {
        return Ok(Vec::new());
    };
    let mut results = Vec::new();
    for (leader, groups) in by_coordinator(topic, &Prefix::of_groups(namespace)) {
        let outcomes = match address(&metadata, leader) {
            None => not_deleted(&groups, "its coordinator is not in the metadata"),
            Some(address) => {
                let idle_timeout = ANSWER_WITHIN;
                let (client_id, security) = (Arc::clone(&client_id), Arc::clone(&security));
                delete(&DialOptions { address, client_id, security, idle_timeout }, &groups).await
            }
        };
        results
            .extend(groups.into_iter().zip(outcomes).map(|((partition, group), outcome)| (partition, group, outcome)));
    }
    results.sort_by_key(|(partition, _, _)| *partition);
    Ok(results.into_iter().map(|(_, group, outcome)| (group, outcome)).collect())
}

/// The partition that coordinates a group, and the id of the group.
type Group = (i32, Arc<str>);

fn by_coordinator(topic: &TopicInfo, prefix: &Prefix) -> BTreeMap<BrokerId, Vec<Group>> {
    let count = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
    let mut groups: BTreeMap<BrokerId, Vec<Group>> = BTreeMap::new();
    for info in &topic.partitions {
        if let Some(id) = prefix.id_for(Partition(info.index), count) {
            groups.entry(BrokerId(info.leader)).or_default().push((info.index, id.into()));
        }
    }
    groups
}

fn address(metadata: &ClusterMetadata, broker: BrokerId) -> Option<Arc<str>> {
    metadata.brokers.iter().find(|info| info.id == broker.0).map(|info| info.address().into())
}

async fn delete(dial_options: &DialOptions, groups: &[Group]) -> Vec<GroupOutcome> {
    let address = &dial_options.address;
    let asked = async {
        let connection = dial_options.dial(ANSWER_WITHIN).await?;
        let groups = groups.iter().map(|(_, group)| Arc::clone(group)).collect();
        Ok::<_, WireError>(connection.call(DeleteGroups { groups })?.await?.body)
    };
    match timeout(ANSWER_WITHIN, asked).await {
        Ok(Ok(answer)) => groups.iter().map(|(_, group)| outcome(&answer, group)).collect(),
        Ok(Err(error)) => not_deleted(groups, &format!("its coordinator {address}: {error}")),
        Err(_) => not_deleted(groups, &format!("its coordinator {address} does not answer")),
    }
}

fn not_deleted(groups: &[Group], why: &str) -> Vec<GroupOutcome> {
    groups.iter().map(|_| GroupOutcome::NotDeleted(why.to_owned())).collect()
}

fn outcome(answer: &[DeletedGroup], group: &str) -> GroupOutcome {
    let Some(result) = answer.iter().find(|deleted| deleted.group == group) else {
        return GroupOutcome::NotDeleted("its coordinator did not report a result".to_owned());
    };
    match KafkaError::of(result.error) {
        None => GroupOutcome::Deleted,
        Some(KafkaError::GROUP_ID_NOT_FOUND) => GroupOutcome::Absent,
        Some(NON_EMPTY_GROUP) => {
            GroupOutcome::NotDeleted("it has members, which a group of the prober never has".to_owned())
        }
        Some(error) => GroupOutcome::NotDeleted(error.name().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use prober_core::coordinator::partition_of;

    use super::*;
    use crate::kafka::wire::PartitionInfo;

    fn partition(index: i32, leader: i32) -> PartitionInfo {
        PartitionInfo { index, leader, leader_epoch: 0, replicas: vec![leader], isr: vec![leader], error: 0 }
    }

    #[test]
    fn each_group_is_deleted_at_its_coordinator() {
        let partitions = vec![partition(2, 1), partition(0, 1), partition(1, 2)];
        let topic = TopicInfo { name: OFFSETS_TOPIC.into(), id: None, error: 0, partitions };
        let prefix = Prefix::of_groups("__kafka-prober-default");
        let groups = by_coordinator(&topic, &prefix);
        let of = |broker| groups[&BrokerId(broker)].iter().map(|(partition, _)| *partition).collect::<Vec<_>>();
        assert_eq!((of(1), of(2)), (vec![2, 0], vec![1]));
        for (index, group) in groups.values().flatten() {
            assert_eq!(partition_of(group, 3), Some(Partition(*index)));
            assert!(group.starts_with(prefix.as_str()));
        }
    }

    #[test]
    fn missing_group_is_no_failure_and_a_group_with_members_is_not_deleted() {
        let answer = [("a", 0), ("b", 69), ("c", 68), ("d", 15)];
        let answer = answer.map(|(group, error)| DeletedGroup { group: group.into(), error });
        assert_eq!(outcome(&answer, "a"), GroupOutcome::Deleted);
        assert_eq!(outcome(&answer, "b"), GroupOutcome::Absent);
        assert!(matches!(outcome(&answer, "c"), GroupOutcome::NotDeleted(why) if why.contains("members")));
        assert_eq!(outcome(&answer, "d"), GroupOutcome::NotDeleted("COORDINATOR_NOT_AVAILABLE".into()));
        assert!(matches!(outcome(&answer, "e"), GroupOutcome::NotDeleted(_)));
    }
}
