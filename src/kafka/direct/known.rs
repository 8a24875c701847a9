//! Where the pinned partitions end, as the lane's readers know it: what is committed as an offset, and where a
//! transaction may write. Nothing is known of a topic that was not shown to be ours.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prober_core::ids::Partition;
use prober_probes::port::{LaneInput, Layout};

use crate::kafka::Report;

/// The newest known ends. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Known {
    ends: Arc<Mutex<BTreeMap<Partition, i64>>>,
}

impl Known {
    /// Takes in what the pinned lane reports.
    pub fn hear(&self, report: &Report) {
        match report {
            // A reader stands only in a topic that is ours.
            Report::Lane(LaneInput::Position { partition, offset, .. }) => {
                self.lock().insert(*partition, *offset);
            }
            Report::Lane(LaneInput::Passed { partition, next, .. }) => {
                self.lock().insert(*partition, *next);
            }
            Report::Lane(LaneInput::Recreated { .. }) => self.lock().clear(),
            Report::Lane(LaneInput::Layout { layout: Layout::Refused | Layout::Missing { .. }, .. }) => {
                self.lock().clear();
            }
            _ => {}
        }
    }

    /// The offset after the last record of a pinned partition, as far as it was read.
    pub fn end_of(&self, partition: Partition) -> Option<i64> {
        self.lock().get(&partition).copied()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Partition, i64>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use prober_core::time::Time;

    use super::*;

    #[test]
    fn end_follows_the_reader_and_is_forgotten_with_the_topic() {
        let (known, partition, at) = (Known::default(), Partition(1), Time::ORIGIN);
        assert_eq!(known.end_of(partition), None);
        known.hear(&Report::Lane(LaneInput::Position { partition, at, offset: 7, reset: false }));
        known.hear(&Report::Lane(LaneInput::Passed { partition, at, next: 9 }));
        assert_eq!(known.end_of(partition), Some(9));
        known.hear(&Report::Lane(LaneInput::Layout { at, layout: Layout::Refused }));
        assert_eq!(known.end_of(partition), None);
    }
}
