//! ListOffsets: the first or the next offset of one partition, as a consumer sees it.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use kafka_protocol::{
    messages::{
        BrokerId, ListOffsetsRequest, ListOffsetsResponse, TopicName,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
    },
    protocol::StrBytes,
};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
};

/// The first version with a time-out in the request.
const WITH_TIMEOUT: i16 = 10;

/// Which end of the log to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OffsetAt {
    /// The first offset that can be read.
    Earliest,
    /// The offset after the last one that can be read: the high watermark.
    Latest,
}

/// Asks the partition's leader for the offset of one end of its log.
#[derive(Debug, Clone)]
pub struct ListOffset {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number.
    pub partition: i32,
    /// Which end.
    pub at: OffsetAt,
    /// How long the broker may take (Kafka 4.0 and later, for tiered storage), in whole milliseconds.
    pub timeout: Duration,
}

/// The response to ListOffsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedOffset {
    /// Kafka's error code, 0 if none.
    pub error: i16,
    /// The offset; −1 if unknown.
    pub offset: i64,
    /// The leader epoch at that offset; −1 if unknown.
    pub leader_epoch: i32,
}

impl Request for ListOffset {
    type Response = ListedOffset;

    const API: Api = Api::ListOffsets;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        let partition = ListOffsetsPartition::default()
            .with_partition_index(self.partition)
            .with_current_leader_epoch(-1)
            .with_timestamp(match self.at {
                OffsetAt::Earliest => -2,
                OffsetAt::Latest => -1,
            });
        let topic = ListOffsetsTopic::default()
            .with_name(TopicName(StrBytes::from_string(self.topic.to_string())))
            .with_partitions(vec![partition]);
        let mut request = ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic]);
        if version >= WITH_TIMEOUT {
            request = request.with_timeout_ms(codec::millis(self.timeout));
        }
        codec::write(&request, version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(ListedOffset, Duration), CodecError> {
        let response: ListOffsetsResponse = body.decode(version)?;
        let partition = response
            .topics
            .into_iter()
            .flat_map(|topic| topic.partitions)
            .find(|partition| partition.partition_index == self.partition)
            .ok_or_else(|| CodecError::new("the response lacks the requested partition"))?;
        let listed = ListedOffset {
            error: partition.error_code,
            offset: partition.offset,
            leader_epoch: partition.leader_epoch,
        };
        Ok((listed, codec::throttle(response.throttle_time_ms)))
    }
}
