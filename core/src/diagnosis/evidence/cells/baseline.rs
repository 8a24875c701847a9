//! The baseline of a cell: the upper end of its latencies over the last ten minutes, without those of a failure.

use std::collections::VecDeque;
use std::time::Duration;

use crate::diagnosis::thresholds::{bounds, latency};
use crate::time::Time;

/// The samples of one cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline {
    began: Time,
    sample: Vec<Duration>,
    /// Whether a part of the current sample comes from a failure.
    is_spoiled: bool,
    /// The ninth decile of each sample.
    deciles: VecDeque<Duration>,
    baseline: Option<Duration>,
}

impl Baseline {
    /// Takes a latency in.
    pub fn take(&mut self, at: Time, latency: Duration) {
        if latency::BASELINE_SAMPLE.get() <= at.since(self.began) {
            self.close();
            self.began = at;
        }
        if self.sample.len() < bounds::SAMPLE_LATENCIES_MAX.get() && !self.is_spoiled {
            self.sample.push(latency);
        }
    }

    /// Discards the current sample to its end, because it comes from a failure.
    pub fn discard(&mut self) {
        self.sample.clear();
        self.is_spoiled = true;
    }

    /// Latency that nine of ten answers usually stay below; `None` while there are too few samples.
    pub fn baseline(&self) -> Option<Duration> {
        self.baseline
    }

    fn close(&mut self) {
        self.is_spoiled = false;
        let Some(decile) = quantile(&mut self.sample, 9, 10) else { return };
        self.sample.clear();
        if self.deciles.len() == latency::BASELINE_SAMPLES.get() {
            self.deciles.pop_front();
        }
        self.deciles.push_back(decile);
        // The median of the samples: up to half of them may come from a failure that was not recognised.
        let mut deciles: Vec<Duration> = self.deciles.iter().copied().collect();
        self.baseline =
            quantile(&mut deciles, 1, 2).filter(|_| latency::BASELINE_SAMPLES_MIN.get() <= self.deciles.len());
    }
}

/// The value that `share` of `of` stay at or below; `None` of an empty slice.
pub(super) fn quantile<T: Ord + Copy>(values: &mut [T], share: usize, of: usize) -> Option<T> {
    values.sort_unstable();
    values.get((values.len().saturating_sub(1) * share) / of).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(length: u64) -> Duration {
        Duration::from_millis(length)
    }

    /// One answer a second from `from` on.
    fn live(history: &mut Baseline, seconds: std::ops::Range<u64>, latency: Duration) {
        for second in seconds {
            history.take(Time::from_millis(second * 1000), latency);
        }
    }

    #[test]
    fn baseline_is_known_after_a_quarter_of_a_minute() {
        let mut history = Baseline::default();
        live(&mut history, 10..25, ms(5));
        assert_eq!(history.baseline(), None);
        live(&mut history, 25..31, ms(5));
        assert_eq!(history.baseline(), Some(ms(5)));
    }

    #[test]
    fn slowness_of_some_minutes_does_not_become_the_baseline() {
        let mut history = Baseline::default();
        live(&mut history, 0..600, ms(5));
        live(&mut history, 600..840, ms(300));
        assert_eq!(history.baseline(), Some(ms(5)));
    }

    #[test]
    fn discarded_sample_does_not_change_the_baseline() {
        let mut history = Baseline::default();
        live(&mut history, 0..60, ms(5));
        for second in 60..3600 {
            history.take(Time::from_millis(second * 1000), ms(300));
            history.discard();
        }
        assert_eq!(history.baseline(), Some(ms(5)));
    }

    #[test]
    fn failure_that_is_noticed_twice_a_second_never_becomes_the_baseline() {
        let mut history = Baseline::default();
        live(&mut history, 0..60, ms(5));
        for tick in 600..36_000u64 {
            history.take(Time::from_millis(tick * 100), ms(300));
            if tick.is_multiple_of(5) {
                history.discard();
            }
        }
        assert_eq!(history.baseline(), Some(ms(5)));
    }

    #[test]
    fn quantile_of_an_empty_slice_is_none() {
        assert_eq!(quantile::<u64>(&mut [], 1, 2), None);
        assert_eq!(quantile(&mut [3, 1, 2], 1, 2), Some(2));
        assert_eq!(quantile(&mut [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 9, 10), Some(9));
    }
}
