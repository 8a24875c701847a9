//! Log directories, and the internal topics in them: how large, and how fast they grow.
//!
//! In an incident a broker stopped serving after one partition of `__consumer_offsets` had grown to tens of GB unnoticed. Growth shows
//! it in time.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::BrokerId;
use crate::time::Time;

use super::{NAMED_MAX, PartitionName};

/// One log directory in the answer of a broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogDir {
    /// Whether it answered with an error: it is offline.
    pub failed: bool,
    /// Bytes of its volume, where the broker reports them (KIP-827).
    pub total: Option<u64>,
    /// Bytes of that volume that Kafka may still use.
    pub usable: Option<u64>,
    /// Bytes of the partitions asked for; copies that are being moved between directories are left out.
    pub partitions: Vec<(PartitionName, u64)>,
}

/// Log directories of one broker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BrokerSizes {
    /// Its directories.
    pub directories: u64,
    /// Those that are offline.
    pub failed: u64,
    /// Bytes of their volumes; `None` if one is not reported.
    pub total: Option<u64>,
    /// Bytes of them that Kafka may still use.
    pub usable: Option<u64>,
    /// Internal topics on this broker, by name.
    pub topics: BTreeMap<Arc<str>, TopicSize>,
}

/// An internal topic on one broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TopicSize {
    /// Bytes of all its partitions there.
    pub bytes: u64,
    /// Bytes a second that they have grown by since the previous measurement; see [`growth`].
    pub growth: Option<f64>,
}

/// An internal partition on one broker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LargePartition {
    /// Its name.
    pub name: PartitionName,
    /// The broker that holds it.
    pub broker: BrokerId,
    /// Its bytes there.
    pub bytes: u64,
    /// Bytes a second that it has grown by.
    pub growth: Option<f64>,
}

/// Log directories of all brokers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sizes {
    /// By broker, for those that answered.
    pub brokers: BTreeMap<BrokerId, BrokerSizes>,
    /// The largest [`NAMED_MAX`] internal partitions, largest first.
    pub largest: Vec<LargePartition>,
}

/// Growth between two measurements, in bytes a second. `None` after a decrease, because something was deleted, and for two
/// measurements of the same moment.
pub fn growth(before: (Time, u64), now: (Time, u64)) -> Option<f64> {
    let seconds = now.0.since(before.0).as_secs_f64();
    let grown = now.1.checked_sub(before.1)?;
    (0.0 < seconds).then(|| grown as f64 / seconds)
}

/// The previous measurements, from which growth is computed.
#[derive(Clone, Debug, Default)]
pub struct Measures {
    brokers: BTreeMap<BrokerId, Measure>,
}

#[derive(Clone, Debug)]
struct Measure {
    at: Time,
    /// Bytes by partition.
    bytes: BTreeMap<PartitionName, u64>,
}

impl Measures {
    /// Takes in the answers of one round. A broker that did not answer keeps its measurement, so that its growth later spans the gap;
    /// a broker that is not `known` any more is dropped.
    pub fn take(&mut self, answers: Vec<(BrokerId, Time, Vec<LogDir>)>, known: impl Fn(BrokerId) -> bool) -> Sizes {
        let mut sizes = Sizes::default();
        for (broker, at, directories) in answers {
            let (mut sums, bytes) = add_up(&directories);
            let before = self.brokers.insert(broker, Measure { at, bytes });
            let Some(measure) = self.brokers.get(&broker) else { continue };
            for (name, bytes) in &measure.bytes {
                let old = before.as_ref().and_then(|before| Some((before.at, *before.bytes.get(name)?)));
                let growth = old.and_then(|old| growth(old, (at, *bytes)));
                let topic = sums.topics.entry(Arc::clone(&name.topic)).or_default();
                topic.bytes += bytes;
                // Only growth is summed: cleaning one partition must not hide that another fills the disk.
                topic.growth = topic.growth.map_or(growth, |sum| Some(sum + growth.unwrap_or(0.0)));
                sizes.largest.push(LargePartition { name: name.clone(), broker, bytes: *bytes, growth });
            }
            keep_largest(&mut sizes.largest);
            sizes.brokers.insert(broker, sums);
        }
        self.brokers.retain(|broker, _| known(*broker));
        sizes
    }
}

/// The sums of a broker's directories, and the bytes of each partition over all of them.
fn add_up(directories: &[LogDir]) -> (BrokerSizes, BTreeMap<PartitionName, u64>) {
    let mut bytes: BTreeMap<PartitionName, u64> = BTreeMap::new();
    for (name, size) in directories.iter().flat_map(|directory| &directory.partitions) {
        *bytes.entry(name.clone()).or_default() += size;
    }
    let healthy = || directories.iter().filter(|directory| !directory.failed);
    let sums = BrokerSizes {
        directories: directories.len() as u64,
        failed: directories.iter().filter(|directory| directory.failed).count() as u64,
        total: sum(healthy().map(|directory| directory.total)),
        usable: sum(healthy().map(|directory| directory.usable)),
        topics: BTreeMap::new(),
    };
    (sums, bytes)
}

/// The sum, if every one is known and there is one.
fn sum(numbers: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    numbers.reduce(|sum, number| Some(sum?.saturating_add(number?))).flatten()
}

fn keep_largest(partitions: &mut Vec<LargePartition>) {
    partitions.sort_by(|one, other| (other.bytes, &one.name, one.broker).cmp(&(one.bytes, &other.name, other.broker)));
    partitions.truncate(NAMED_MAX);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Partition;

    fn name(topic: &str, partition: i32) -> PartitionName {
        PartitionName { topic: Arc::from(topic), partition: Partition(partition) }
    }

    fn directory(sizes: &[(i32, u64)]) -> LogDir {
        let partitions = sizes.iter().map(|(partition, bytes)| (name("__consumer_offsets", *partition), *bytes));
        LogDir { failed: false, total: Some(1000), usable: Some(400), partitions: partitions.collect() }
    }

    fn take(measures: &mut Measures, seconds: u64, directories: Vec<LogDir>) -> Sizes {
        measures.take(vec![(BrokerId(1), Time::from_millis(1000 * seconds), directories)], |_| true)
    }

    fn topic(sizes: &Sizes) -> TopicSize {
        sizes.brokers[&BrokerId(1)].topics["__consumer_offsets"]
    }

    #[test]
    fn growth_is_bytes_a_second_between_two_measurements() {
        let mut measures = Measures::default();
        let first = take(&mut measures, 0, vec![directory(&[(0, 100), (1, 10)])]);
        assert_eq!(topic(&first), TopicSize { bytes: 110, growth: None });
        let second = take(&mut measures, 60, vec![directory(&[(0, 700), (1, 10)])]);
        assert_eq!(topic(&second), TopicSize { bytes: 710, growth: Some(10.0) });
        assert_eq!(
            (second.largest[0].name.to_string(), second.largest[0].growth),
            ("__consumer_offsets-0".into(), Some(10.0))
        );
    }

    #[test]
    fn cleaned_partition_does_not_hide_one_that_grows() {
        let mut measures = Measures::default();
        take(&mut measures, 0, vec![directory(&[(0, 5000), (1, 0)])]);
        let sizes = take(&mut measures, 10, vec![directory(&[(0, 10), (1, 100)])]);
        assert_eq!(topic(&sizes).growth, Some(10.0));
        assert_eq!(
            sizes.largest.iter().find(|large| large.name.partition == Partition(0)).expect("there").growth,
            None
        );
    }

    #[test]
    fn partition_that_was_moved_here_is_not_growth() {
        let mut measures = Measures::default();
        take(&mut measures, 0, vec![directory(&[(0, 100)])]);
        let sizes = take(&mut measures, 10, vec![directory(&[(0, 100), (1, 9000)])]);
        assert_eq!(topic(&sizes), TopicSize { bytes: 9100, growth: Some(0.0) });
    }

    #[test]
    fn growth_spans_the_time_in_which_a_broker_did_not_answer() {
        let mut measures = Measures::default();
        take(&mut measures, 0, vec![directory(&[(0, 100)])]);
        assert_eq!(measures.take(Vec::new(), |_| true), Sizes::default());
        assert_eq!(topic(&take(&mut measures, 100, vec![directory(&[(0, 300)])])).growth, Some(2.0));
        measures.take(Vec::new(), |_| false);
        assert_eq!(topic(&take(&mut measures, 200, vec![directory(&[(0, 900)])])).growth, None, "it was forgotten");
    }

    #[test]
    fn space_is_known_only_if_every_healthy_directory_reports_it() {
        let silent = LogDir { total: None, usable: None, ..directory(&[]) };
        let failed = LogDir { failed: true, total: None, usable: None, partitions: Vec::new() };
        let of = |directories| {
            let sums = take(&mut Measures::default(), 0, directories).brokers[&BrokerId(1)].clone();
            (sums.directories, sums.failed, sums.total, sums.usable)
        };
        assert_eq!(of(vec![directory(&[]), directory(&[])]), (2, 0, Some(2000), Some(800)));
        assert_eq!(of(vec![directory(&[]), failed]), (2, 1, Some(1000), Some(400)));
        assert_eq!(of(vec![directory(&[]), silent]), (2, 0, None, None));
    }
}
