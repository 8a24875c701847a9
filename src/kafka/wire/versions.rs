//! Agrees on the version of each request: the versions that a broker offers, and those that the prober supports.

use prober_core::observed::versions::Fingerprint;

use super::api::{Api, SPOKEN, VersionRange, range};
use super::error::WireError;

/// The versions that one broker offers, of the requests that the prober sends.
#[derive(Debug, Clone, Default)]
pub(super) struct Versions {
    broker: [Option<VersionRange>; SPOKEN.len()],
    fingerprint: Option<Fingerprint>,
    finalizes_metadata_version: bool,
}

impl Versions {
    /// From the broker's list of (API key, versions); unknown keys are ignored.
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

    /// With whether the broker finalizes the feature `metadata.version`.
    pub(super) fn finalizing_metadata_version(self, finalizes_metadata_version: bool) -> Self {
        Self { finalizes_metadata_version, ..self }
    }

    /// Whether the broker finalizes the feature `metadata.version`.
    pub(super) fn finalizes_metadata_version(&self) -> bool {
        self.finalizes_metadata_version
    }

    /// A hash of everything that the broker offered, including requests that the prober does not send.
    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint
    }

    /// The newest version that both sides support and that is not above `ceiling`, which a request sets if it cannot be
    /// expressed in newer versions.
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
    fn newest_version_of_both_sides_is_used() {
        let versions = Versions::offered([(0, range(0, 11)), (1, range(4, 18))]);
        assert_eq!(versions.agree(Api::Produce, i16::MAX), Ok(11));
        assert_eq!(versions.agree(Api::Fetch, i16::MAX), Ok(17));
        assert_eq!(versions.agree(Api::Fetch, 12), Ok(12));
    }

    #[test]
    fn versions_of_librdkafkas_mock_cluster_are_agreed() {
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
