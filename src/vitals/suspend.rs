//! A machine that slept. Its monotonic clock slept with it, so no heartbeat was late; the time since it was started, which
//! the kernel tells as well, went on.

use std::time::Duration;

use prober_core::time::Time;

/// Both are read at slightly different moments, and the kernel tells hundredths of a second.
const SUSPENDED_FROM: Duration = Duration::from_millis(200);

/// The time since the machine was started against the monotonic clock.
#[derive(Debug, Default)]
pub struct SuspendDetector {
    before: Option<(Duration, Time)>,
    total: Duration,
}

impl SuspendDetector {
    /// Takes both in; returns for how long the machine was suspended since the last time, if it was.
    pub fn step(&mut self, uptime: Duration, now: Time) -> Option<Duration> {
        let (uptime_before, before) = self.before.replace((uptime, now))?;
        let slept = uptime.saturating_sub(uptime_before).saturating_sub(now.since(before));
        let slept = (SUSPENDED_FROM <= slept).then_some(slept)?;
        self.total += slept;
        Some(slept)
    }

    /// In all; `None`, if this machine does not tell.
    pub fn total(&self) -> Option<Duration> {
        self.before.map(|_| self.total)
    }
}

/// The first number of `/proc/uptime`: seconds since the machine was started, suspension included.
pub fn uptime(text: &str) -> Option<Duration> {
    let seconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_is_what_the_monotonic_clock_did_not_see() {
        let mut sleep = SuspendDetector::default();
        let mut step =
            |uptime: &str, millis| sleep.step(super::uptime(uptime).expect("a number"), Time::from_millis(millis));
        assert_eq!(step("1000.00 500.00", 0), None, "the first says nothing");
        assert_eq!(step("1001.01 500.00", 1000), None);
        assert_eq!(step("1062.01 500.00", 2000), Some(Duration::from_secs(60)));
        assert_eq!(step("1063.01 500.00", 3000), None);
        assert_eq!(sleep.total(), Some(Duration::from_secs(60)));
    }

    #[test]
    fn long_stall_is_no_suspension() {
        let mut sleep = SuspendDetector::default();
        sleep.step(Duration::from_secs(10), Time::ORIGIN);
        assert_eq!(sleep.step(Duration::from_secs(40), Time::from_millis(30_000)), None);
    }

    #[test]
    fn machine_that_does_not_tell_is_not_known() {
        assert_eq!(uptime(""), None);
        assert_eq!(SuspendDetector::default().total(), None);
    }
}
