//! Two heartbeats, and jumps of the wall clock.
//!
//! The task's heartbeat runs on the probe runtime: when it is late, so were the probes. The thread's heartbeat runs outside of
//! it: if that is late too, the host or the container stopped the whole process; if it is on time, the runtime was busy.

use std::thread;
use std::time::Duration;

use prober_core::settle::HEARTBEAT_EVERY;
use prober_core::time::{Time, WallTime};
use prober_probes::clock::Clock;

use super::Vital;
use super::sampler::Sampler;

/// If the wall clock moves this much against the monotonic clock between two beats it was set, or the host was suspended.
const JUMP_FROM: Duration = Duration::from_millis(100);

/// After a beat that was this late the heartbeat is faster for a while. A stall is seen from the time on at which a beat was
/// due: of a process that runs for 5 ms in every 100 ms, a heartbeat of 50 ms would see only half of each stall.
const FAST_FROM: Duration = Duration::from_millis(20);
const FAST_FOR: Duration = Duration::from_secs(1);
const FAST_EVERY: Duration = Duration::from_millis(10);

/// Beats on the current runtime until it is dropped.
pub async fn beat(clock: Clock, report: impl Fn(Vital)) {
    let mut expected = clock.now();
    let mut fast_until = Time::ORIGIN;
    loop {
        let at = clock.now();
        report(Vital::Task { expected, at });
        if FAST_FROM <= at.since(expected) {
            fast_until = at + FAST_FOR;
        }
        // The next beat is due from this one on: after a stall one beat is late, without a burst of beats.
        expected = at + if at < fast_until { FAST_EVERY } else { HEARTBEAT_EVERY };
        clock.sleep_until(expected).await;
    }
}

/// Beats on a thread of its own until `report` returns false.
///
/// # Errors
/// The operating system cannot create the thread.
#[expect(clippy::disallowed_methods, reason = "a thread of its own, whose late wake-ups are what is measured")]
pub fn beat_on_thread(clock: Clock, report: impl Fn(Vital) -> bool + Send + 'static) -> std::io::Result<()> {
    thread::Builder::new().name("vitals".into()).spawn(move || {
        let mut wall_clock = WallClockCheck { monotonic: clock.now(), wall: clock.wall() };
        let mut sampler = Sampler::new();
        loop {
            let expected = clock.now() + HEARTBEAT_EVERY;
            thread::sleep(HEARTBEAT_EVERY);
            let at = clock.now();
            let jump = wall_clock.step(at, clock.wall());
            let recorded = report(Vital::Thread { expected, at });
            if let Some(nanos) = jump {
                report(Vital::ClockJump { nanos });
            }
            if let Some((from, to)) = sampler.throttled(at) {
                report(Vital::Throttled { from, to });
            }
            if let Some(length) = sampler.suspended(at) {
                report(Vital::Suspended { at, length });
            }
            if let Some(readings) = sampler.read(at) {
                report(Vital::Readings(readings));
            }
            if !recorded {
                return;
            }
        }
    })?;
    Ok(())
}

/// Compares the wall clock with the monotonic clock.
#[derive(Debug)]
struct WallClockCheck {
    monotonic: Time,
    wall: WallTime,
}

impl WallClockCheck {
    /// By how many nanoseconds the wall clock moved more than the monotonic clock since the last call, if that is a jump.
    fn step(&mut self, monotonic: Time, wall: WallTime) -> Option<i64> {
        let passed = i64::try_from(monotonic.since(self.monotonic).as_nanos()).unwrap_or(i64::MAX);
        let moved = wall.0.saturating_sub(self.wall.0);
        *self = WallClockCheck { monotonic, wall };
        let jump = moved.saturating_sub(passed);
        (JUMP_FROM.as_nanos() <= u128::from(jump.unsigned_abs())).then_some(jump)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    const HOUR: i64 = 3_600_000_000_000;

    fn wall_clock() -> WallClockCheck {
        WallClockCheck { monotonic: Time::ORIGIN, wall: WallTime(0) }
    }

    #[test]
    fn wall_clock_set_forwards_or_backwards_is_a_jump() {
        let mut wall_clock = wall_clock();
        assert_eq!(wall_clock.step(Time::from_millis(50), WallTime(50_000_000 + HOUR)), Some(HOUR));
        assert_eq!(wall_clock.step(Time::from_millis(100), WallTime(100_000_000)), Some(-HOUR));
    }

    #[test]
    fn long_stall_is_not_a_clock_jump() {
        assert_eq!(wall_clock().step(Time::from_millis(10_000), WallTime(10_000_000_000)), None);
    }

    #[test]
    fn slewing_of_the_wall_clock_is_not_a_jump() {
        assert_eq!(wall_clock().step(Time::from_millis(50), WallTime(50_500_000)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn stall_makes_one_beat_late() {
        let recorded = Arc::new(Mutex::new(Vec::new()));
        let recorder = Arc::clone(&recorded);
        let clock = Clock::start();
        let task = tokio::spawn(beat(clock, move |vital| recorder.lock().expect("not poisoned").push(vital)));
        tokio::time::sleep(Duration::from_millis(120)).await;
        tokio::time::advance(Duration::from_secs(10)).await;
        tokio::time::sleep(Duration::from_millis(60)).await;
        task.abort();
        let late = |vital: &Vital| match vital {
            Vital::Task { expected, at } => Duration::from_secs(9) < at.since(*expected),
            _ => false,
        };
        assert_eq!(recorded.lock().expect("not poisoned").iter().filter(|vital| late(vital)).count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn process_that_runs_for_5_percent_of_the_time_sees_its_stalls() {
        let stalled = Arc::new(Mutex::new(Duration::ZERO));
        let sum = Arc::clone(&stalled);
        let report = move |vital| {
            if let Vital::Task { expected, at } = vital {
                *sum.lock().expect("not poisoned") += at.since(expected);
            }
        };
        let task = tokio::spawn(beat(Clock::start(), report));
        for _ in 0..50 {
            tokio::time::sleep(Duration::from_millis(5)).await;
            // No task runs while the clock is advanced.
            tokio::time::advance(Duration::from_millis(95)).await;
        }
        task.abort();
        let stalled = *stalled.lock().expect("not poisoned");
        assert!(Duration::from_millis(4000) <= stalled, "{stalled:?} of 5 s");
    }
}
