//! Does a cell fail? A cumulative sum of log-likelihood ratios (Page, 1954): full outages and a few per cent of loss alike.
//!
//! "So many in a row" is blind to a broker that loses one answer in twenty, and a share over a window is slow to see an
//! outage. The sum rises by what a failure speaks for trouble, falls by what a success speaks against it, and never below
//! zero. Four failures in a row are enough; of one answer in twenty lost, it takes some sixty answers.

/// Failures of a cell that is well.
const WELL: f64 = 0.001;

/// Failures of the mildest trouble that is worth finding.
const ILL: f64 = 0.05;

/// From here on the cell fails: four failures, not three, and one false alarm in a month at one answer a second.
const FAILING_FROM: f64 = 12.0;

/// The sum of one cell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cusum(f64);

impl Cusum {
    /// Takes one answer in.
    pub fn take(&mut self, failed: bool) {
        let ratio = if failed { (ILL / WELL).ln() } else { ((1.0 - ILL) / (1.0 - WELL)).ln() };
        // Beyond twice the limit nothing more is to be said, and there it stops.
        self.0 = (self.0 + ratio).clamp(0.0, 2.0 * FAILING_FROM);
    }

    /// Whether the cell fails.
    pub fn is_failing(self) -> bool {
        FAILING_FROM <= self.0
    }

    /// Nothing has failed for as long as it takes to be sure of that.
    pub fn clear(&mut self) {
        self.0 = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// After how many answers of which every `nth` fails.
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
                prop_assert!((0.0..=2.0 * FAILING_FROM).contains(&sum.0));
            }
        }
    }
}
