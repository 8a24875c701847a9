//! `[lanes]` and `[probes]`: what is probed, how often, and within which limits.
//!
//! All lanes have one type, and all probes. A key that one of them does not have in `config/default.toml` is `None`.

#![expect(missing_docs, reason = "a field is a key: `config/default.toml` has its meaning, unit and range")]

use std::collections::BTreeMap;
use std::time::Duration;

use prober_core::event::Limits;
use prober_core::ids::Probe;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use super::text::{DAY, HOUR, MINUTE, Millis, optional_word, out_of_range};

/// `[lanes]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lanes {
    pub pinned: Lane,
    pub replicated: Lane,
}

/// `[lanes.pinned]` or `[lanes.replicated]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    pub enabled: bool,
    #[serde(with = "Millis::<10, HOUR>")]
    pub interval: Duration,
    #[serde(with = "Millis::<1, 30_000>")]
    pub fetch_max_wait: Duration,
    #[serde(deserialize_with = "record_size")]
    pub record_size: usize,
    /// Of the replicated lane.
    #[serde(default, deserialize_with = "optional_word", skip_serializing_if = "Option::is_none")]
    pub acks: Option<RequiredAcks>,
    /// Of the replicated lane.
    #[serde(default, deserialize_with = "optional_word", skip_serializing_if = "Option::is_none")]
    pub compression: Option<RecordCompression>,
}

/// Kafka's `acks`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequiredAcks {
    All,
    Leader,
}

/// Kafka's `compression.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordCompression {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

/// `[probes]`: every probe of the table in `core/src/probe.rs`.
pub type Probes = BTreeMap<Probe, ProbeSettings>;

/// `[probes.NAME]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ProbeSettings {
    /// Of a direct probe; the others run with their lane.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Of a direct probe; the others have the interval of their lane.
    #[serde(default, with = "Millis::<10, HOUR>", skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
    /// For each broker that an attempt asks; `check.rs` bounds their sum.
    #[serde(with = "Millis::<1, { u64::MAX }>")]
    pub deadline: Duration,
    #[serde(with = "Millis::<1, MINUTE>")]
    pub threshold: Duration,
    /// Of `controller`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<bool>,
    /// Of `controller`.
    #[serde(default, with = "Millis::<10_000, DAY>", skip_serializing_if = "Option::is_none")]
    pub canary_interval: Option<Duration>,
}

impl ProbeSettings {
    /// Deadline and threshold.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { deadline: self.deadline, threshold: self.threshold }
    }
}

/// By their names, because an enum as a key would be missing in the path of an error.
pub(crate) fn by_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Probes, D::Error> {
    let known = |(name, settings): (String, _)| match Probe::parse(&name) {
        Some(probe) => Ok((probe, settings)),
        None => Err(D::Error::custom(format!("there is no probe {name}"))),
    };
    BTreeMap::deserialize(deserializer)?.into_iter().map(known).collect()
}

/// From what the record's identity needs to Kafka's default limit of a message.
fn record_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let given = i64::deserialize(deserializer)?;
    let size = usize::try_from(given).ok().filter(|size| (96..=1 << 20).contains(size));
    size.ok_or_else(|| out_of_range(given, "96 to 1048576 bytes"))
}
