//! CPU time that the prober did not get: throttled by its cgroup limit, or stolen by the hypervisor for other guests.

use std::time::Duration;

use prober_core::time::Time;
use prober_core::vitals::{Steal, Throttling};
use procfs::KernelStats;

/// Reads the throttling from `cpu.stat` of a control group, of either version; they differ in name and unit of the time.
/// `None` without those counters, as in the root of version 2.
pub fn throttling(text: &str) -> Option<Throttling> {
    let value = |name: &str| super::key_value::value(text, name);
    let micros = value("throttled_usec").map(Duration::from_micros);
    Some(Throttling {
        periods: value("nr_periods")?,
        throttled: value("nr_throttled")?,
        time: micros.or_else(|| value("throttled_time").map(Duration::from_nanos))?,
    })
}

/// Sums the throttling of nested groups: all their limits apply.
pub fn sum(limits: impl Iterator<Item = Throttling>) -> Option<Throttling> {
    limits.reduce(|one, other| Throttling {
        periods: one.periods.max(other.periods),
        throttled: one.throttled + other.throttled,
        time: one.time + other.time,
    })
}

/// Measures throttling from one heartbeat to the next.
#[derive(Debug, Default)]
pub struct ThrottleMeter {
    before: Option<(Throttling, Time)>,
}

/// Throttling below this cannot make an answer late.
const NOTABLE_FROM: Duration = Duration::from_millis(5);

impl ThrottleMeter {
    /// Whether there is a limit: only then does the kernel count its periods.
    pub fn has_limit(&self) -> bool {
        self.before.is_some()
    }

    /// Updates whether there is a limit.
    pub fn update(&mut self, throttling: Option<Throttling>, now: Time) {
        let limited = throttling.filter(|throttling| 0 < throttling.periods);
        self.before = limited.map(|throttling| self.before.unwrap_or((throttling, now)));
    }

    /// The interval since the last call within which the process was throttled, if it was. The kernel sums the time over all
    /// CPUs, so it may exceed the time that has passed.
    pub fn step(&mut self, throttling: Throttling, now: Time) -> Option<(Time, Time)> {
        let (before, since) = self.before.replace((throttling, now))?;
        let held = throttling.time.saturating_sub(before.time);
        (NOTABLE_FROM <= held).then(|| (since.max(now - held), now))
    }
}

/// From `/proc/stat`; `None` with kernels before steal was counted. The time of guests is contained in user and nice.
pub fn steal(stat: &KernelStats) -> Option<Steal> {
    let all = &stat.total;
    let stolen = all.steal_duration()?;
    let ran = all.user_duration() + all.nice_duration() + all.system_duration();
    let waited = all.idle_duration() + all.iowait_duration().unwrap_or_default();
    let interrupted = all.irq_duration().unwrap_or_default() + all.softirq_duration().unwrap_or_default();
    Some(Steal { stolen, total: ran + waited + interrupted + stolen })
}

#[cfg(test)]
mod tests {
    use procfs::FromReadSI;

    use super::*;

    #[test]
    fn throttled_time_is_read_from_both_versions() {
        let expected = Throttling { periods: 100, throttled: 40, time: Duration::from_millis(1500) };
        let one = "nr_periods 100\nnr_throttled 40\nthrottled_time 1500000000\nnr_bursts 0\n";
        assert_eq!(throttling(one), Some(expected));
        let two = "usage_usec 9\nuser_usec 5\nsystem_usec 4\nnr_periods 100\nnr_throttled 40\nthrottled_usec 1500000\n";
        assert_eq!(throttling(two), Some(expected));
    }

    #[test]
    fn root_group_has_no_limit() {
        assert_eq!(throttling("usage_usec 9\nuser_usec 5\nsystem_usec 4\n"), None);
        assert_eq!(throttling(""), None);
    }

    #[test]
    fn throttling_of_nested_groups_adds_up() {
        let limit = |throttled, millis| Throttling { periods: 9, throttled, time: Duration::from_millis(millis) };
        assert_eq!(sum([limit(1, 10), limit(2, 20)].into_iter()), Some(limit(3, 30)));
        assert_eq!(sum(std::iter::empty()), None);
    }

    #[test]
    fn throttled_interval_is_not_longer_than_the_time_that_has_passed() {
        let at = Time::from_millis;
        let held = |millis| Throttling { periods: 9, throttled: 1, time: Duration::from_millis(millis) };
        let mut limit = ThrottleMeter::default();
        limit.update(Some(Throttling { periods: 0, ..held(0) }), at(0));
        assert!(!limit.has_limit(), "no period is counted where there is no limit");
        limit.update(Some(held(1000)), at(0));
        assert_eq!(limit.step(held(1004), at(50)), None);
        assert_eq!(limit.step(held(1034), at(100)), Some((at(70), at(100))));
        assert_eq!(limit.step(held(1234), at(150)), Some((at(100), at(150))), "on four CPUs at once");
        limit.update(None, at(200));
        assert!(!limit.has_limit());
    }

    #[test]
    fn guests_are_not_counted_twice() {
        let stat = |cpu: &str| {
            let text = format!("{cpu}\ncpu0 100 1 20 300 4 0 5 70 50 0\nctxt 5\nbtime 7\nprocesses 9\n");
            KernelStats::from_read(text.as_bytes(), procfs::current_system_info()).expect("lines of a kernel")
        };
        let tick = Duration::from_secs(1) / u32::try_from(procfs::ticks_per_second()).expect("a hundred, mostly");
        let expected = Steal { stolen: 70 * tick, total: 500 * tick };
        assert_eq!(steal(&stat("cpu  100 1 20 300 4 0 5 70 50 0")), Some(expected));
        assert_eq!(steal(&stat("cpu  100 1 20 300")), None, "a kernel before steal was counted");
    }
}
