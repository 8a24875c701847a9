//! Produce: writes one record to one partition, alone or in a transaction. acks=0, which has no response, is not offered.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        ProduceRequest, ProduceResponse, TopicName, TransactionalId,
        produce_request::{PartitionProduceData, TopicProduceData},
    },
    protocol::StrBytes,
    records::{
        Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record,
        RecordBatchEncoder, RecordEncodeOptions, TimestampType,
    },
};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
    init_producer_id::Producer,
};

/// The last version in which the partition must be added to the transaction first (KIP-890).
const LAST_ADDED_FIRST: i16 = 11;

/// Which replicas must have the record before the broker responds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Acks {
    /// The leader (acks=1).
    Leader,
    /// All in-sync replicas (acks=all).
    All,
}

/// The transaction that a record belongs to.
#[derive(Debug, Clone)]
pub struct InTransaction {
    /// The transactional id.
    pub transactional_id: Arc<str>,
    /// Its producer.
    pub producer: Producer,
    /// The record's number among the records of this producer and epoch in this partition, from 0.
    pub sequence: i32,
}

/// Appends one record without key, headers and compression. Outside a transaction it is not idempotent.
#[derive(Debug, Clone)]
pub struct Produce {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number.
    pub partition: i32,
    /// The record's value.
    pub value: Bytes,
    /// The record's timestamp in milliseconds since 1970; the broker replaces it if the topic has `LogAppendTime`.
    pub timestamp_ms: i64,
    /// Which replicas must have the record before the broker responds.
    pub acks: Acks,
    /// How long the broker may wait for replicas, in whole milliseconds.
    pub timeout: Duration,
    /// The transaction that the record belongs to, if any; Kafka then requires [`Acks::All`].
    pub transaction: Option<InTransaction>,
}

/// The response to Produce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Produced {
    /// Kafka's error code, 0 if none.
    pub error: i16,
    /// The broker's error message, if it sent one.
    pub message: Option<String>,
    /// The record's offset; −1 with an error.
    pub base_offset: i64,
}

impl Produce {
    fn batch(&self) -> Result<Bytes, CodecError> {
        let (producer_id, producer_epoch, sequence) = match &self.transaction {
            None => (NO_PRODUCER_ID, NO_PRODUCER_EPOCH, NO_SEQUENCE),
            Some(InTransaction { producer, sequence, .. }) => (producer.id, producer.epoch, *sequence),
        };
        let record = Record {
            transactional: self.transaction.is_some(),
            control: false,
            delete_horizon: false,
            partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
            producer_id,
            producer_epoch,
            timestamp_type: TimestampType::Creation,
            offset: 0,
            sequence,
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
    type Response = Produced;

    const API: Api = Api::Produce;

    fn newest(&self) -> i16 {
        if self.transaction.is_some() { LAST_ADDED_FIRST } else { i16::MAX }
    }

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        let partition = PartitionProduceData::default().with_index(self.partition).with_records(Some(self.batch()?));
        let topic = TopicProduceData::default()
            .with_name(TopicName(StrBytes::from_string(self.topic.to_string())))
            .with_partition_data(vec![partition]);
        let transactional_id = self
            .transaction
            .as_ref()
            .map(|transaction| TransactionalId(StrBytes::from_string(transaction.transactional_id.to_string())));
        let request = ProduceRequest::default()
            .with_transactional_id(transactional_id)
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
            .ok_or_else(|| CodecError::new("the response lacks the requested partition"))?;
        let produced = Produced {
            error: partition.error_code,
            message: partition.error_message.map(|message| message.to_string()),
            base_offset: partition.base_offset,
        };
        Ok((produced, codec::throttle(response.throttle_time_ms)))
    }
}
