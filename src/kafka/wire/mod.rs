//! The Kafka protocol over TCP: one connection to one broker, and one file for each kind of request.
//!
//! The broker view must be exact, so it does not use librdkafka: nothing here retries, reconnects, batches or waits on its
//! own. A caller dials ([`dial()`]), or opens a [`Connection`] over any stream, and [sends](Connection::call) it the request
//! types below. Each response carries the [`Instant`](tokio::time::Instant) at which its last byte arrived. Kafka's error
//! codes stay numbers in the responses; a request without a usable response fails with a [`WireError`].
//!
//! No type of the codec library (`kafka_protocol`) leaves this module.
//!
//! TLS and SASL are phases of dialling (`tls`, `sasl`); their settings are in [`security`](super::security).
//!
//! Reading order: [`connection`] and `establish`, then `pipeline` (from a request to its response), `frame` and `codec`
//! below it, and one file for each request.
#![expect(
    clippy::disallowed_methods,
    reason = "stamps frames as they are sent and arrive, and limits how long a dial takes; Clock::at turns the stamps into ours"
)]

pub mod add_partitions_to_txn;
pub mod api;
mod call;
mod codec;
pub mod connection;
pub mod create_topics;
pub mod delete_groups;
pub mod delete_topics;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_log_dirs;
pub mod describe_quorum;
pub mod dial;
mod driver;
pub mod end_txn;
pub mod error;
mod establish;
pub mod fetch;
mod frame;
mod handshake;
pub mod init_producer_id;
pub mod list_offsets;
pub mod list_partition_reassignments;
pub mod metadata;
mod non_flexible;
pub mod offset_commit;
pub mod offset_fetch;
pub mod offset_for_leader_epoch;
mod pipeline;
pub mod produce;
mod records;
mod sasl;
mod sasl_authenticate;
mod sasl_handshake;
mod scram;
mod stream_error;
mod tcp_state;
mod tls;
mod versions;

#[cfg(test)]
mod tests;

pub use add_partitions_to_txn::{AddPartitionToTxn, AddedPartition};
pub use api::{Api, VersionRange};
pub use call::{Call, Reply};
pub use codec::Request;
pub use connection::Connection;
pub use create_topics::{CreateTopic, CreatedTopic};
pub use delete_groups::{DeleteGroups, DeletedGroup};
pub use delete_topics::{DeleteTopic, DeletedTopic};
pub use describe_cluster::{DescribeCluster, DescribedCluster, RegisteredBroker};
pub use describe_configs::{DescribeTopicConfig, DescribedTopicConfig, MIN_INSYNC_REPLICAS};
pub use describe_log_dirs::{DescribeLogDirs, DescribedLogDir, DescribedLogDirs};
pub use describe_quorum::{DescribeQuorum, DescribedQuorum};
pub use dial::{Dialed, Phases, dial};
pub use end_txn::{EndTxn, EndedTxn};
pub use error::{LocalFault, Phase, WireError};
pub use fetch::{Fetch, FetchCommitted, Fetched, FetchedCommitted, MAX_BYTES};
pub use frame::MAX_FRAME;
pub use init_producer_id::{InitProducerId, InitializedProducer, Producer};
pub use list_offsets::{ListOffset, ListedOffset, OffsetAt};
pub use list_partition_reassignments::{ListPartitionReassignments, ListedPartitionReassignments};
pub use metadata::{
    BrokerInfo, ClusterMetadata, Metadata, MetadataOfAll, MetadataSummary, PartitionInfo, SummarizedMetadata, TopicInfo,
};
pub use offset_commit::{OffsetCommit, OffsetCommitted};
pub use offset_fetch::{OffsetFetch, OffsetFetched};
pub use offset_for_leader_epoch::{EpochEndOffset, OffsetForLeaderEpoch};
pub use pipeline::{MAX_OUTSTANDING, MAX_UNSENT};
pub use produce::{Acks, InTransaction, Produce, Produced};
pub use records::{FetchedRecord, Unreadable};
