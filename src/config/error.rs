//! Where a value came from, and what can be wrong with a configuration: each case as one sentence.

use std::fmt;
use std::path::PathBuf;

/// The place that set a value, or that holds a mistake. It is shown in the words of the person who set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The embedded `config/default.toml`.
    Default,
    /// A file given by `--config`, as given.
    File(PathBuf),
    /// An environment variable, as spelled.
    Variable(String),
    /// A flag, with its dashes.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => path.display().fmt(f),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// Why there is no [`Config`](super::Config).
///
/// The text is complete by itself: where (file, variable or flag), which key, what is wrong, what would work. It never
/// holds the value of a secret.
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
}

impl ConfigError {
    pub(crate) fn at(origin: &Origin, problem: impl Into<String>) -> Self {
        Self::At { origin: origin.clone(), problem: problem.into() }
    }
}
