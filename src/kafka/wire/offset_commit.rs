//! OffsetCommit: commits one offset of one partition for one group, without being its member.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use kafka_protocol::{
    messages::{
        GroupId, OffsetCommitRequest, OffsetCommitResponse, TopicName,
        offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
    },
    protocol::StrBytes,
};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
};

/// Commits an offset as a consumer with manual assignment does: without generation and member id. The group's coordinator
/// responds once its in-sync replicas have the commit.
#[derive(Debug, Clone)]
pub struct OffsetCommit {
    /// The group's id.
    pub group: Arc<str>,
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number.
    pub partition: i32,
    /// The next offset that the group reads.
    pub offset: i64,
    /// Text that is stored with the offset.
    pub metadata: Arc<str>,
}

/// The response to OffsetCommit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetCommitted {
    /// Kafka's error code, 0 if none.
    pub error: i16,
}

impl Request for OffsetCommit {
    type Response = OffsetCommitted;

    const API: Api = Api::OffsetCommit;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        let partition = OffsetCommitRequestPartition::default()
            .with_partition_index(self.partition)
            .with_committed_offset(self.offset)
            .with_committed_leader_epoch(-1)
            .with_committed_metadata(Some(StrBytes::from_string(self.metadata.to_string())));
        let topic = OffsetCommitRequestTopic::default()
            .with_name(TopicName(StrBytes::from_string(self.topic.to_string())))
            .with_partitions(vec![partition]);
        let request = OffsetCommitRequest::default()
            .with_group_id(GroupId(StrBytes::from_string(self.group.to_string())))
            .with_generation_id_or_member_epoch(-1)
            .with_topics(vec![topic]);
        codec::write(&request, version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(OffsetCommitted, Duration), CodecError> {
        let response: OffsetCommitResponse = body.decode(version)?;
        let partition = response
            .topics
            .into_iter()
            .flat_map(|topic| topic.partitions)
            .find(|partition| partition.partition_index == self.partition)
            .ok_or_else(|| CodecError::new("the response lacks the requested partition"))?;
        Ok((OffsetCommitted { error: partition.error_code }, codec::throttle(response.throttle_time_ms)))
    }
}
