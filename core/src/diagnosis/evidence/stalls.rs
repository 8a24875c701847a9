//! The prober's own stalls of the last minute. While the prober is stalled it accuses nobody else.

use std::collections::VecDeque;
use std::time::Duration;

use crate::diagnosis::thresholds::{bounds, prober_health};
use crate::settle::Stall;
use crate::time::Time;

/// Stalls in the order of their times.
#[derive(Clone, Debug, Default)]
pub(super) struct Stalls(VecDeque<Stall>);

impl Stalls {
    /// Adds a stall that a late heartbeat showed.
    pub(super) fn add(&mut self, stall: Stall) {
        while self.0.front().is_some_and(|first| prober_health::SUMMED_OVER.get() < stall.to.since(first.to))
            || bounds::PROBER_STALLS_MAX.get() <= self.0.len()
        {
            self.0.pop_front();
        }
        self.0.push_back(stall);
    }

    /// How much of the last `length` the prober was stalled.
    pub(super) fn within(&self, now: Time, length: Duration) -> Duration {
        let from = now - length;
        self.0.iter().map(|stall| stall.to.since(stall.from.max(from))).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::at;
    use super::*;

    #[test]
    fn only_the_part_of_a_stall_within_the_window_counts() {
        let mut stalls = Stalls::default();
        stalls.add(Stall { from: at(1000), to: at(2000) });
        stalls.add(Stall { from: at(9000), to: at(9500) });
        let within = |now, seconds| stalls.within(at(now), Duration::from_secs(seconds));
        assert_eq!(within(10_000, 60), Duration::from_millis(1500));
        assert_eq!(within(10_000, 3), Duration::from_millis(500));
        assert_eq!(within(12_250, 3), Duration::from_millis(250));
        assert_eq!(within(20_000, 3), Duration::ZERO);
    }
}
