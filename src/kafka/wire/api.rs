//! The table of requests that the prober sends: Kafka's API key of each, and the versions.
//!
//! The lowest versions are those with the flexible encoding (KIP-482), whose lengths the codec can check without knowing the
//! message (see `codec`). Every Kafka since 2.8 and librdkafka's mock cluster offer it. Only Fetch goes lower, because the
//! mock cluster must be limited to v11: it does not survive newer versions while a partition has no leader.

use std::fmt;

use kafka_protocol::messages::ApiKey;

/// A kind of request that the prober sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Api {
    /// The versions that the broker offers; the first request on every connection.
    ApiVersions,
    /// Brokers, topics, leaders.
    Metadata,
    /// Append records.
    Produce,
    /// Read records.
    Fetch,
    /// First and next offset of a log.
    ListOffsets,
    /// Create topics.
    CreateTopics,
    /// End offset of a leader epoch.
    OffsetForLeaderEpoch,
    /// Delete topics.
    DeleteTopics,
    /// Commit a group's offset.
    OffsetCommit,
    /// Read a group's offset.
    OffsetFetch,
    /// Delete groups.
    DeleteGroups,
    /// A producer id for a transactional id.
    InitProducerId,
    /// Begin a transaction in a partition.
    AddPartitionsToTxn,
    /// Commit or abort a transaction.
    EndTxn,
    /// Choose the SASL mechanism.
    SaslHandshake,
    /// One message of the SASL exchange.
    SaslAuthenticate,
    /// Registered brokers.
    DescribeCluster,
    /// The KRaft quorum.
    DescribeQuorum,
    /// Log directories of a broker.
    DescribeLogDirs,
    /// Configs of topics.
    DescribeConfigs,
    /// Partitions that are being moved.
    ListPartitionReassignments,
}

/// A range of versions, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VersionRange {
    /// The oldest version.
    pub min: i16,
    /// The newest version.
    pub max: i16,
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.min, self.max)
    }
}

pub(super) const SPOKEN: [(Api, ApiKey, VersionRange); 21] = [
    (Api::ApiVersions, ApiKey::ApiVersions, range(0, 3)),
    // Topic ids from v10; v13 only adds an error code.
    (Api::Metadata, ApiKey::Metadata, range(9, 12)),
    // v13 identifies topics by id, which Produce does not need.
    (Api::Produce, ApiKey::Produce, range(9, 12)),
    // By name below v13, by id from there.
    (Api::Fetch, ApiKey::Fetch, range(4, 17)),
    (Api::ListOffsets, ApiKey::ListOffsets, range(6, 10)),
    (Api::CreateTopics, ApiKey::CreateTopics, range(5, 7)),
    (Api::OffsetForLeaderEpoch, ApiKey::OffsetForLeaderEpoch, range(4, 4)),
    // Names only up to v5.
    (Api::DeleteTopics, ApiKey::DeleteTopics, range(4, 6)),
    // v10 identifies topics by id.
    (Api::OffsetCommit, ApiKey::OffsetCommit, range(8, 9)),
    (Api::OffsetFetch, ApiKey::OffsetFetch, range(6, 9)),
    (Api::DeleteGroups, ApiKey::DeleteGroups, range(2, 2)),
    // These three, and Produce in a transaction, stay below the versions of KIP-890, in which each end of a transaction
    // gives the producer a new epoch.
    (Api::InitProducerId, ApiKey::InitProducerId, range(2, 4)),
    // v4 is for requests between brokers.
    (Api::AddPartitionsToTxn, ApiKey::AddPartitionsToTxn, range(3, 3)),
    (Api::EndTxn, ApiKey::EndTxn, range(3, 4)),
    // With v0 the exchange has no request headers. There is no flexible version; the response is decoded by hand.
    (Api::SaslHandshake, ApiKey::SaslHandshake, range(1, 1)),
    (Api::SaslAuthenticate, ApiKey::SaslAuthenticate, range(2, 2)),
    // Fenced brokers from v2.
    (Api::DescribeCluster, ApiKey::DescribeCluster, range(0, 2)),
    (Api::DescribeQuorum, ApiKey::DescribeQuorum, range(0, 2)),
    // An error code of the whole response from v3, free space from v4.
    (Api::DescribeLogDirs, ApiKey::DescribeLogDirs, range(3, 4)),
    (Api::DescribeConfigs, ApiKey::DescribeConfigs, range(4, 4)),
    (Api::ListPartitionReassignments, ApiKey::ListPartitionReassignments, range(0, 0)),
];

pub(super) const fn range(min: i16, max: i16) -> VersionRange {
    VersionRange { min, max }
}

impl Api {
    /// The versions that the prober supports.
    pub fn ours(self) -> VersionRange {
        SPOKEN[self as usize].2
    }

    /// The API key.
    pub(super) fn key(self) -> ApiKey {
        SPOKEN[self as usize].1
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_in_the_order_of_the_enum() {
        for (position, (api, _, range)) in SPOKEN.iter().enumerate() {
            assert_eq!(*api as usize, position);
            assert!(range.min <= range.max);
        }
    }
}
