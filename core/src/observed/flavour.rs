//! Which implementation of Kafka's protocol a cluster runs, as far as it says so. No response has a field for it: KIP-511
//! names only the client's software.

use serde::{Deserialize, Serialize};

/// The feature that brokers in KRaft mode finalize in their ApiVersions responses (KIP-584, KIP-778).
pub const METADATA_VERSION: &str = "metadata.version";

/// What Redpanda's cluster ids begin with, "so that callers can identify which Kafka implementation they're talking to"
/// (`src/v/kafka/server/handlers/metadata.cc` of Redpanda).
const REDPANDA_PREFIX: &str = "redpanda.";

/// An implementation of Kafka's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flavour {
    /// Apache Kafka in KRaft mode, or a distribution of its code.
    Kafka,
    /// Redpanda.
    Redpanda,
}

impl Flavour {
    /// From the id of a cluster, and whether one of its brokers finalizes [`METADATA_VERSION`]. `None` where neither says
    /// it, as before KRaft.
    pub fn of(cluster_id: Option<&str>, finalizes_metadata_version: bool) -> Option<Flavour> {
        if cluster_id.is_some_and(|id| id.starts_with(REDPANDA_PREFIX)) {
            return Some(Flavour::Redpanda);
        }
        finalizes_metadata_version.then_some(Flavour::Kafka)
    }

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Flavour::Kafka => "kafka",
            Flavour::Redpanda => "redpanda",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redpanda_is_known_by_its_cluster_id() {
        let id = "redpanda.8dc17b5d-a2a5-4a5a-8f7e-2f3d9b1f4d5e";
        assert_eq!(Flavour::of(Some(id), false), Some(Flavour::Redpanda));
        assert_eq!(Flavour::of(Some("redpanda.initializing"), false), Some(Flavour::Redpanda));
    }

    #[test]
    fn kafka_in_kraft_mode_is_known_by_its_metadata_version() {
        assert_eq!(Flavour::of(Some("MkU3OEVBNTcwNTJENDM2Qk"), true), Some(Flavour::Kafka));
        assert_eq!(Flavour::of(None, true), Some(Flavour::Kafka));
    }

    #[test]
    fn cluster_that_says_neither_has_no_flavour() {
        assert_eq!(Flavour::of(Some("MkU3OEVBNTcwNTJENDM2Qk"), false), None);
        assert_eq!(Flavour::of(None, false), None);
    }
}
