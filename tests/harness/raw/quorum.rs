//! The active controller, and the coordinator of a group.

use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::{DescribeQuorumRequest, FindCoordinatorRequest};

use super::{Connection, REQUEST_TIMEOUT, RawError, text, topic_name};

const DESCRIBE_QUORUM_VERSION: i16 = 1;
const FIND_COORDINATOR_VERSION: i16 = 4;

/// The topic of the controllers' own log.
const METADATA_TOPIC: &str = "__cluster_metadata";

/// The key is a group's id.
const GROUP: i8 = 0;

/// The id of the active controller. The broker forwards the request, so that the answer is the
/// controller's own; metadata names any broker instead (K17).
pub(crate) fn active_controller(addr: &str) -> Result<i32, RawError> {
    let topic = TopicData::default()
        .with_topic_name(topic_name(METADATA_TOPIC))
        .with_partitions(vec![PartitionData::default().with_partition_index(0)]);
    let request = DescribeQuorumRequest::default().with_topics(vec![topic]);
    let answer = Connection::open(addr, REQUEST_TIMEOUT)?.ask(DESCRIBE_QUORUM_VERSION, &request, REQUEST_TIMEOUT)?;
    RawError::check(answer.error_code)?;
    let partition = answer.topics.first().and_then(|topic| topic.partitions.first());
    let partition = partition.ok_or_else(|| RawError::malformed("no partition in the answer"))?;
    RawError::check(partition.error_code)?;
    match partition.leader_id.0 {
        id if 0 <= id => Ok(id),
        _ => Err(RawError::NoLeader),
    }
}

/// The broker that coordinates a group. The first such request makes Kafka create `__consumer_offsets`; it returns an
/// error until the topic exists.
pub(crate) fn coordinator(addr: &str, group: &str) -> Result<i32, RawError> {
    let request = FindCoordinatorRequest::default().with_key_type(GROUP).with_coordinator_keys(vec![text(group)]);
    let answer = Connection::open(addr, REQUEST_TIMEOUT)?.ask(FIND_COORDINATOR_VERSION, &request, REQUEST_TIMEOUT)?;
    let found = answer.coordinators.first().ok_or_else(|| RawError::malformed("no coordinator in the answer"))?;
    RawError::check(found.error_code)?;
    Ok(found.node_id.0)
}
