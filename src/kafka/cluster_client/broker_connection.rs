//! The broker verbs over one connection: plain requests to wire requests, wire responses to plain ones.

use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::{BrokerId, Partition};
use prober_core::kafka_error::KafkaError;
use prober_core::staleness::MetadataDigest;
use prober_probes::clock::Clock;
use prober_probes::port::requests::{
    CommitOffset, CommittedOffset, CreateTopic, Fetch, FetchOffset, Fetched, FetchedRecord, InitializedProducer,
    Isolation, ListOffset, ListedOffset, LogEnd, ProduceInTransaction, Produced, Producer, Refusal, TopicResult,
    Transaction,
};
use prober_probes::port::{BrokerConnection, RequestError, Responding, Response};

use crate::kafka::session::fault;
use crate::kafka::wire::{self, Connection, Request, Unreadable, WireError};

/// A connection over the wire.
pub(super) struct WireConnection {
    pub(super) clock: Clock,
    pub(super) connection: Arc<Connection>,
}

impl WireConnection {
    /// Sends a request when first polled, and converts its response.
    fn call<R, T>(&self, request: R, convert: impl FnOnce(R::Response) -> T + Send + 'static) -> Responding<'_, T>
    where
        R: Request,
        T: Send,
    {
        Box::pin(async move {
            let call = self.connection.call(request).map_err(|error| match error {
                WireError::UnsupportedVersion { .. } => RequestError::Unsupported,
                error => RequestError::NotSent(fault::of(&error)),
            })?;
            let sent = self.clock.at(call.sent());
            let reply = call.await.map_err(|error| RequestError::NoResponse(fault::of(&error)))?;
            Ok(Response { body: convert(reply.body), sent, at: self.clock.at(reply.at) })
        })
    }
}

impl BrokerConnection for WireConnection {
    fn fetch(&self, request: Fetch) -> Responding<'_, Fetched> {
        let Fetch { topic, topic_id, partition, offset, max_wait, max_bytes, isolation } = request;
        let fetch = wire::Fetch { topic, topic_id, partition: partition.0, offset, max_wait, max_bytes };
        match isolation {
            Isolation::ReadUncommitted => self.call(fetch, |body| fetched(body, -1)),
            Isolation::ReadCommitted => {
                self.call(wire::FetchCommitted(fetch), |body| fetched(body.fetched, body.last_stable))
            }
        }
    }

    fn list_offset(&self, request: ListOffset) -> Responding<'_, ListedOffset> {
        let ListOffset { topic, partition, end, timeout } = request;
        let at = match end {
            LogEnd::Earliest => wire::OffsetAt::Earliest,
            LogEnd::Latest => wire::OffsetAt::Latest,
        };
        let request = wire::ListOffset { topic, partition: partition.0, at, timeout };
        self.call(request, |body| ListedOffset { error: KafkaError::of(body.error), offset: body.offset })
    }

    fn metadata_digest(&self, topics: Vec<Arc<str>>) -> Responding<'_, MetadataDigest> {
        self.call(wire::MetadataSummary(wire::Metadata { topics }), digest)
    }

    fn knows_topic(&self, topic: Arc<str>) -> Responding<'_, bool> {
        self.call(wire::Metadata { topics: vec![topic] }, |body| {
            body.topics.iter().any(|topic| topic.error == 0 && !topic.partitions.is_empty())
        })
    }

    fn commit_offset(&self, request: CommitOffset) -> Responding<'_, Refusal> {
        let CommitOffset { group, topic, partition, offset, metadata } = request;
        let request = wire::OffsetCommit { group, topic, partition: partition.0, offset, metadata };
        self.call(request, |body| KafkaError::of(body.error))
    }

    fn fetch_offset(&self, request: FetchOffset) -> Responding<'_, CommittedOffset> {
        let FetchOffset { group, topic, partition } = request;
        self.call(wire::OffsetFetch { group, topic, partition: partition.0 }, |body| CommittedOffset {
            error: KafkaError::of(body.error),
            offset: body.offset,
            metadata: body.metadata,
        })
    }

    fn init_producer_id(
        &self,
        transactional_id: Arc<str>,
        transaction_timeout: Duration,
    ) -> Responding<'_, InitializedProducer> {
        self.call(wire::InitProducerId { transactional_id, transaction_timeout }, |body| {
            let producer = Producer { id: body.producer.id, epoch: body.producer.epoch };
            InitializedProducer { error: KafkaError::of(body.error), producer }
        })
    }

    fn add_partition_to_transaction(
        &self,
        transaction: Transaction,
        topic: Arc<str>,
        partition: Partition,
    ) -> Responding<'_, Refusal> {
        let producer = wire_producer(transaction.producer);
        let transactional_id = transaction.transactional_id;
        let request = wire::AddPartitionToTxn { transactional_id, producer, topic, partition: partition.0 };
        self.call(request, |body| KafkaError::of(body.error))
    }

    fn produce_in_transaction(&self, request: ProduceInTransaction) -> Responding<'_, Produced> {
        let ProduceInTransaction { transaction, sequence, topic, partition, value, timestamp_ms, timeout } = request;
        let producer = wire_producer(transaction.producer);
        let transactional_id = transaction.transactional_id;
        let request = wire::Produce {
            topic,
            partition: partition.0,
            value,
            timestamp_ms,
            acks: wire::Acks::All,
            timeout,
            transaction: Some(wire::InTransaction { transactional_id, producer, sequence }),
        };
        self.call(request, |body| Produced { error: KafkaError::of(body.error), offset: body.base_offset })
    }

    fn end_transaction(&self, transaction: Transaction, commit: bool) -> Responding<'_, Refusal> {
        let producer = wire_producer(transaction.producer);
        let transactional_id = transaction.transactional_id;
        self.call(wire::EndTxn { transactional_id, producer, commit }, |body| KafkaError::of(body.error))
    }

    fn create_topic(&self, request: CreateTopic) -> Responding<'_, TopicResult> {
        let CreateTopic { topic, replicas, configs, timeout, validate_only } = request;
        let ids = |replicas: Vec<BrokerId>| replicas.into_iter().map(|broker| broker.0).collect();
        let replicas = replicas.into_iter().map(ids).collect();
        self.call(wire::CreateTopic { topic, replicas, configs, timeout, validate_only }, |body| TopicResult {
            error: KafkaError::of(body.error),
            message: body.message,
        })
    }

    fn delete_topic(&self, topic: Arc<str>, timeout: Duration) -> Responding<'_, TopicResult> {
        self.call(wire::DeleteTopic { topic, timeout }, |body| TopicResult {
            error: KafkaError::of(body.error),
            message: body.message,
        })
    }
}

fn fetched(body: wire::Fetched, last_stable: i64) -> Fetched {
    let records = body.records.into_iter().map(|record| match record {
        wire::FetchedRecord::Read { offset, value, .. } => FetchedRecord::Read { offset, value },
        wire::FetchedRecord::Unreadable { why: Unreadable::Damaged, .. } => FetchedRecord::Damaged,
        wire::FetchedRecord::Unreadable { .. } => FetchedRecord::Unreadable,
    });
    Fetched { error: KafkaError::of(body.error), last_stable, records: records.collect() }
}

/// Partitions of topics without an id are left out: a recreated topic could not be distinguished from one whose leader
/// epoch went back.
fn digest(body: wire::SummarizedMetadata) -> MetadataDigest {
    let epochs = body.epochs.into_iter().map(|(topic, partition, epoch)| ((topic, Partition(partition)), epoch));
    MetadataDigest { brokers: body.brokers.into_iter().map(BrokerId).collect(), epochs: epochs.collect() }
}

fn wire_producer(producer: Producer) -> wire::Producer {
    wire::Producer { id: producer.id, epoch: producer.epoch }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(error: i16, why: Unreadable) -> wire::Fetched {
        let records = vec![wire::FetchedRecord::Unreadable { first: 9, last: 9, why }];
        wire::Fetched { error, high_watermark: 10, log_start: 0, next_offset: 10, records }
    }

    #[test]
    fn damaged_and_compressed_batches_are_distinguished() {
        assert_eq!(fetched(body(0, Unreadable::Damaged), -1).records, [FetchedRecord::Damaged]);
        assert_eq!(fetched(body(0, Unreadable::Compressed), -1).records, [FetchedRecord::Unreadable]);
    }

    #[test]
    fn error_code_becomes_a_kafka_error() {
        assert_eq!(fetched(body(6, Unreadable::Compressed), -1).error, Some(KafkaError::NOT_LEADER_OR_FOLLOWER));
        assert_eq!(fetched(body(0, Unreadable::Compressed), 12).last_stable, 12);
    }
}
