//! Commits offsets as a consumer that is not a member of the group.

use std::time::Duration;

use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::{FindCoordinatorRequest, GroupId, OffsetCommitRequest};

use super::{Connection, REQUEST_TIMEOUT, RawError, text, topic_name};

/// The last version that asks for one key only.
const FIND_COORDINATOR_VERSION: i16 = 3;
const OFFSET_COMMIT_VERSION: i16 = 8;

/// Where the coordinator of a group listens; the first request creates `__consumer_offsets`.
pub(crate) fn coordinator_address(addr: &str, group: &str) -> Result<String, RawError> {
    let request = FindCoordinatorRequest::default().with_key(text(group)).with_key_type(0);
    let answer = Connection::open(addr, REQUEST_TIMEOUT)?.ask(FIND_COORDINATOR_VERSION, &request, REQUEST_TIMEOUT)?;
    RawError::check(answer.error_code)?;
    Ok(format!("{}:{}", answer.host, answer.port))
}

/// Commits one offset for each of a topic's first `partitions`, each with `metadata`.
pub(crate) fn commit_on(
    connection: &mut Connection,
    group: &str,
    topic: &str,
    partitions: i32,
    metadata: &str,
    limit: Duration,
) -> Result<(), RawError> {
    let partition = |index: i32| {
        OffsetCommitRequestPartition::default()
            .with_partition_index(index)
            .with_committed_offset(1)
            .with_committed_leader_epoch(-1)
            .with_committed_metadata(Some(text(metadata)))
    };
    let topic = OffsetCommitRequestTopic::default()
        .with_name(topic_name(topic))
        .with_partitions((0..partitions).map(partition).collect());
    let request = OffsetCommitRequest::default()
        .with_group_id(GroupId(text(group)))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic]);
    let answer = connection.ask(OFFSET_COMMIT_VERSION, &request, limit)?;
    let codes = answer.topics.iter().flat_map(|topic| &topic.partitions).map(|partition| partition.error_code);
    codes.into_iter().try_for_each(RawError::check)
}
