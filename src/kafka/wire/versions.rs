//! The one table of requests that we speak, in which versions, and what two sides agree on.
//!
//! The lower ends are chosen for the flexible encoding (KIP-482), whose lengths the codec can
//! check without knowing the message (see `codec`). Every Kafka since 2.8 and librdkafka's mock
//! cluster offers it. Fetch alone goes further down, since the mock has to be pinned below v12
//! where a partition has no leader.

use std::fmt;

use kafka_protocol::messages::ApiKey;
use prober_core::observed::versions::Fingerprint;

use super::error::WireError;

/// A kind of request that we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Api {
    /// What the broker offers; the first request on every connection.
    ApiVersions,
    /// Brokers, topics, leaders.
    Metadata,
    /// Append records.
    Produce,
    /// Read records.
    Fetch,
    /// Where a log begins and ends.
    ListOffsets,
    /// Create topics.
    CreateTopics,
    /// Where a leader epoch ended.
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
    /// Which SASL mechanism.
    SaslHandshake,
    /// One message of the SASL exchange.
    SaslAuthenticate,
    /// Who is registered.
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

/// Both ends included.
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

const SPOKEN: [(Api, ApiKey, VersionRange); 21] = [
    (Api::ApiVersions, ApiKey::ApiVersions, range(0, 3)),
    // Topic ids from v10; v13 only adds an error code.
    (Api::Metadata, ApiKey::Metadata, range(9, 12)),
    // v13 names topics by id, which a produce has no need of.
    (Api::Produce, ApiKey::Produce, range(9, 12)),
    // By name below v13, by id from there.
    (Api::Fetch, ApiKey::Fetch, range(4, 17)),
    (Api::ListOffsets, ApiKey::ListOffsets, range(6, 10)),
    (Api::CreateTopics, ApiKey::CreateTopics, range(5, 7)),
    (Api::OffsetForLeaderEpoch, ApiKey::OffsetForLeaderEpoch, range(4, 4)),
    // By name only up to v5.
    (Api::DeleteTopics, ApiKey::DeleteTopics, range(4, 6)),
    // v10 names topics by id.
    (Api::OffsetCommit, ApiKey::OffsetCommit, range(8, 9)),
    (Api::OffsetFetch, ApiKey::OffsetFetch, range(6, 9)),
    (Api::DeleteGroups, ApiKey::DeleteGroups, range(2, 2)),
    // Below the versions of KIP-890 in all three, and in a transactional Produce: there each end of a transaction
    // gives the producer a new epoch.
    (Api::InitProducerId, ApiKey::InitProducerId, range(2, 4)),
    // v4 is for brokers among themselves.
    (Api::AddPartitionsToTxn, ApiKey::AddPartitionsToTxn, range(3, 3)),
    (Api::EndTxn, ApiKey::EndTxn, range(3, 4)),
    // v0 means that the exchange goes without headers. There is no flexible version; the answer is read by hand.
    (Api::SaslHandshake, ApiKey::SaslHandshake, range(1, 1)),
    (Api::SaslAuthenticate, ApiKey::SaslAuthenticate, range(2, 2)),
    // Fenced brokers from v2.
    (Api::DescribeCluster, ApiKey::DescribeCluster, range(0, 2)),
    (Api::DescribeQuorum, ApiKey::DescribeQuorum, range(0, 2)),
    // An error of the whole answer from v3, free space from v4.
    (Api::DescribeLogDirs, ApiKey::DescribeLogDirs, range(3, 4)),
    (Api::DescribeConfigs, ApiKey::DescribeConfigs, range(4, 4)),
    (Api::ListPartitionReassignments, ApiKey::ListPartitionReassignments, range(0, 0)),
];

const fn range(min: i16, max: i16) -> VersionRange {
    VersionRange { min, max }
}

impl Api {
    /// The versions that we speak.
    pub fn ours(self) -> VersionRange {
        SPOKEN[self as usize].2
    }

    /// The number of this request on the wire.
    pub(super) fn key(self) -> ApiKey {
        SPOKEN[self as usize].1
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What one broker offers of what we speak.
#[derive(Debug, Clone, Default)]
pub(super) struct Versions {
    broker: [Option<VersionRange>; SPOKEN.len()],
    fingerprint: Option<Fingerprint>,
}

impl Versions {
    /// From the broker's list of (request number, versions); unknown numbers are ignored.
    pub(super) fn offered(list: impl IntoIterator<Item = (i16, VersionRange)>) -> Self {
        let list: Vec<_> = list.into_iter().collect();
        let fingerprint = Fingerprint::of(list.iter().map(|(number, offered)| (*number, offered.min, offered.max)));
        let mut versions = Self { fingerprint: Some(fingerprint), ..Self::default() };
        for (number, offered) in list {
            if let Some((api, _, _)) = SPOKEN.iter().find(|(_, key, _)| *key as i16 == number) {
                versions.broker[*api as usize] = Some(offered);
            }
        }
        versions
    }

    /// Everything that the broker offered, what we do not speak included, as one number.
    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint
    }

    /// The highest version that both sides speak and that is not above `ceiling`, which a
    /// request sets when it lacks what newer versions demand.
    pub(super) fn agree(&self, api: Api, ceiling: i16) -> Result<i16, WireError> {
        let spoken = api.ours();
        let ours = range(spoken.min, spoken.max.min(ceiling));
        let broker = self.broker[api as usize];
        broker
            .map(|offered| (ours.min.max(offered.min), ours.max.min(offered.max)))
            .filter(|(lowest, highest)| lowest <= highest)
            .map(|(_, highest)| highest)
            .ok_or(WireError::UnsupportedVersion { api, ours, broker })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (position, (api, _, range)) in SPOKEN.iter().enumerate() {
            assert_eq!(*api as usize, position);
            assert!(range.min <= range.max);
        }
    }

    #[test]
    fn the_highest_version_of_both_sides_wins() {
        let versions = Versions::offered([(0, range(0, 11)), (1, range(4, 18))]);
        assert_eq!(versions.agree(Api::Produce, i16::MAX), Ok(11));
        assert_eq!(versions.agree(Api::Fetch, i16::MAX), Ok(17));
        assert_eq!(versions.agree(Api::Fetch, 12), Ok(12));
    }

    #[test]
    fn librdkafkas_mock_cluster_is_understood() {
        let versions = Versions::offered([
            (0, range(0, 10)),
            (1, range(0, 16)),
            (2, range(0, 7)),
            (3, range(0, 12)),
            (18, range(0, 2)),
        ]);
        assert_eq!(versions.agree(Api::Produce, i16::MAX), Ok(10));
        assert_eq!(versions.agree(Api::Fetch, i16::MAX), Ok(16));
        assert_eq!(versions.agree(Api::ListOffsets, i16::MAX), Ok(7));
        assert_eq!(versions.agree(Api::Metadata, i16::MAX), Ok(12));
        assert_eq!(versions.agree(Api::ApiVersions, i16::MAX), Ok(2));
        let pinned = Versions::offered([(0, range(0, 9)), (1, range(0, 11))]);
        assert_eq!(pinned.agree(Api::Produce, i16::MAX), Ok(9));
        assert_eq!(pinned.agree(Api::Fetch, i16::MAX), Ok(11));
    }

    #[test]
    fn no_common_version_names_both_ranges() {
        let versions = Versions::offered([(0, range(0, 8))]);
        assert_eq!(
            versions.agree(Api::Produce, i16::MAX),
            Err(WireError::UnsupportedVersion { api: Api::Produce, ours: range(9, 12), broker: Some(range(0, 8)) })
        );
        assert_eq!(
            versions.agree(Api::CreateTopics, i16::MAX),
            Err(WireError::UnsupportedVersion { api: Api::CreateTopics, ours: range(5, 7), broker: None })
        );
    }
}
