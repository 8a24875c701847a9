//! Groups and transactional ids as every coordinator lists them, and the internal topics that hold them.

use std::collections::BTreeSet;
use std::time::Duration;

use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::{
    FindCoordinatorRequest, GroupId, ListGroupsRequest, ListTransactionsRequest, OffsetCommitRequest,
};

use super::{Connection, REQUEST_TIMEOUT, RawError, metadata, text, topic_name};
use crate::harness::{Cluster, wait_until};

const FIND_COORDINATOR_VERSION: i16 = 3;
const LIST_GROUPS_VERSION: i16 = 4;
const LIST_TRANSACTIONS_VERSION: i16 = 0;
const OFFSET_COMMIT_VERSION: i16 = 8;

/// Creating an internal topic on three brokers takes a second or two.
const CREATED_WITHIN: Duration = Duration::from_secs(30);

/// The kind of a coordinator.
#[derive(Debug, Clone, Copy)]
pub(crate) enum CoordinatorType {
    Group,
    Transaction,
}

impl CoordinatorType {
    /// The internal topic.
    pub(crate) fn topic(self) -> &'static str {
        match self {
            CoordinatorType::Group => "__consumer_offsets",
            CoordinatorType::Transaction => "__transaction_state",
        }
    }
}

/// Where the coordinator of `id` listens. Asking creates the internal topic.
pub(crate) fn coordinator(addr: &str, of: CoordinatorType, id: &str) -> Result<String, RawError> {
    let key_type = match of {
        CoordinatorType::Group => 0,
        CoordinatorType::Transaction => 1,
    };
    let request = FindCoordinatorRequest::default().with_key(text(id)).with_key_type(key_type);
    let answer = Connection::open(addr, REQUEST_TIMEOUT)?.ask(FIND_COORDINATOR_VERSION, &request, REQUEST_TIMEOUT)?;
    RawError::check(answer.error_code)?;
    Ok(format!("{}:{}", answer.host, answer.port))
}

/// Creates both internal topics, and waits until every partition has a leader.
#[track_caller]
pub(crate) fn create_internal_topics(cluster: &Cluster) {
    let addr = cluster.any_internal_address();
    for of in [CoordinatorType::Group, CoordinatorType::Transaction] {
        wait_until(CREATED_WITHIN, "the internal topic exists and every partition has a leader", || {
            let _ = coordinator(addr, of, "harness");
            let seen = metadata(addr, &[of.topic()]).unwrap_or_default();
            !seen.partitions.is_empty() && seen.partitions.iter().all(|partition| 0 <= partition.leader)
        });
    }
}

/// The brokers that lead a partition of an internal topic, as the broker at `addr` sees it.
pub(crate) fn coordinators(addr: &str, of: CoordinatorType) -> Result<BTreeSet<i32>, RawError> {
    Ok(metadata(addr, &[of.topic()])?.partitions.iter().map(|partition| partition.leader).collect())
}

/// The groups that these brokers coordinate.
pub(crate) fn groups(addrs: &[&str]) -> Result<BTreeSet<String>, RawError> {
    let mut groups = BTreeSet::new();
    for addr in addrs {
        let mut connection = Connection::open(addr, REQUEST_TIMEOUT)?;
        let answer = connection.ask(LIST_GROUPS_VERSION, &ListGroupsRequest::default(), REQUEST_TIMEOUT)?;
        RawError::check(answer.error_code)?;
        groups.extend(answer.groups.iter().map(|group| group.group_id.to_string()));
    }
    Ok(groups)
}

/// The transactional ids that these brokers coordinate, each with its state.
pub(crate) fn transactional_ids(addrs: &[&str]) -> Result<BTreeSet<(String, String)>, RawError> {
    let mut ids = BTreeSet::new();
    for addr in addrs {
        let mut connection = Connection::open(addr, REQUEST_TIMEOUT)?;
        let answer = connection.ask(LIST_TRANSACTIONS_VERSION, &ListTransactionsRequest::default(), REQUEST_TIMEOUT)?;
        RawError::check(answer.error_code)?;
        let states = answer.transaction_states.iter();
        ids.extend(states.map(|one| (one.transactional_id.to_string(), one.transaction_state.to_string())));
    }
    Ok(ids)
}

/// Commits an offset for a group of the harness.
pub(crate) fn commit_offset(addr: &str, group: &str, topic: &str, offset: i64) -> Result<(), RawError> {
    let at = coordinator(addr, CoordinatorType::Group, group)?;
    let partition = OffsetCommitRequestPartition::default().with_committed_offset(offset);
    let topic = OffsetCommitRequestTopic::default().with_name(topic_name(topic)).with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(GroupId(text(group)))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic]);
    let answer = Connection::open(&at, REQUEST_TIMEOUT)?.ask(OFFSET_COMMIT_VERSION, &request, REQUEST_TIMEOUT)?;
    answer.topics.iter().flat_map(|topic| &topic.partitions).try_for_each(|one| RawError::check(one.error_code))
}
