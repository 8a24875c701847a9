//! An internal partition that is large and goes on growing. Kafka compacts these topics, so that each partition stays at some
//! hundred megabytes however many groups there are; one that is not cleaned grew to tens of gigabytes once, until its broker
//! could map no more memory and stopped serving.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::fault::Blame;
use crate::finding::{Finding, FindingKind};
use crate::ids::BrokerId;
use crate::observed::parts::Part;
use crate::observed::sizes::LargePartition;
use crate::observed::{Observed, PartitionName};
use crate::time::Time;

use super::{is_fresh, length};

/// From so many bytes on a partition is large: ten segments of an internal topic's default size, where a cleaned one keeps a
/// few.
pub const LARGE: u64 = 1 << 30;

/// It has grown without a cleaning for so long. And not grown for as long, it has stopped.
pub const GROWS_FOR: Duration = Duration::from_secs(600);

/// The copies of the largest internal partitions, followed for as long as they are large and do not shrink.
#[derive(Clone, Debug, Default)]
pub struct Growth {
    copies: BTreeMap<(PartitionName, BrokerId), Copy>,
    measured: Option<Time>,
}

#[derive(Clone, Copy, Debug)]
struct Copy {
    /// Large, and not cleaned, since then, when it had so many bytes.
    since: Time,
    from: u64,
    bytes: u64,
    /// When it was last seen to have grown.
    grew: Time,
}

impl Copy {
    fn begin(at: Time, bytes: u64) -> Copy {
        Copy { since: at, from: bytes, bytes, grew: at }
    }

    fn is_growing(&self, at: Time) -> bool {
        GROWS_FOR <= at.since(self.since) && at.since(self.grew) < GROWS_FOR
    }
}

impl Growth {
    /// Takes in a new measure, if there is one. No more copies are kept than it names.
    pub(super) fn follow(&mut self, observed: &Observed, now: Time) {
        let seen = observed.parts.get(&Part::LogDirs).and_then(|status| status.last_answer);
        let (Some(sizes), Some(at)) = (observed.sizes.as_ref(), seen) else {
            self.copies.clear();
            return;
        };
        if !is_fresh(observed, Part::LogDirs, now) {
            self.copies.clear();
        } else if self.measured != Some(at) {
            self.measured = Some(at);
            let mut before = std::mem::take(&mut self.copies);
            let large = sizes.largest.iter().filter(|large| LARGE <= large.bytes);
            self.copies = large
                .map(|LargePartition { name, broker, bytes, .. }| {
                    let key = (name.clone(), *broker);
                    let copy = match before.remove(&key) {
                        Some(copy) if copy.bytes < *bytes => Copy { bytes: *bytes, grew: at, ..copy },
                        Some(copy) if copy.bytes == *bytes && at.since(copy.grew) < GROWS_FOR => copy,
                        // New, cleaned, or at rest: what it does from now on counts.
                        _ => Copy::begin(at, *bytes),
                    };
                    (key, copy)
                })
                .collect();
        }
    }

    /// The finding about the largest of those that grow. Several that grow on one broker only are that broker's: the others
    /// clean theirs.
    pub(super) fn find(&self, observed: &Observed, now: Time) -> Option<Finding> {
        let growing: Vec<_> = self.copies.iter().filter(|(_, copy)| copy.is_growing(now)).collect();
        let ((largest, _), copy) = growing.iter().max_by_key(|(_, copy)| copy.bytes)?;
        let names: BTreeSet<&PartitionName> = growing.iter().map(|((name, _), _)| name).collect();
        let holders: BTreeSet<BrokerId> = growing.iter().map(|((_, broker), _)| *broker).collect();
        let broker = holders.first().copied().filter(|_| holders.len() == 1 && 1 < names.len());
        let what = match broker {
            Some(broker) => format!("on broker {broker} alone: its log cleaner has stopped"),
            None => "nothing cleans it, or a client commits far too often".to_owned(),
        };
        Some(Finding {
            kind: FindingKind::InternalTopicGrowing,
            cluster: observed.cluster.clone(),
            broker,
            blame: Blame::Cluster,
            since: growing.iter().map(|(_, copy)| copy.since).min()?,
            confidence: if broker.is_some() { 0.8 } else { 0.9 },
            summary: format!("{largest} has {} and goes on growing, {what}", bytes(copy.bytes)).into(),
            evidence: growing.iter().map(|((name, broker), copy)| said(name, *broker, copy, now)).collect(),
            runner_up: None,
            ruled_out: Vec::new(),
        })
    }
}

fn said(name: &PartitionName, broker: BrokerId, copy: &Copy, now: Time) -> Arc<str> {
    let (grown, within) = (bytes(copy.bytes - copy.from), length(now.since(copy.since)));
    format!("{name} on broker {broker}: {}, grown by {grown} within {within}", bytes(copy.bytes)).into()
}

/// As in `1.4 GiB`.
fn bytes(count: u64) -> String {
    let count = count as f64;
    let units = [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = units.into_iter().find(|(size, _)| *size as f64 <= count);
    unit.map_or_else(|| format!("{count:.0} bytes"), |(size, name)| format!("{:.1} {name}", count / size as f64))
}
