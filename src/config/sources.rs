//! What the layers are read from. All of it is given, so that loading is pure.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// Everything that [`load`](super::load) may look at.
#[derive(Clone, Default)]
pub struct Sources {
    /// The `--config` files, lowest first.
    pub files: Vec<PathBuf>,
    /// The environment, see [`relevant_environment`].
    pub env: BTreeMap<String, String>,
    /// What the command line says.
    pub flags: Flags,
}

/// Values from the command line, as typed; `None` leaves the lower layers alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--bootstrap-server host:port,…`: the servers of the cluster named by `cluster`.
    pub bootstrap: Option<String>,
    /// `--cluster NAME`: with `bootstrap` the cluster that it defines or overrides
    /// (`default` if absent), alone the one cluster to keep.
    pub cluster: Option<String>,
    /// `--vantage NAME`.
    pub vantage: Option<String>,
    /// `--listen ADDR:PORT`.
    pub listen: Option<String>,
    /// `--log-level FILTER`.
    pub log_level: Option<String>,
    /// `--log-format FORMAT`.
    pub log_format: Option<String>,
}

/// The variables that concern the configuration, out of `std::env::vars_os()`.
///
/// Bytes that are no UTF-8 become replacement characters; the parser then refuses them by
/// the variable's name where text would not do.
#[must_use]
pub fn relevant_environment(vars: impl IntoIterator<Item = (OsString, OsString)>) -> BTreeMap<String, String> {
    vars.into_iter()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
        .filter(|(name, _)| is_ours(name) || name.starts_with("OTEL_"))
        .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
        .collect()
}

/// Start of the name of our own variables, in lower case.
///
/// Two underscores: Kubernetes sets `KAFKA_PROBER_PORT` and the like in every pod beside a
/// Service named `kafka-prober`, and those are none of ours.
pub(crate) const PREFIX: &str = "kafka_prober__";

/// Whether a variable of this name is meant for us.
pub(crate) fn is_ours(name: &str) -> bool {
    name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// The environment may hold secrets, so only its names are shown.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("files", &self.files)
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .field("flags", &self.flags)
            .finish()
    }
}
