//! The raw Kafka wire: one connection to one broker, one request at a time from us to it.
//!
//! The broker view must be exact, so it goes past librdkafka: nothing here retries, reconnects,
//! batches or waits on its own. A caller dials ([`dial()`]), or opens a [`Connection`] over any
//! stream, and [calls](Connection::call) it with the plain requests below; every answer carries
//! the [`Instant`](tokio::time::Instant) at which its last byte was in. Kafka's own error codes
//! stay numbers in the answers; what went wrong *around* an answer is a [`WireError`].
//!
//! No type of the codec library leaves this module.
//!
//! Reading order: [`connection`], then `pipeline` (what happens between a call and its answer),
//! `frame` and `codec` below it, and one file for each request.

mod call;
mod codec;
pub mod connection;
pub mod create_topics;
pub mod delete_topics;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_log_dirs;
pub mod describe_quorum;
pub mod dial;
mod driver;
pub mod epoch_end;
pub mod error;
pub mod fetch;
mod frame;
mod handshake;
pub mod list_offsets;
pub mod list_reassignments;
pub mod metadata;
mod pipeline;
mod plain;
pub mod produce;
mod records;
pub mod versions;

#[cfg(test)]
mod tests;

pub use call::{Call, Reply};
pub use codec::Request;
pub use connection::Connection;
pub use create_topics::{CreateTopic, CreatedTopic};
pub use delete_topics::{DeleteTopic, DeletedTopic};
pub use describe_cluster::{DescribeCluster, DescribedCluster, RegisteredBroker};
pub use describe_configs::{DescribeTopicConfig, DescribedTopicConfig};
pub use describe_log_dirs::{DescribeLogDirs, DescribedLogDir, DescribedLogDirs};
pub use describe_quorum::{DescribeQuorum, DescribedQuorum};
pub use dial::{Dialed, Phases, dial};
pub use epoch_end::{EpochEnd, EpochEnded};
pub use error::{LocalFault, Phase, WireError};
pub use fetch::{Fetch, Fetched, MAX_BYTES};
pub use frame::MAX_FRAME;
pub use list_offsets::{ListOffset, ListedOffset, OffsetAt};
pub use list_reassignments::{ListReassignments, ListedReassignments};
pub use metadata::{BrokerInfo, ClusterMetadata, Metadata, MetadataOfAll, PartitionInfo, TopicInfo};
pub use pipeline::{MAX_OUTSTANDING, MAX_UNSENT};
pub use produce::{Acks, Produce, Produced};
pub use records::{FetchedRecord, Unreadable};
pub use versions::{Api, VersionRange};
