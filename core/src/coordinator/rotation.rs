//! Which partition of an internal topic is asked next.

use std::collections::BTreeMap;

use crate::diagnosis::thresholds::cluster;
use crate::ids::Partition;

/// Round-robin over partitions that come and go: the one that was asked longest ago is next. A partition that moves to another
/// broker keeps its place in the order.
///
/// One whose newest attempt failed has every second turn, until it succeeds or has failed often enough to be a finding: a broker may
/// lead 50 partitions, and three rounds over them take minutes. No attempt is added, and in between the others show whether only
/// this partition fails.
#[derive(Clone, Debug, Default)]
pub struct Rotation {
    turn: u64,
    partitions: BTreeMap<Partition, Turns>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Turns {
    /// Its newest turn; the first is 1.
    newest: u64,
    /// Attempts in a row that failed.
    failed: u32,
}

impl Rotation {
    /// The next of `led`, which from now on is the last one asked; `None` if there is none.
    pub fn next(&mut self, led: impl IntoIterator<Item = Partition>) -> Option<Partition> {
        let led: Vec<Partition> = led.into_iter().collect();
        let is_repeating = led.iter().max_by_key(|id| self.newest(**id)).is_some_and(|id| self.is_suspect(*id));
        let suspect = led.iter().copied().filter(|id| !is_repeating && self.is_suspect(*id));
        let suspect = suspect.min_by_key(|id| self.newest(*id));
        let next = suspect.or_else(|| led.iter().copied().min_by_key(|id| (self.newest(*id), *id)))?;
        self.turn += 1;
        self.partitions.entry(next).or_default().newest = self.turn;
        Some(next)
    }

    /// An attempt at a partition has ended.
    pub fn on_end(&mut self, partition: Partition, is_good: bool) {
        if let Some(turns) = self.partitions.get_mut(&partition) {
            turns.failed = if is_good { 0 } else { turns.failed.saturating_add(1) };
        }
    }

    /// Forgets partitions that the topic does not have any more.
    pub fn retain(&mut self, count: i32) {
        self.partitions.retain(|partition, _| partition.0 < count);
    }

    fn newest(&self, partition: Partition) -> u64 {
        self.partitions.get(&partition).map_or(0, |turns| turns.newest)
    }

    fn is_suspect(&self, partition: Partition) -> bool {
        self.partitions
            .get(&partition)
            .is_some_and(|turns| (1..cluster::PARTITION_FAILURES_MIN.get()).contains(&turns.failed))
    }
}
