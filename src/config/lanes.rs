//! `[lanes]`: the two monitor topics.

use std::time::Duration;

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use super::text::{HOUR, Millis, word};

/// `[lanes]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lanes {
    /// Replication factor 1: each partition on one broker and nowhere else.
    pub pinned: Lane,
    /// Replication factor min(3, brokers), through librdkafka.
    pub replicated: ReplicatedLane,
}

/// `[lanes.pinned]`, and the common part of every lane.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    /// Whether it is probed.
    pub enabled: bool,
    /// Between two records to one partition: 10 ms to 1 h.
    #[serde(with = "Millis::<10, HOUR>")]
    pub interval: Duration,
    /// Below the deadline of `consume`, 1 ms to 30 s.
    #[serde(with = "Millis::<1, 30_000>")]
    pub fetch_max_wait: Duration,
    /// Bytes, 96 to 1 MiB.
    #[serde(deserialize_with = "record_size")]
    pub record_size: usize,
}

/// `[lanes.replicated]`. It repeats the fields of [`Lane`]: a flattened struct would lose the key of an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplicatedLane {
    /// As of [`Lane`].
    pub enabled: bool,
    /// As of [`Lane`].
    #[serde(with = "Millis::<10, HOUR>")]
    pub interval: Duration,
    /// As of [`Lane`].
    #[serde(with = "Millis::<1, 30_000>")]
    pub fetch_max_wait: Duration,
    /// As of [`Lane`].
    #[serde(deserialize_with = "record_size")]
    pub record_size: usize,
    /// When a write counts as done.
    #[serde(deserialize_with = "word")]
    pub acks: RequiredAcks,
    /// How records are compressed.
    #[serde(deserialize_with = "word")]
    pub compression: RecordCompression,
}

impl ReplicatedLane {
    /// The part that every lane has.
    #[must_use]
    pub fn lane(&self) -> Lane {
        let Self { enabled, interval, fetch_max_wait, record_size, .. } = *self;
        Lane { enabled, interval, fetch_max_wait, record_size }
    }
}

/// When a write to the replicated lane counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequiredAcks {
    /// All in-sync replicas have it.
    All,
    /// The leader has it.
    Leader,
}

/// The compression of records, Kafka's `compression.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the name of the algorithm")]
pub enum RecordCompression {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

/// Bytes: from what the record's identity needs to Kafka's default limit of a message.
fn record_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let given = i64::deserialize(deserializer)?;
    let size = usize::try_from(given).ok().filter(|size| (96..=1 << 20).contains(size));
    size.ok_or_else(|| D::Error::custom(format!("{given} is out of range; use 96 to 1048576 bytes")))
}
