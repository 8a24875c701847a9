//! A configuration that can be used. `config/default.toml` says what each key means to the user; here is what the program
//! may rely on.
//!
//! Field names are key names: serde reads these types from the merged layers, and `config print` writes them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use prober_core::ids::{self, Probe, View};
use prober_core::metric::Level;
use prober_core::placement::Mode;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use super::text::{self, DAY, HOUR, MINUTE, Millis, MillisOrEmpty, word};
use super::{Cluster, Lanes, Otlp, Probes, Reference};

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// The place where this prober runs: 1 to 128 printable characters.
    #[serde(deserialize_with = "text::vantage")]
    pub vantage: String,
    /// The listener.
    pub http: Http,
    /// Clusters by name (`[A-Za-z0-9._-]+`), at least one.
    pub clusters: BTreeMap<String, Cluster>,
    /// What this prober's topics, groups and transactional ids are called.
    pub topics: Topics,
    /// The monitor topics.
    pub lanes: Lanes,
    /// Schedules and limits of the probes.
    pub probes: Probes,
    /// What is read beside the probes.
    pub observation: Observation,
    /// What the diagnosis may use besides.
    pub diagnosis: Diagnosis,
    /// What may be changed in Kafka.
    pub upkeep: Upkeep,
    /// Objectives by name (`[a-z0-9_]+`).
    pub objectives: BTreeMap<String, Objective>,
    /// How many metrics there are.
    pub metrics: Metrics,
    /// The export over OTLP.
    pub otlp: Otlp,
    /// The prober's own log.
    pub log: Log,
}

impl Config {
    /// What this prober's consumer groups and transactional ids begin with: `topics.prefix` and the vantage.
    #[must_use]
    pub fn namespace(&self) -> String {
        format!("{}{}", self.topics.prefix, self.vantage)
    }
}

/// `[http]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Http {
    /// Port 0 means any free port.
    #[serde(deserialize_with = "text::listen")]
    pub listen: SocketAddr,
}

/// `[topics]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Topics {
    /// What every name in Kafka begins with: characters of a topic name, short enough for every topic of ours.
    #[serde(deserialize_with = "text::topic_prefix")]
    pub prefix: String,
}

impl Topics {
    /// The topic of a lane, such as `__kafka-prober-pinned`.
    #[must_use]
    pub fn of_lane(&self, lane: ids::Lane) -> String {
        format!("{}{}", self.prefix, lane.as_str())
    }

    /// The topic that the controller probe validates or creates.
    #[must_use]
    pub fn canary(&self) -> String {
        format!("{}canary", self.prefix)
    }
}

/// `[observation]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Whether the clusters are observed at all.
    pub enabled: bool,
    /// 1 s to 1 h.
    #[serde(with = "Millis::<1_000, HOUR>")]
    pub interval: Duration,
    /// 1 s to 1 day.
    #[serde(with = "Millis::<1_000, DAY>")]
    pub configs_interval: Duration,
    /// At least 1.
    #[serde(deserialize_with = "at_least_1")]
    pub partitions_per_broker: u64,
    /// At least 1.
    #[serde(deserialize_with = "at_least_1")]
    pub partitions_per_cluster: u64,
}

/// `[diagnosis]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// A machine to call, to see whether the way out of here is open.
    pub reference: Reference,
}

/// `[upkeep]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Upkeep {
    /// How far it goes.
    #[serde(deserialize_with = "word")]
    pub mode: Mode,
}

/// `[objectives.NAME]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// The view whose events it counts.
    #[serde(deserialize_with = "word")]
    pub view: View,
    /// The probe whose events it counts; it has events in that view.
    #[serde(deserialize_with = "word")]
    pub probe: Probe,
    /// The latency that a good event may have, or `None` for an availability objective.
    #[serde(with = "MillisOrEmpty::<1, MINUTE>")]
    pub threshold: Option<Duration>,
    /// The share of events that must be good, strictly between 0 and 1.
    #[serde(deserialize_with = "share")]
    pub target: f64,
}

/// `[metrics]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Which metrics both exporters have.
    #[serde(deserialize_with = "word")]
    pub level: Level,
}

/// `[log]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Log {
    /// A valid `tracing` filter.
    #[serde(deserialize_with = "text::log_filter")]
    pub level: String,
    /// How lines look.
    #[serde(deserialize_with = "word")]
    pub format: LogFormat,
}

/// How lines of the log look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Text,
    /// For machines.
    Json,
}

fn at_least_1<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let given = i64::deserialize(deserializer)?;
    let positive = u64::try_from(given).ok().filter(|number| *number != 0);
    positive.ok_or_else(|| D::Error::custom(format!("{given} is out of range; use 1 or more")))
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let given = f64::deserialize(deserializer)?;
    let problem = || format!("{given} is out of range; use a share between 0 and 1, such as 0.999");
    if 0.0 < given && given < 1.0 { Ok(given) } else { Err(D::Error::custom(problem())) }
}
