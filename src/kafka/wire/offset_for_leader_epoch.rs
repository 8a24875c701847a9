//! OffsetForLeaderEpoch (KIP-101, KIP-320): the offset at which a leader epoch of a partition ended.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use kafka_protocol::{
    messages::{
        BrokerId, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, TopicName,
        offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic},
    },
    protocol::StrBytes,
};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
};

/// Asks the partition's leader for the end offset of one leader epoch.
#[derive(Debug, Clone)]
pub struct OffsetForLeaderEpoch {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number.
    pub partition: i32,
    /// The leader epoch.
    pub epoch: i32,
}

/// The response to OffsetForLeaderEpoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochEndOffset {
    /// Kafka's error code, 0 if none.
    pub error: i16,
    /// The largest epoch in the leader's log that is not above the requested one; −1 if there is none.
    pub epoch: i32,
    /// The first offset after that epoch; −1 if unknown.
    pub end: i64,
}

impl Request for OffsetForLeaderEpoch {
    type Response = EpochEndOffset;

    const API: Api = Api::OffsetForLeaderEpoch;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        let partition = OffsetForLeaderPartition::default()
            .with_partition(self.partition)
            .with_current_leader_epoch(-1)
            .with_leader_epoch(self.epoch);
        let topic = OffsetForLeaderTopic::default()
            .with_topic(TopicName(StrBytes::from_string(self.topic.to_string())))
            .with_partitions(vec![partition]);
        let request = OffsetForLeaderEpochRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic]);
        codec::write(&request, version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(EpochEndOffset, Duration), CodecError> {
        let response: OffsetForLeaderEpochResponse = body.decode(version)?;
        let partition = response
            .topics
            .into_iter()
            .flat_map(|topic| topic.partitions)
            .find(|partition| partition.partition == self.partition)
            .ok_or_else(|| CodecError::new("the response lacks the requested partition"))?;
        let ended =
            EpochEndOffset { error: partition.error_code, epoch: partition.leader_epoch, end: partition.end_offset };
        Ok((ended, codec::throttle(response.throttle_time_ms)))
    }
}
