//! Where the pinned partitions end, as the lane's readers know it: the offset to commit, and proof that a transaction may
//! write there. A partition is known only after its topic has proved to be the prober's own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prober_core::ids::Partition;

use crate::port::{LaneInput, Layout};

/// The newest known log end offsets. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct LogEndOffsets {
    ends: Arc<Mutex<BTreeMap<Partition, i64>>>,
}

impl LogEndOffsets {
    /// Takes in what the pinned lane reports.
    pub fn on_lane_input(&self, input: &LaneInput) {
        match input {
            // A reader has a position only in a topic that is the prober's own.
            LaneInput::Position { partition, offset, .. } => {
                self.lock().insert(*partition, *offset);
            }
            LaneInput::Passed { partition, next, .. } => {
                self.lock().insert(*partition, *next);
            }
            LaneInput::Recreated { .. } => self.lock().clear(),
            LaneInput::Layout { layout: Layout::Refused | Layout::Missing { .. }, .. } => self.lock().clear(),
            _ => {}
        }
    }

    /// The offset after the last record of a pinned partition, as far as it was read.
    pub fn of(&self, partition: Partition) -> Option<i64> {
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
    fn end_follows_the_reader_and_is_dropped_with_the_topic() {
        let (offsets, partition, at) = (LogEndOffsets::default(), Partition(1), Time::ORIGIN);
        assert_eq!(offsets.of(partition), None);
        offsets.on_lane_input(&LaneInput::Position { partition, at, offset: 7, reset: false });
        offsets.on_lane_input(&LaneInput::Passed { partition, at, next: 9 });
        assert_eq!(offsets.of(partition), Some(9));
        offsets.on_lane_input(&LaneInput::Layout { at, layout: Layout::Refused });
        assert_eq!(offsets.of(partition), None);
    }
}
