//! Time the host was suspended. The monotonic clock stops during a suspend, so no heartbeat is late; the uptime continues.

use std::time::Duration;

use prober_core::time::Time;

/// Smaller differences are noise: both clocks are read at slightly different times, and the uptime has hundredths of a second.
const SUSPENDED_FROM: Duration = Duration::from_millis(200);

/// Compares the uptime with the monotonic clock.
#[derive(Debug, Default)]
pub struct SuspendDetector {
    before: Option<(Duration, Time)>,
    total: Duration,
}

impl SuspendDetector {
    /// For how long the host was suspended since the last call, if it was.
    pub fn step(&mut self, uptime: Duration, now: Time) -> Option<Duration> {
        let (uptime_before, before) = self.before.replace((uptime, now))?;
        let suspended = uptime.saturating_sub(uptime_before).saturating_sub(now.since(before));
        let suspended = (SUSPENDED_FROM <= suspended).then_some(suspended)?;
        self.total += suspended;
        Some(suspended)
    }

    /// Sum of all suspends since the start; `None` if the host has no uptime.
    pub fn total(&self) -> Option<Duration> {
        self.before.map(|_| self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_beyond_the_monotonic_clock_is_a_suspend() {
        let mut detector = SuspendDetector::default();
        let mut step = |uptime, millis| detector.step(Duration::from_millis(uptime), Time::from_millis(millis));
        assert_eq!(step(1_000_000, 0), None, "the first call has nothing to compare with");
        assert_eq!(step(1_001_010, 1000), None);
        assert_eq!(step(1_062_010, 2000), Some(Duration::from_secs(60)));
        assert_eq!(step(1_063_010, 3000), None);
        assert_eq!(detector.total(), Some(Duration::from_secs(60)));
    }

    #[test]
    fn long_stall_is_not_a_suspend() {
        let mut detector = SuspendDetector::default();
        detector.step(Duration::from_secs(10), Time::ORIGIN);
        assert_eq!(detector.step(Duration::from_secs(40), Time::from_millis(30_000)), None);
    }

    #[test]
    fn host_without_uptime_has_no_total() {
        assert_eq!(SuspendDetector::default().total(), None);
    }
}
