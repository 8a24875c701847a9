//! Who leads the KRaft quorum.

use kafka_protocol::messages::DescribeQuorumRequest;
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};

use super::{Connection, PATIENCE, RawError, topic_name};

const DESCRIBE_QUORUM_VERSION: i16 = 1;

/// The active controller's id.
pub(crate) fn active_controller(addr: &str) -> Result<i32, RawError> {
    let topic = TopicData::default()
        .with_topic_name(topic_name("__cluster_metadata"))
        .with_partitions(vec![PartitionData::default()]);
    let request = DescribeQuorumRequest::default().with_topics(vec![topic]);
    let answer = Connection::open(addr, PATIENCE)?.ask(DESCRIBE_QUORUM_VERSION, &request, PATIENCE)?;
    RawError::check(answer.error_code)?;
    let partition = answer.topics.first().and_then(|topic| topic.partitions.first());
    partition.map(|partition| partition.leader_id.0).ok_or_else(|| RawError::malformed("no quorum answered"))
}
