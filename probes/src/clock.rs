//! The only reader of time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prober_core::time::{Time, WallTime};
use tokio::time::Instant;

/// Monotonic time of the process, and wall time.
///
/// `Copy` and `Send`, and readable on threads outside any runtime, such as librdkafka's. Under tokio's paused clock it is
/// paused too.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

#[expect(clippy::disallowed_methods, reason = "the one reader of the clock")]
impl Clock {
    /// A clock whose origin is now.
    pub fn start() -> Clock {
        Clock { origin: Instant::now() }
    }

    /// Now.
    pub fn now(&self) -> Time {
        self.at(Instant::now())
    }

    /// An instant of the same clock, as a time since the origin.
    pub fn at(&self, instant: Instant) -> Time {
        Time::ORIGIN + instant.saturating_duration_since(self.origin)
    }

    /// The wall time now; 1970 if the system clock is before that.
    pub fn wall(&self) -> WallTime {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        WallTime(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }

    /// The wall time at `time`, unless the system clock was set since: for people, never for latencies.
    pub fn wall_at(&self, time: Time) -> WallTime {
        let ago = i64::try_from(self.now().since(time).as_nanos()).unwrap_or(i64::MAX);
        WallTime(self.wall().0.saturating_sub(ago))
    }

    /// Waits until `time`, but at most a day, because timers have a range; callers check again.
    pub async fn sleep_until(&self, time: Time) {
        const A_DAY: Duration = Duration::from_secs(86_400);
        tokio::time::sleep(time.since(self.now()).min(A_DAY)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn clock_is_paused_with_tokios_clock() {
        let clock = Clock::start();
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(clock.now(), Time::ORIGIN + Duration::from_secs(3600));
        clock.sleep_until(clock.now() + Duration::from_secs(5)).await;
        assert!(Time::ORIGIN + Duration::from_secs(3605) <= clock.now());
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "librdkafka calls back on threads of its own")]
    fn clock_is_readable_on_threads_without_a_runtime() {
        let clock = Clock::start();
        let elsewhere = std::thread::spawn(move || clock.now()).join().expect("the thread lives");
        assert!(elsewhere <= clock.now());
    }
}
