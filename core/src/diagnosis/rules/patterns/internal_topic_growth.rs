//! `internal_topic_growing`: an internal partition is large and keeps growing. Kafka compacts these topics, so that a partition stays at
//! some hundred megabytes with any number of groups. In an incident, one that was not cleaned grew to tens of gigabytes, until its
//! broker could map no more memory and stopped serving.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diagnosis::thresholds::patterns;
use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};
use crate::ids::BrokerId;
use crate::observed::parts::Part;
use crate::observed::sizes::LargePartition;
use crate::observed::{Observed, PartitionName};
use crate::time::Time;

use super::{is_fresh, length};

/// The replicas of the largest internal partitions, followed while they are large and do not shrink.
#[derive(Clone, Debug, Default)]
pub struct Growth {
    replicas: BTreeMap<(PartitionName, BrokerId), Replica>,
    measured: Option<Time>,
}

#[derive(Clone, Copy, Debug)]
struct Replica {
    /// When it became large, or was last cleaned, and its bytes at that time.
    since: Time,
    from: u64,
    bytes: u64,
    /// Measurements since then.
    measurements: u32,
    /// How many of the newest showed no growth.
    unchanged: u32,
}

impl Replica {
    fn begin(at: Time, bytes: u64) -> Replica {
        Replica { since: at, from: bytes, bytes, measurements: 0, unchanged: 0 }
    }

    /// With one more measurement; it starts over if it was cleaned, or has stopped growing.
    fn measured(self, at: Time, bytes: u64) -> Replica {
        let measurements = self.measurements.saturating_add(1);
        match bytes.cmp(&self.bytes) {
            Ordering::Greater => Replica { bytes, measurements, unchanged: 0, ..self },
            Ordering::Equal if self.unchanged + 1 < patterns::GROWTH_MEASUREMENTS_MIN.get() => {
                Replica { measurements, unchanged: self.unchanged + 1, ..self }
            }
            Ordering::Equal | Ordering::Less => Replica::begin(at, bytes),
        }
    }

    fn is_growing(&self, at: Time) -> bool {
        patterns::GROWTH_MEASUREMENTS_MIN.get() <= self.measurements
            && patterns::GROWS_FOR_MIN.get() <= at.since(self.since)
    }
}

impl Growth {
    /// Takes in a new measurement, if there is one. Only replicas that it names are kept.
    pub(super) fn follow(&mut self, observed: &Observed, now: Time) {
        let seen = observed.parts.get(&Part::LogDirs).and_then(|status| status.last_answer);
        let (Some(sizes), Some(at)) = (observed.sizes.as_ref(), seen) else {
            self.replicas.clear();
            return;
        };
        if !is_fresh(observed, Part::LogDirs, now) {
            self.replicas.clear();
        } else if self.measured != Some(at) {
            self.measured = Some(at);
            let mut before = std::mem::take(&mut self.replicas);
            let is_large = |large: &&LargePartition| observed.limits.internal_partition_bytes <= large.bytes;
            let large = sizes.largest.iter().filter(is_large);
            self.replicas = large
                .map(|LargePartition { name, broker, bytes, .. }| {
                    let key = (name.clone(), *broker);
                    let replica = before.remove(&key).map(|replica| replica.measured(at, *bytes));
                    (key, replica.unwrap_or_else(|| Replica::begin(at, *bytes)))
                })
                .collect();
        }
    }

    /// The finding about the largest growing partition. If several grow on one broker only, that broker is named, because the others
    /// clean theirs.
    pub(super) fn find(&self, observed: &Observed, now: Time) -> Option<Finding> {
        let growing: Vec<_> = self.replicas.iter().filter(|(_, replica)| replica.is_growing(now)).collect();
        let ((largest, _), replica) = growing.iter().max_by_key(|(_, replica)| replica.bytes)?;
        let names: BTreeSet<&PartitionName> = growing.iter().map(|((name, _), _)| name).collect();
        let holders: BTreeSet<BrokerId> = growing.iter().map(|((_, broker), _)| *broker).collect();
        let broker = holders.first().copied().filter(|_| holders.len() == 1 && 1 < names.len());
        let what = match broker {
            Some(broker) => format!("only on broker {broker}, so its log cleaner has stopped"),
            None => "it is not cleaned, or a client commits far too often".to_owned(),
        };
        Some(Finding {
            kind: FindingKind::InternalTopicGrowing,
            cluster: observed.cluster.clone(),
            broker,
            blame: Blame::Cluster,
            since: growing.iter().map(|(_, replica)| replica.since).min()?,
            confidence: Confidence::Likely,
            summary: format!("{largest} has {} and keeps growing: {what}", bytes(replica.bytes)).into(),
            evidence: growing.iter().map(|((name, broker), replica)| evidence(name, *broker, replica, now)).collect(),
            runner_up: None,
            members: Vec::new(),
            consequences: Vec::new(),
            recurrence: None,
        })
    }
}

fn evidence(name: &PartitionName, broker: BrokerId, replica: &Replica, now: Time) -> Arc<str> {
    let (grown, within) = (bytes(replica.bytes - replica.from), length(now.since(replica.since)));
    format!("{name} on broker {broker}: {}, {grown} more than {within} ago", bytes(replica.bytes)).into()
}

/// As in `1.4 GiB`.
fn bytes(count: u64) -> String {
    let count = count as f64;
    let units = [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = units.into_iter().find(|(size, _)| *size as f64 <= count);
    unit.map_or_else(|| format!("{count:.0} bytes"), |(size, name)| format!("{:.1} {name}", count / size as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_over_ten_measurements_is_growing_only_if_they_take_a_minute() {
        let is_growing = |every: u64| {
            let at = |measurement: u64| Time::from_millis(1000 * every * measurement);
            let grown = (1..=10).fold(Replica::begin(at(0), 0), |replica, one| replica.measured(at(one), one));
            grown.is_growing(at(10))
        };
        assert_eq!([4, 7].map(is_growing), [false, true]);
    }
}
