//! OffsetFetch: the offset that one group has committed for one partition.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use kafka_protocol::{
    messages::{
        GroupId, OffsetFetchRequest, OffsetFetchResponse, TopicName,
        offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics},
    },
    protocol::StrBytes,
};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
};

/// The first version that takes several groups (KIP-709).
const SEVERAL_GROUPS: i16 = 8;

/// Asks the group's coordinator for one committed offset.
#[derive(Debug, Clone)]
pub struct OffsetFetch {
    /// The group's id.
    pub group: Arc<str>,
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number.
    pub partition: i32,
}

/// The response to OffsetFetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetFetched {
    /// Kafka's error code, of the partition or else of the group; 0 if none.
    pub error: i16,
    /// The committed offset; −1 if there is none.
    pub offset: i64,
    /// The text that was committed with it; empty if there is none.
    pub metadata: String,
}

impl Request for OffsetFetch {
    type Response = OffsetFetched;

    const API: Api = Api::OffsetFetch;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        let group = GroupId(StrBytes::from_string(self.group.to_string()));
        let name = TopicName(StrBytes::from_string(self.topic.to_string()));
        let partitions = vec![self.partition];
        let request = if version < SEVERAL_GROUPS {
            let topic = OffsetFetchRequestTopic::default().with_name(name).with_partition_indexes(partitions);
            OffsetFetchRequest::default().with_group_id(group).with_topics(Some(vec![topic]))
        } else {
            let topic = OffsetFetchRequestTopics::default().with_name(name).with_partition_indexes(partitions);
            let group = OffsetFetchRequestGroup::default().with_group_id(group).with_topics(Some(vec![topic]));
            OffsetFetchRequest::default().with_groups(vec![group])
        };
        codec::write(&request, version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(OffsetFetched, Duration), CodecError> {
        let response: OffsetFetchResponse = body.decode(version)?;
        let throttle = codec::throttle(response.throttle_time_ms);
        let (refused, offsets) = if version < SEVERAL_GROUPS {
            let partitions = response.topics.into_iter().flat_map(|topic| topic.partitions);
            let offsets = partitions.map(|partition| CommittedPartition {
                index: partition.partition_index,
                error: partition.error_code,
                offset: partition.committed_offset,
                metadata: partition.metadata,
            });
            (response.error_code, offsets.collect::<Vec<_>>())
        } else {
            let ours = response.groups.into_iter().find(|group| *group.group_id.0 == *self.group);
            let ours = ours.ok_or_else(|| CodecError::new("the response lacks the requested group"))?;
            let partitions = ours.topics.into_iter().flat_map(|topic| topic.partitions);
            let offsets = partitions.map(|partition| CommittedPartition {
                index: partition.partition_index,
                error: partition.error_code,
                offset: partition.committed_offset,
                metadata: partition.metadata,
            });
            (ours.error_code, offsets.collect())
        };
        match offsets.into_iter().find(|committed| committed.index == self.partition) {
            Some(CommittedPartition { error, offset, metadata, .. }) => {
                let error = if error == 0 { refused } else { error };
                let metadata = metadata.map(|metadata| metadata.to_string()).unwrap_or_default();
                Ok((OffsetFetched { error, offset, metadata }, throttle))
            }
            // If the whole group is refused, the response lists no partitions.
            None if refused != 0 => {
                Ok((OffsetFetched { error: refused, offset: -1, metadata: String::new() }, throttle))
            }
            None => Err(CodecError::new("the response lacks the requested partition")),
        }
    }
}

/// One partition of the response; the codec has two types for it.
struct CommittedPartition {
    index: i32,
    error: i16,
    offset: i64,
    metadata: Option<StrBytes>,
}
