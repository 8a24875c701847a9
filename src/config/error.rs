//! What can be wrong with a configuration, each case as one sentence.

use super::Origin;

/// Why there is no [`Config`](super::Config).
///
/// The text is complete by itself: where (file, variable or flag), which key, what is
/// wrong, what would work. It never holds the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A file, variable or flag that cannot be used.
    #[error("{origin}: {problem}")]
    At {
        /// The place.
        origin: Origin,
        /// Which key, what is wrong with it and what would work.
        problem: String,
    },

    /// There is no cluster to probe.
    #[error(
        "no cluster is configured; give --bootstrap-server host:port, or set clusters.NAME.bootstrap in a --config file"
    )]
    NoCluster,

    /// `--cluster` selects a cluster that no layer has.
    #[error(
        "--cluster: there is no cluster {name:?}; known are {known}; to define a new one, give --bootstrap-server host:port too"
    )]
    NoSuchCluster {
        /// The name, as given.
        name: String,
        /// The names that exist.
        known: String,
    },
}

impl ConfigError {
    pub(crate) fn at(origin: &Origin, problem: impl Into<String>) -> Self {
        Self::At { origin: origin.clone(), problem: problem.into() }
    }
}
