//! Which partition of an internal topic coordinates an id, and how to make an id for a given partition.
//!
//! Kafka keeps a consumer group on the leader of one partition of `__consumer_offsets`, and a transactional id on the
//! leader of one of `__transaction_state`; both are chosen by a hash of the id. So each coordinator can be asked by an
//! id that hashes to it, without FindCoordinator, which would create the topic (K16).

mod internal_topic;
mod rotation;

pub use internal_topic::{InternalPartition, InternalTopic};
pub use rotation::Rotation;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::ids::Partition;
use crate::time::Time;

/// Java's `String.hashCode` (`java.lang.String`): over UTF-16 code units, in 32 bits that wrap.
pub fn java_hash(text: &str) -> i32 {
    continued(0, text)
}

/// The hash of a text followed by `more`, given the `hash` of the text.
fn continued(hash: i32, more: &str) -> i32 {
    more.encode_utf16().fold(hash, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// The partition of an internal topic of `count` partitions that coordinates `id`; `None` if it has none.
///
/// Kafka takes the absolute value (`Utils.abs`), where the one that has none, −2³¹, counts as 0. Clearing the sign bit
/// instead, as is often written, is another partition for half of all ids.
pub fn partition_of(id: &str, count: i32) -> Option<Partition> {
    placed(java_hash(id), count)
}

fn placed(hash: i32, count: i32) -> Option<Partition> {
    (0 < count).then(|| Partition(hash.checked_abs().unwrap_or(0) % count))
}

/// 2³² over the golden ratio: its multiples spread over all 32 bits.
const LARGE_STEP: i64 = 0x9e37_79b1;

/// The name under which our ids of one kind begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// The consumer groups of one prober. `namespace` is the configured prefix of topics and the vantage.
    pub fn of_groups(namespace: &str) -> Prefix {
        Prefix(format!("{namespace}-"))
    }

    /// The transactional ids of one prober. `namespace` is the configured prefix of topics and the vantage.
    pub fn of_transactions(namespace: &str) -> Prefix {
        Prefix(format!("{namespace}-txn-"))
    }

    /// What all ids of this kind begin with.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id that `partition` of `count` coordinates: prefix and partition, and where that does not hash to it, a number
    /// behind a dot with which it does. The same arguments give the same id for ever: it stays in the cluster.
    ///
    /// `None` if there is no such partition.
    pub fn id_for(&self, partition: Partition, count: i32) -> Option<String> {
        if !(0..count).contains(&partition.0) {
            return None;
        }
        let plain = format!("{}{}", self.0, partition.0);
        if partition_of(&plain, count) == Some(partition) {
            return Some(plain);
        }
        let dotted = plain + ".";
        let hash = java_hash(&dotted);
        let tries = 16 * (i64::from(count) + 64);
        // Small numbers reach every partition, unless the count is a multiple of 31: then the last digit alone decides, as
        // long as the hash before it changes little. With large steps it changes much.
        let suffix = (0..tries)
            .chain((1..tries).map(|number| number * LARGE_STEP))
            .map(|number| number.to_string())
            .find(|suffix| placed(continued(hash, suffix), count) == Some(partition));
        suffix.map(|suffix| dotted + &suffix)
    }
}

/// How long partitions have been loading (COORDINATOR_LOAD_IN_PROGRESS): after a leader move the coordinator reads the
/// whole partition before it serves, which takes long where a partition has grown.
#[derive(Clone, Debug, Default)]
pub struct Loading {
    since: BTreeMap<Partition, Time>,
}

/// A partition began or ended loading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadingChange {
    /// The first answer that it is loading.
    Began,
    /// The coordinator gave another answer; the time from the first answer that it was loading to this one.
    Ended(Duration),
}

impl Loading {
    /// Takes in an answer of the coordinator of `partition` at `at`: whether it is loading.
    pub fn observe(&mut self, partition: Partition, at: Time, loading: bool) -> Option<LoadingChange> {
        match (self.since.get(&partition).copied(), loading) {
            (None, true) => {
                self.since.insert(partition, at);
                Some(LoadingChange::Began)
            }
            (Some(since), false) => {
                self.since.remove(&partition);
                Some(LoadingChange::Ended(at.since(since)))
            }
            (None, false) | (Some(_), true) => None,
        }
    }

    /// The partitions that are loading, each with the time of its first such answer.
    pub fn now(&self) -> impl Iterator<Item = (Partition, Time)> {
        self.since.iter().map(|(partition, since)| (*partition, *since))
    }
}

#[cfg(test)]
mod tests;
