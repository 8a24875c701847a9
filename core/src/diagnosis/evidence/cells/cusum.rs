//! Whether a cell is failing: a cumulative sum of log-likelihood ratios (Page, 1954), which finds outages and a few per cent of
//! failures alike.
//!
//! Counting failures in a row misses a broker that loses one answer in twenty, and a share over a window finds an outage late. The
//! sum rises with each failure and falls with each success, but never below zero. Four failures in a row are enough; when one answer
//! in twenty is lost, it takes about sixty answers.

use crate::diagnosis::thresholds::latency;

/// The sum of one cell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cusum(f64);

impl Cusum {
    /// Takes one answer in.
    pub fn take(&mut self, failed: bool) {
        let ratio = if failed {
            (latency::FAILING_RATE.get() / latency::WELL_RATE.get()).ln()
        } else {
            ((1.0 - latency::FAILING_RATE.get()) / (1.0 - latency::WELL_RATE.get())).ln()
        };
        // Bounded, so that recovery does not take longer after a long outage.
        self.0 = (self.0 + ratio).clamp(0.0, 2.0 * latency::FAILING_FROM.get());
    }

    /// Whether the cell is failing.
    pub fn is_failing(self) -> bool {
        latency::FAILING_FROM.get() <= self.0
    }

    /// Starts over, once no answer has failed for long enough.
    pub fn clear(&mut self) {
        self.0 = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Number of answers until it is failing, when every `nth` fails.
    fn found_after(nth: u32) -> Option<u32> {
        let mut sum = Cusum::default();
        (1..1000).find(|answer| {
            sum.take(answer % nth == 0);
            sum.is_failing()
        })
    }

    #[test]
    fn outage_is_four_failures() {
        assert_eq!(found_after(1), Some(4));
    }

    #[test]
    fn one_answer_in_twenty_lost_is_found() {
        assert!(found_after(20).is_some_and(|after| after <= 120), "{:?}", found_after(20));
    }

    #[test]
    fn one_answer_in_five_hundred_lost_is_not() {
        assert_eq!(found_after(500), None);
    }

    proptest! {
        #[test]
        fn sum_is_bounded(answers in prop::collection::vec(any::<bool>(), 0..500)) {
            let mut sum = Cusum::default();
            for failed in answers {
                sum.take(failed);
                prop_assert!((0.0..=2.0 * latency::FAILING_FROM.get()).contains(&sum.0));
            }
        }
    }
}
