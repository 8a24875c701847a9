//! Produce: one record to one partition. Always with an answer: acks=0 is not offered.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        ProduceRequest, ProduceResponse, TopicName,
        produce_request::{PartitionProduceData, TopicProduceData},
    },
    protocol::StrBytes,
    records::{
        Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record,
        RecordBatchEncoder, RecordEncodeOptions, TimestampType,
    },
};

use super::{
    codec::{self, Body, CodecError, Request},
    versions::Api,
};

/// Who must have the record before the broker answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Acks {
    /// The leader (acks=1).
    Leader,
    /// Every replica in sync (acks=all).
    All,
}

/// Appends one record without key and headers, neither idempotent nor compressed.
#[derive(Debug, Clone)]
pub struct Produce {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number.
    pub partition: i32,
    /// The record's value.
    pub value: Bytes,
    /// The record's wall time in milliseconds since 1970; the broker replaces it where the topic
    /// says LogAppendTime.
    pub timestamp_ms: i64,
    /// When the broker shall answer.
    pub acks: Acks,
    /// How long the broker may wait for replicas, in whole milliseconds.
    pub timeout: Duration,
}

/// What became of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Produced {
    /// Kafka's error code, 0 if none.
    pub error: i16,
    /// The broker's own words on the error, if it has any.
    pub message: Option<String>,
    /// The record's offset; −1 with an error.
    pub base_offset: i64,
}

impl Produce {
    fn batch(&self) -> Result<Bytes, CodecError> {
        let record = Record {
            transactional: false,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
            producer_id: NO_PRODUCER_ID,
            producer_epoch: NO_PRODUCER_EPOCH,
            timestamp_type: TimestampType::Creation,
            offset: 0,
            sequence: NO_SEQUENCE,
            timestamp: self.timestamp_ms,
            key: None,
            value: Some(self.value.clone()),
            headers: Default::default(),
        };
        let options = RecordEncodeOptions { version: 2, compression: Compression::None };
        let mut batch = BytesMut::new();
        RecordBatchEncoder::encode(&mut batch, [&record], &options).map_err(CodecError::new)?;
        Ok(batch.freeze())
    }
}

impl Request for Produce {
    type Answer = Produced;

    const API: Api = Api::Produce;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        let partition = PartitionProduceData::default().with_index(self.partition).with_records(Some(self.batch()?));
        let topic = TopicProduceData::default()
            .with_name(TopicName(StrBytes::from_string(self.topic.to_string())))
            .with_partition_data(vec![partition]);
        let request = ProduceRequest::default()
            .with_acks(match self.acks {
                Acks::Leader => 1,
                Acks::All => -1,
            })
            .with_timeout_ms(codec::millis(self.timeout))
            .with_topic_data(vec![topic]);
        codec::write(&request, version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(Produced, Duration), CodecError> {
        let response: ProduceResponse = body.decode(version)?;
        let partition = response
            .responses
            .into_iter()
            .flat_map(|topic| topic.partition_responses)
            .find(|partition| partition.index == self.partition)
            .ok_or_else(|| CodecError::new("no answer for our partition"))?;
        let produced = Produced {
            error: partition.error_code,
            message: partition.error_message.map(|message| message.to_string()),
            base_offset: partition.base_offset,
        };
        Ok((produced, codec::throttle(response.throttle_time_ms)))
    }
}
