//! What can be wrong with a configuration: each case is one sentence.

use std::path::PathBuf;

use super::Origin;

/// Why there is no [`Config`](super::Config).
///
/// The text is complete by itself: where (file, variable or flag), which key, what is
/// wrong, what would work. It never holds the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A `--config` file cannot be opened or is no text.
    #[error("{}: cannot read this config file ({reason}); give --config a readable .toml, .yaml or .yml file", path.display())]
    Unreadable {
        /// The file, as given.
        path: PathBuf,
        /// What the operating system says.
        reason: String,
    },

    /// The file's name does not tell its format.
    #[error("{}: unknown kind of config file; its name must end in .toml, .yaml or .yml", path.display())]
    UnknownExtension {
        /// The file, as given.
        path: PathBuf,
    },

    /// The file is no valid TOML or YAML.
    #[error("{}: broken {format}{}: {reason}", path.display(), line.map(|line| format!(" at line {line}")).unwrap_or_default())]
    Syntax {
        /// The file, as given.
        path: PathBuf,
        /// `TOML` or `YAML`.
        format: &'static str,
        /// The line, counted from 1, where the parser knows it.
        line: Option<usize>,
        /// What the parser says, without the line's text: that may hold a secret.
        reason: String,
    },

    /// A key that does not exist.
    #[error("{origin}: unknown key {key}; the nearest known one is {nearest}")]
    UnknownKey {
        /// The file that has it.
        origin: Origin,
        /// Its path.
        key: String,
        /// The path of the known key or section that is spelled most like it.
        nearest: String,
    },

    /// A variable with our prefix that maps to no key.
    #[error("{variable}: unknown variable; the nearest known one is {nearest}")]
    UnknownVariable {
        /// The variable, as spelled.
        variable: String,
        /// The variable of the known key that is spelled most like it.
        nearest: String,
    },

    /// Names of variables are case-insensitive, and two of them are the same one.
    #[error("{variable}: this key is also set by {other}; keep one of the two")]
    VariableTwice {
        /// One of the two, as spelled.
        variable: String,
        /// The other one.
        other: String,
    },

    /// A cluster or an objective with a name that metrics and variables cannot carry.
    #[error("{origin}: {key}: a name is made of a-z, 0-9 and _ only, up to 64 characters")]
    Name {
        /// Where it is.
        origin: Origin,
        /// The path that ends in the name.
        key: String,
    },

    /// A value of another type than its key has.
    #[error("{origin}: {key}: must be {expected}, not {found}")]
    WrongType {
        /// Where it is.
        origin: Origin,
        /// The key's path.
        key: String,
        /// What would work, with an example.
        expected: &'static str,
        /// The type that was found.
        found: &'static str,
    },

    /// A value of the right type that cannot be used.
    #[error("{origin}: {key}: {problem}")]
    Value {
        /// Where it was set.
        origin: Origin,
        /// The key's path.
        key: String,
        /// What is wrong with it and what would work.
        problem: String,
    },

    /// A named table that lacks one of its keys.
    #[error("{}{key}: not set; give {expected}", origin.as_ref().map(|origin| format!("{origin}: ")).unwrap_or_default())]
    Missing {
        /// A place that sets something else in the same table.
        origin: Option<Origin>,
        /// The key's path.
        key: String,
        /// What would work.
        expected: &'static str,
    },

    /// A cluster without a single server.
    #[error("{}clusters.{name}.bootstrap: no server to start from; give --bootstrap-server host:port --cluster {name}, or list at least one \"host:port\"", origin.as_ref().map(|origin| format!("{origin}: ")).unwrap_or_default())]
    EmptyBootstrap {
        /// The place that sets it, or something else of this cluster.
        origin: Option<Origin>,
        /// The cluster.
        name: String,
    },

    /// There is nothing to watch.
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
