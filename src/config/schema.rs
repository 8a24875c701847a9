//! A configuration that can be used: whoever holds one need not check it again.
//!
//! Field names are key names: serde reads these types from the settings, and `config print` writes them.

#![expect(missing_docs, reason = "a field is a key: `config/default.toml` has its meaning, unit and range")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use prober_core::ids::{self, Probe, View};
use prober_core::metric::Level;
use prober_core::placement::Mode;
use serde::de::Deserializer;
use serde::{Deserialize, Serialize};

use super::text::{self, DAY, HOUR, MINUTE, Millis, OrEmpty, out_of_range, word};
use super::{Cluster, Lanes, Otlp, Probes, Reference, probing};

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    #[serde(deserialize_with = "text::vantage")]
    pub vantage: String,
    pub http: Http,
    /// By name, at least one.
    #[serde(default)]
    pub clusters: BTreeMap<String, Cluster>,
    pub topics: Topics,
    pub lanes: Lanes,
    #[serde(deserialize_with = "probing::by_name")]
    pub probes: Probes,
    pub observation: Observation,
    pub diagnosis: Diagnosis,
    pub recorder: Recorder,
    pub upkeep: Upkeep,
    /// By name.
    pub objectives: BTreeMap<String, Objective>,
    pub metrics: Metrics,
    pub otlp: Otlp,
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
    #[serde(deserialize_with = "text::listen")]
    pub listen: SocketAddr,
}

/// `[topics]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Topics {
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
    pub enabled: bool,
    #[serde(with = "Millis::<1_000, HOUR>")]
    pub interval: Duration,
    #[serde(with = "Millis::<1_000, DAY>")]
    pub configs_interval: Duration,
    #[serde(deserialize_with = "at_least_1")]
    pub partitions_per_broker: u64,
    #[serde(deserialize_with = "at_least_1")]
    pub partitions_per_cluster: u64,
    #[serde(deserialize_with = "at_least_1")]
    pub internal_partition_bytes: u64,
    #[serde(with = "Millis::<1_000, { 10 * MINUTE }>")]
    pub leader_check_interval: Duration,
}

/// `[diagnosis]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    pub reference: Reference,
}

/// `[recorder]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorder {
    pub enabled: bool,
    #[serde(with = "OrEmpty")]
    pub folder: Option<PathBuf>,
    #[serde(with = "Millis::<1_000, { 10 * MINUTE }>")]
    pub seal_after: Duration,
    #[serde(deserialize_with = "at_least_1")]
    pub files: u64,
    #[serde(deserialize_with = "at_least_1")]
    pub megabytes: u64,
}

/// `[upkeep]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Upkeep {
    #[serde(deserialize_with = "word")]
    pub mode: Mode,
}

/// `[objectives.NAME]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    #[serde(deserialize_with = "word")]
    pub view: View,
    /// It has events in that view.
    #[serde(deserialize_with = "word")]
    pub probe: Probe,
    /// `None` for an availability objective.
    #[serde(serialize_with = "Millis::<1, MINUTE>::serialize", deserialize_with = "threshold")]
    pub threshold: Option<Duration>,
    #[serde(deserialize_with = "share")]
    pub target: f64,
}

/// `[metrics]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    #[serde(deserialize_with = "word")]
    pub level: Level,
}

/// `[log]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Log {
    #[serde(deserialize_with = "text::log_filter")]
    pub level: String,
    #[serde(deserialize_with = "word")]
    pub format: LogFormat,
}

/// How lines of the log look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Auto,
    Text,
    Json,
}

fn at_least_1<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let given = i64::deserialize(deserializer)?;
    let positive = u64::try_from(given).ok().filter(|number| *number != 0);
    positive.ok_or_else(|| out_of_range(given, "1 or more"))
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let given = f64::deserialize(deserializer)?;
    let is_share = 0.0 < given && given < 1.0;
    is_share.then_some(given).ok_or_else(|| out_of_range(given, "a share between 0 and 1, such as 0.999"))
}

fn threshold<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Given(#[serde(with = "Millis::<1, MINUTE>")] Duration);
    Ok(OrEmpty::deserialize(deserializer)?.map(|Given(threshold)| threshold))
}

/// What would do for a key of an objective, which has no default.
pub(crate) fn expected(key: &str) -> &'static str {
    match key {
        "view" => "\"broker\", \"client\", \"coordinator\" or \"cluster\"",
        "probe" => "\"produce\", \"consume\" or another probe",
        "threshold" => "a duration, or \"\" for none",
        _ => "a share between 0 and 1, such as 0.999",
    }
}
