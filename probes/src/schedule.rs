//! Open-loop ticks: due at fixed times, whether or not earlier attempts have finished.
//!
//! Due times that the prober itself misses are skipped and counted: sending them later would be a burst of load, and
//! shifted due times would no longer be spread over the interval.

use std::time::Duration;

use prober_core::time::{Time, nanos};

/// The due times of one target: `phase + k * interval` since the clock's origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    phase: u64,
    interval: u64,
    next: u64,
}

/// A due attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// When it was due.
    pub due: Time,
    /// How many due times before it were missed.
    pub missed: u64,
}

impl Schedule {
    /// The schedule of the `ordinal`-th target, beginning with its first due time at or after `from`.
    ///
    /// Phases follow the golden ratio, so that any number of targets is spread evenly, and none moves when another
    /// comes or goes.
    pub fn new(interval: Duration, ordinal: u64, from: Time) -> Schedule {
        let interval = nanos(interval).max(1);
        let phase = phase(interval, ordinal);
        let next = from.as_nanos().saturating_sub(phase).div_ceil(interval);
        Schedule { phase, interval, next }
    }

    /// When the next attempt is due.
    pub fn next_due(&self) -> Time {
        self.grid(self.next)
    }

    /// The attempt that is due at `now`, if one is.
    pub fn take(&mut self, now: Time) -> Option<Tick> {
        if now < self.next_due() {
            return None;
        }
        let latest = (now.as_nanos() - self.phase) / self.interval;
        let tick = Tick { due: self.grid(latest), missed: latest - self.next };
        self.next = latest + 1;
        Some(tick)
    }

    fn grid(&self, index: u64) -> Time {
        Time::from_nanos(self.phase.saturating_add(index.saturating_mul(self.interval)))
    }
}

/// The fractional part of `ordinal * golden ratio`, as a part of `interval`.
fn phase(interval: u64, ordinal: u64) -> u64 {
    const GOLDEN_RATIO_FRACTION: u64 = 0x9e37_79b9_7f4a_7c15;
    let fraction = ordinal.wrapping_mul(GOLDEN_RATIO_FRACTION);
    ((u128::from(interval) * u128::from(fraction)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INTERVAL: Duration = Duration::from_millis(200);

    #[test]
    fn successive_targets_are_never_due_together() {
        let mut phases: Vec<u64> = (0..10).map(|ordinal| phase(nanos(INTERVAL), ordinal)).collect();
        phases.sort_unstable();
        let closest = phases.windows(2).map(|pair| pair[1] - pair[0]).min().expect("pairs");
        // Evenly spread targets would be 20 ms apart; the golden ratio guarantees at least half of that here.
        assert!(nanos(Duration::from_millis(10)) <= closest, "{closest} ns");
    }

    #[test]
    fn due_times_during_a_stall_are_skipped_and_counted() {
        let mut schedule = Schedule::new(INTERVAL, 0, Time::ORIGIN);
        assert_eq!(schedule.take(Time::ORIGIN), Some(Tick { due: Time::ORIGIN, missed: 0 }));
        let tick = schedule.take(Time::from_millis(10_050)).expect("due");
        assert_eq!(tick, Tick { due: Time::from_millis(10_000), missed: 49 });
        assert_eq!(schedule.next_due(), Time::from_millis(10_200));
    }

    proptest! {
        /// However late it is called, every due time is either taken or missed, once.
        #[test]
        fn every_due_time_is_taken_or_missed(ordinal: u64, from in 0u64..5000, steps in prop::collection::vec(0u64..1500, 1..50)) {
            let from = Time::from_millis(from);
            let mut schedule = Schedule::new(INTERVAL, ordinal, from);
            let first = schedule.next_due();
            prop_assert!(from <= first && first < from + INTERVAL);
            let (mut now, mut accounted) = (from, 0);
            for step in steps {
                now = now + Duration::from_millis(step);
                if let Some(tick) = schedule.take(now) {
                    prop_assert!(tick.due <= now && now.since(tick.due) < INTERVAL);
                    accounted += 1 + tick.missed;
                }
            }
            let expected = if now < first { 0 } else { nanos(now.since(first)) / nanos(INTERVAL) + 1 };
            prop_assert_eq!(accounted, expected);
        }
    }
}
