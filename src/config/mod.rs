//! The configuration: five layers in, one usable [`Config`] out, or one clear sentence.
//!
//! Layers, lowest first; a higher one replaces single keys of a lower one:
//!
//! 1. the embedded `config/default.toml`: every key, and the only place where defaults are;
//! 2. the standard `OTEL_*` variables, mapped to `[otlp]`;
//! 3. the files given by `--config`, in their order;
//! 4. variables named `KAFKA_PROBER__SECTION__KEY`;
//! 5. flags.
//!
//! The `config` crate parses the files. Each layer is checked against the list of keys while its origin is still known, and is set
//! over those below, key by key ([`settings`]). Of the result serde makes plain types: whoever holds a [`Config`] never has to
//! check it again. Nothing here reads the process environment or the clock, so that [`load`] is a function of its [`Sources`] and
//! the files they name.

mod address;
mod check;
mod cluster;
mod error;
mod file;
mod from_file;
mod keys;
mod layers;
mod otel;
mod otlp;
mod print;
mod probing;
mod schema;
mod settings;
mod sources;
mod text;
mod types;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Deserialize;

pub use address::{Address, Reference};
pub use cluster::{Cluster, SaslMechanism, Security, SecurityProtocol};
pub use error::{ConfigError, Origin};
pub use from_file::{Certificates, FromFile, PrivateKey, Secret, SecretFile};
pub use otlp::{Compression, Histograms, Otlp, Protocol, Temporality};
pub use probing::{Lane, Lanes, ProbeSettings, Probes, RecordCompression, RequiredAcks};
pub use schema::{Config, Diagnosis, Http, Log, LogFormat, Metrics, Objective, Observation, Recorder, Topics, Upkeep};
pub use sources::{Flags, Sources, relevant_environment};
pub use text::duration_between;

/// The embedded defaults, as the user may read and copy them.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

/// A configuration and where each of its values came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What is in force.
    pub config: Config,
    /// Key path (`lanes.pinned.interval`) to the layer that set it.
    pub origins: BTreeMap<String, Origin>,
}

/// Reads, merges and checks all layers.
///
/// # Errors
///
/// The first thing that is wrong, lowest layer first, as one sentence that names what,
/// where and which key, and what would work.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    let settings = layers::merge(sources)?;
    let mut config = settings.read()?;
    check::check(&mut config, &settings)?;
    Ok(Loaded { config, origins: settings.into_origins() })
}

/// A configuration to judge a recording by, which need not have a cluster.
///
/// # Errors
///
/// As [`load`].
pub fn load_without_cluster(sources: &Sources) -> Result<Config, ConfigError> {
    let settings = layers::merge(sources)?;
    let mut config = settings.read()?;
    check::check_without_cluster(&mut config, &settings)?;
    Ok(config)
}

/// Where a prober of this configuration listens. Nothing else need be right, so no cluster need be named.
///
/// # Errors
///
/// As [`load`], of the layers and the one key.
pub fn listener(sources: &Sources) -> Result<SocketAddr, ConfigError> {
    #[derive(Deserialize)]
    struct HttpAlone {
        http: Http,
    }
    layers::merge(sources)?.read().map(|HttpAlone { http }| http.listen)
}

impl Loaded {
    /// The configuration in force as TOML, one comment per key with its origin if asked.
    ///
    /// It loads again to the same [`Config`], except that secrets are written as
    /// [`Secret::REDACTED`], which [`load`] refuses: a copy must not authenticate with the
    /// mark instead of the secret.
    #[must_use]
    pub fn to_toml(&self, with_origin: bool) -> String {
        print::toml(&self.config, with_origin.then_some(&self.origins))
    }

    /// One line for `config check`: that it is usable, and what it would watch.
    #[must_use]
    pub fn summary(&self) -> String {
        let names: Vec<_> = self.config.clusters.keys().map(String::as_str).collect();
        let otlp = self.config.otlp.endpoint.as_deref().unwrap_or("off");
        format!(
            "OK: vantage {}, clusters {}, {} objectives, OTLP {otlp}",
            self.config.vantage,
            names.join(", "),
            self.config.objectives.len(),
        )
    }
}
