//! AddPartitionsToTxn (KIP-98), in the form for clients: begins a transaction and names the partition that the coordinator
//! writes the commit or abort marker to.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use kafka_protocol::{
    messages::{
        AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, ProducerId, TopicName, TransactionalId,
        add_partitions_to_txn_request::AddPartitionsToTxnTopic,
    },
    protocol::StrBytes,
};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
    init_producer_id::Producer,
};

/// Adds one partition to the transaction of a producer, and so begins it.
#[derive(Debug, Clone)]
pub struct AddPartitionToTxn {
    /// The transactional id.
    pub transactional_id: Arc<str>,
    /// Its producer.
    pub producer: Producer,
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number.
    pub partition: i32,
}

/// The response to AddPartitionsToTxn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedPartition {
    /// Kafka's error code, 0 if none.
    pub error: i16,
}

impl Request for AddPartitionToTxn {
    type Response = AddedPartition;

    const API: Api = Api::AddPartitionsToTxn;

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        let topic = AddPartitionsToTxnTopic::default()
            .with_name(TopicName(StrBytes::from_string(self.topic.to_string())))
            .with_partitions(vec![self.partition]);
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(TransactionalId(StrBytes::from_string(
                self.transactional_id.to_string(),
            )))
            .with_v3_and_below_producer_id(ProducerId(self.producer.id))
            .with_v3_and_below_producer_epoch(self.producer.epoch)
            .with_v3_and_below_topics(vec![topic]);
        codec::write(&request, version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(AddedPartition, Duration), CodecError> {
        let response: AddPartitionsToTxnResponse = body.decode(version)?;
        let partition = response
            .results_by_topic_v3_and_below
            .into_iter()
            .flat_map(|topic| topic.results_by_partition)
            .find(|partition| partition.partition_index == self.partition)
            .ok_or_else(|| CodecError::new("the response lacks the requested partition"))?;
        let added = AddedPartition { error: partition.partition_error_code };
        Ok((added, codec::throttle(response.throttle_time_ms)))
    }
}
