//! Exponential back-off with jitter: the wait before a failed operation is tried again.
//!
//! Jitter keeps probers that lost the same broker at the same time from returning to it at the same time. It only shortens
//! a wait, so that the upper limit of a wait holds, and a test under a paused clock sees the wait end in time.
//!
//! Own code because the crates for this (`backon`, `backoff`) add jitter on top of the maximum and wrap the retried
//! operation; the loops here are not retries of one operation.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The part of a wait that jitter may take away: one quarter.
const JITTER_PART: u32 = 4;

/// The waits between attempts: each is twice as long as the one before, up to a maximum, less jitter.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    /// Waits from `min`, doubling up to `max`; from `max`, if that is less.
    pub const fn new(min: Duration, max: Duration) -> Backoff {
        Backoff { min, max, next: min }
    }

    /// The next wait: between three quarters of the nominal one and all of it.
    pub fn next_wait(&mut self) -> Duration {
        let nominal = self.next.min(self.max);
        self.next = nominal.saturating_mul(2);
        nominal - (nominal / JITTER_PART).mul_f64(random_fraction())
    }

    /// Begins again with the shortest wait, after a success.
    pub fn reset(&mut self) {
        self.next = self.min;
    }

    /// Sleeps for the next wait.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.next_wait()).await;
    }
}

/// A random number from 0 to 1. `RandomState` is keyed by the operating system's random bytes and differs from call to
/// call, which is enough to spread waits.
fn random_fraction() -> f64 {
    let bits = u32::try_from(RandomState::new().hash_one(0) >> 32).unwrap_or(0);
    f64::from(bits) / f64::from(u32::MAX)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test measures the paused clock")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_wait_is_within_a_quarter_below_the_doubled_one_and_never_above_the_maximum(
            min in 1u64..10_000,
            max in 1u64..1_000_000,
            attempts in 1u32..40,
        ) {
            let (min, max) = (Duration::from_millis(min), Duration::from_millis(max));
            let mut backoff = Backoff::new(min, max);
            for attempt in 0..attempts {
                let nominal = min.saturating_mul(2u32.saturating_pow(attempt)).min(max);
                let wait = backoff.next_wait();
                prop_assert!(wait <= nominal, "attempt {attempt}: {wait:?} of {nominal:?}");
                prop_assert!(nominal - nominal / JITTER_PART <= wait, "attempt {attempt}: {wait:?} of {nominal:?}");
            }
            backoff.reset();
            prop_assert!(backoff.next_wait() <= min.min(max), "a success begins again with the shortest wait");
        }
    }

    #[test]
    fn waits_differ_from_one_prober_to_the_next() {
        let minute = Duration::from_secs(60);
        let waits: std::collections::BTreeSet<_> = (0..100).map(|_| Backoff::new(minute, minute).next_wait()).collect();
        assert!(90 < waits.len(), "{} different waits of 100", waits.len());
    }

    #[tokio::test(start_paused = true)]
    async fn sleep_ends_within_the_nominal_wait() {
        let began = tokio::time::Instant::now();
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        for _ in 0..3 {
            backoff.wait().await;
        }
        // tokio's timer has a granularity of 1 ms.
        assert!(began.elapsed() <= Duration::from_millis(100 + 200 + 400 + 3), "{:?}", began.elapsed());
    }
}
