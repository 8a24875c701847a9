//! Is the prober awake, and does its calendar keep step with its clock?
//!
//! Two heartbeats. The task's runs beside the probes on their own runtime: when it is late, so were they. The thread's
//! runs beside the runtime: late too means that the machine or its container held the whole process; on time means
//! that our own runtime was busy.

use std::thread;
use std::time::Duration;

use prober_core::settle::HEARTBEAT_EVERY;
use prober_core::time::{Time, WallTime};
use prober_probes::clock::Clock;

use super::Vital;
use super::sampler::Sampler;

/// A calendar that moves this much against the monotonic clock between two beats has been set, or the machine slept.
const JUMP_FROM: Duration = Duration::from_millis(100);

/// From such a lateness on the heart beats quicker for a while. A stall is seen from the beat on that it made late: of a
/// process that runs for 5 ms in every 100 the ordinary heartbeat would see but half the stalls.
const EXCITED_FROM: Duration = Duration::from_millis(20);
const EXCITED_FOR: Duration = Duration::from_secs(1);
const EXCITED_EVERY: Duration = Duration::from_millis(10);

/// Beats on the current runtime, for ever.
pub async fn beat(clock: Clock, report: impl Fn(Vital)) {
    let mut expected = clock.now();
    let mut excited_until = Time::ORIGIN;
    loop {
        let at = clock.now();
        report(Vital::Task { expected, at });
        if EXCITED_FROM <= at.since(expected) {
            excited_until = at + EXCITED_FOR;
        }
        // The next beat counts from this one: after a stall one beat tells of it, not a burst.
        expected = at + if at < excited_until { EXCITED_EVERY } else { HEARTBEAT_EVERY };
        clock.sleep_until(expected).await;
    }
}

/// Beats on a thread of its own, until `tell` says that nobody listens.
///
/// # Errors
/// The operating system gives us no thread.
#[expect(clippy::disallowed_methods, reason = "a thread of its own, whose late wake-ups are what is measured")]
pub fn beat_on_thread(clock: Clock, report: impl Fn(Vital) -> bool + Send + 'static) -> std::io::Result<()> {
    thread::Builder::new().name("vitals".into()).spawn(move || {
        let mut calendar = Calendar { monotonic: clock.now(), wall: clock.wall() };
        let mut sampler = Sampler::new();
        loop {
            let expected = clock.now() + HEARTBEAT_EVERY;
            thread::sleep(HEARTBEAT_EVERY);
            let at = clock.now();
            let jump = calendar.step(at, clock.wall());
            let heard = report(Vital::Thread { expected, at });
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
            if !heard {
                return;
            }
        }
    })?;
    Ok(())
}

/// The calendar against the monotonic clock.
#[derive(Debug)]
struct Calendar {
    monotonic: Time,
    wall: WallTime,
}

impl Calendar {
    /// By how much the calendar moved more than the clock since the last step, if that is a jump.
    fn step(&mut self, monotonic: Time, wall: WallTime) -> Option<i64> {
        let passed = i64::try_from(monotonic.since(self.monotonic).as_nanos()).unwrap_or(i64::MAX);
        let moved = wall.0.saturating_sub(self.wall.0);
        *self = Calendar { monotonic, wall };
        let jump = moved.saturating_sub(passed);
        (JUMP_FROM.as_nanos() <= u128::from(jump.unsigned_abs())).then_some(jump)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    const HOUR: i64 = 3_600_000_000_000;

    fn calendar() -> Calendar {
        Calendar { monotonic: Time::ORIGIN, wall: WallTime(0) }
    }

    #[test]
    fn calendar_set_forwards_or_backwards_is_a_jump() {
        let mut calendar = calendar();
        assert_eq!(calendar.step(Time::from_millis(50), WallTime(50_000_000 + HOUR)), Some(HOUR));
        assert_eq!(calendar.step(Time::from_millis(100), WallTime(100_000_000)), Some(-HOUR));
    }

    #[test]
    fn long_stall_is_no_clock_jump() {
        assert_eq!(calendar().step(Time::from_millis(10_000), WallTime(10_000_000_000)), None);
    }

    #[test]
    fn slewing_calendar_is_no_jump() {
        assert_eq!(calendar().step(Time::from_millis(50), WallTime(50_500_000)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn stall_is_told_by_one_late_beat() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        let clock = Clock::start();
        let task = tokio::spawn(beat(clock, move |vital| ear.lock().expect("not poisoned").push(vital)));
        tokio::time::sleep(Duration::from_millis(120)).await;
        tokio::time::advance(Duration::from_secs(10)).await;
        tokio::time::sleep(Duration::from_millis(60)).await;
        task.abort();
        let late = |vital: &Vital| match vital {
            Vital::Task { expected, at } => Duration::from_secs(9) < at.since(*expected),
            _ => false,
        };
        assert_eq!(heard.lock().expect("not poisoned").iter().filter(|vital| late(vital)).count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn process_that_runs_for_a_twentieth_of_the_time_sees_that_it_was_stalled_for_the_rest() {
        let stalled = Arc::new(Mutex::new(Duration::ZERO));
        let sum = Arc::clone(&stalled);
        let tell = move |vital| {
            if let Vital::Task { expected, at } = vital {
                *sum.lock().expect("not poisoned") += at.since(expected);
            }
        };
        let task = tokio::spawn(beat(Clock::start(), tell));
        for _ in 0..50 {
            tokio::time::sleep(Duration::from_millis(5)).await;
            // Nobody runs while the clock is advanced.
            tokio::time::advance(Duration::from_millis(95)).await;
        }
        task.abort();
        let stalled = *stalled.lock().expect("not poisoned");
        assert!(Duration::from_millis(4000) <= stalled, "{stalled:?} of 5 s");
    }
}
