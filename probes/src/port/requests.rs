//! Requests and responses of the broker verbs, as plain data.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prober_core::ids::{BrokerId, Partition};
use prober_core::kafka_error::KafkaError;

/// Kafka's error, the only content of some responses; `None`: success.
pub type Refusal = Option<KafkaError>;

/// A topic's id (KIP-516).
pub type TopicId = [u8; 16];

/// Which records a fetch returns (`isolation.level`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// All that are readable.
    ReadUncommitted,
    /// Nothing at or above the last stable offset, no record of an aborted transaction.
    ReadCommitted,
}

/// Reads one partition from one offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// The topic.
    pub topic: Arc<str>,
    /// Its id, if known.
    pub topic_id: Option<TopicId>,
    /// The partition.
    pub partition: Partition,
    /// The first offset wanted.
    pub offset: i64,
    /// How long the broker may wait for a first byte.
    pub max_wait: Duration,
    /// The most wanted, in bytes; one whole batch comes all the same.
    pub max_bytes: i32,
    /// Which records.
    pub isolation: Isolation,
}

/// Response to [`Fetch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Kafka's error.
    pub error: Refusal,
    /// The last stable offset: all transactions below it are decided. −1 without [`Isolation::ReadCommitted`].
    pub last_stable: i64,
    /// The records at and above the offset, in the order of the log.
    pub records: Vec<FetchedRecord>,
}

/// A record in a fetch response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchedRecord {
    /// A record that could be read.
    Read {
        /// Its offset.
        offset: i64,
        /// Its value.
        value: Bytes,
    },
    /// Its bytes are damaged: a checksum or a length is wrong.
    Damaged,
    /// It is in a form that we do not read, such as a compressed batch.
    Unreadable,
}

/// One end of a partition's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogEnd {
    /// The first offset that can be read.
    Earliest,
    /// The offset after the last one that can be read: the high watermark.
    Latest,
}

/// Asks for one end of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOffset {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: Partition,
    /// Which end.
    pub end: LogEnd,
    /// How long the broker may take (from Kafka 4.0, for tiered storage).
    pub timeout: Duration,
}

/// Response to [`ListOffset`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedOffset {
    /// Kafka's error.
    pub error: Refusal,
    /// The offset.
    pub offset: i64,
}

/// Commits one offset for a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitOffset {
    /// The group.
    pub group: Arc<str>,
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: Partition,
    /// The next offset that the group would read.
    pub offset: i64,
    /// The text that is stored with the offset (`metadata` in Kafka's protocol).
    pub metadata: Arc<str>,
}

/// Asks for a group's committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchOffset {
    /// The group.
    pub group: Arc<str>,
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: Partition,
}

/// Response to [`FetchOffset`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    /// Kafka's error.
    pub error: Refusal,
    /// The offset; −1 if there is none.
    pub offset: i64,
    /// The text that was committed with it; empty if there is none.
    pub metadata: String,
}

/// The producer id and epoch of a transactional id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Producer {
    /// The producer id.
    pub id: i64,
    /// The epoch.
    pub epoch: i16,
}

/// Response to InitProducerId.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitializedProducer {
    /// Kafka's error.
    pub error: Refusal,
    /// The producer; −1 and −1 with an error.
    pub producer: Producer,
}

/// The transaction of a producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The transactional id.
    pub transactional_id: Arc<str>,
    /// Its producer.
    pub producer: Producer,
}

/// Writes one record in a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProduceInTransaction {
    /// The transaction.
    pub transaction: Transaction,
    /// The record's number among those of this producer and epoch in this partition, from 0.
    pub sequence: i32,
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: Partition,
    /// The record's value.
    pub value: Bytes,
    /// The record's timestamp, in milliseconds since 1970.
    pub timestamp_ms: i64,
    /// How long the broker may wait for replicas.
    pub timeout: Duration,
}

/// Response to [`ProduceInTransaction`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Produced {
    /// Kafka's error.
    pub error: Refusal,
    /// The record's offset.
    pub offset: i64,
}

/// Creates one topic, or only validates that it could be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTopic {
    /// The topic.
    pub topic: Arc<str>,
    /// The replicas of each partition, the preferred leader first.
    pub replicas: Vec<Vec<BrokerId>>,
    /// Topic configs, as name and value.
    pub configs: Vec<(String, String)>,
    /// How long the controller may take.
    pub timeout: Duration,
    /// Whether to validate only.
    pub validate_only: bool,
}

/// Response to CreateTopics and DeleteTopics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicResult {
    /// Kafka's error.
    pub error: Refusal,
    /// The broker's own sentence on the error, if any.
    pub message: Option<String>,
}
