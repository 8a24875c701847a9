//! Reads the kernel's counters of this process and host from `/proc` and `/sys` once a second, on the heartbeat's thread.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use prober_core::time::Time;
use prober_core::vitals::{Memory, Readings, Throttling, Usage};
use procfs::process::Limits;
use procfs::{Current, CurrentSI, FromRead, KernelStats, MemoryPressure, Uptime};

use super::cgroup::Groups;
use super::suspend::SuspendDetector;
use super::{cpu, limits, memory};

/// Interval between readings.
pub const READ_EVERY: Duration = Duration::from_secs(1);

/// Reads the counters, and keeps what must be compared with the previous reading.
#[derive(Debug)]
pub struct Sampler {
    groups: Groups,
    sleep: SuspendDetector,
    read_at: Option<Time>,
    throttle: cpu::ThrottleMeter,
}

impl Sampler {
    /// Looks up the control groups of this process, once: a process is not moved to others later.
    pub fn new() -> Sampler {
        Sampler {
            groups: Groups::own(),
            sleep: SuspendDetector::default(),
            read_at: None,
            throttle: cpu::ThrottleMeter::default(),
        }
    }

    /// For how long the host was suspended since the last call, if it was. Cheap enough for every beat.
    pub fn suspended(&mut self, now: Time) -> Option<Duration> {
        self.sleep.step(Uptime::current().ok()?.uptime_duration(), now)
    }

    /// The interval since the last call within which the CPU limit throttled the process, if it did. Called on every beat;
    /// without a limit it reads nothing.
    pub fn throttled(&mut self, now: Time) -> Option<(Time, Time)> {
        if !self.throttle.has_limit() {
            return None;
        }
        let throttling = self.throttling()?;
        self.throttle.step(throttling, now)
    }

    /// All counters, if a second has passed.
    pub fn read(&mut self, now: Time) -> Option<Readings> {
        if self.read_at.is_some_and(|at| now.since(at) < READ_EVERY) {
            return None;
        }
        self.read_at = Some(now);
        let throttling = self.throttling();
        self.throttle.update(throttling, now);
        Some(Readings {
            at: now,
            throttling,
            memory: self.groups.memory.as_deref().and_then(memory_of),
            steal: KernelStats::current().ok().and_then(|stat| cpu::steal(&stat)),
            suspended: self.sleep.total(),
            descriptors: descriptors(),
            ports: ports(),
        })
    }

    fn throttling(&self) -> Option<Throttling> {
        let stats = self.groups.cpu.iter().filter_map(|group| text(group.join("cpu.stat")));
        cpu::sum(stats.filter_map(|stat| cpu::throttling(&stat)))
    }
}

impl Default for Sampler {
    fn default() -> Sampler {
        Sampler::new()
    }
}

fn memory_of(group: &Path) -> Option<Memory> {
    let file = |name: &str| text(group.join(name));
    match file("memory.events") {
        Some(events) => {
            let pressure = MemoryPressure::from_file(group.join("memory.pressure")).ok();
            memory::version_two(&events, pressure.as_ref())
        }
        None => memory::version_one(&file("memory.failcnt")?, file("memory.oom_control").as_deref()),
    }
}

fn descriptors() -> Option<Usage> {
    let limit = limits::open_files_limit(&Limits::from_file("/proc/self/limits").ok()?)?;
    // One descriptor is that of the directory itself.
    let used = fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
    Some(Usage { used: used as u64, limit })
}

fn ports() -> Option<Usage> {
    let range = limits::port_range(&text("/proc/sys/net/ipv4/ip_local_port_range")?)?;
    let sockets = ["/proc/net/sockstat", "/proc/net/sockstat6"].into_iter().filter_map(text);
    let sockets: u64 = sockets.filter_map(|text| limits::sockets(&text)).sum();
    Some(limits::ports(range, sockets, || {
        let mut seen = vec![false; usize::from(range.1 - range.0) + 1];
        for path in ["/proc/net/tcp", "/proc/net/tcp6"] {
            limits::mark_ports(&text(path).unwrap_or_default(), range, &mut seen);
        }
        Some(seen.iter().filter(|port| **port).count() as u64)
    }))
}

/// A file of the kernel; `None` if there is none.
fn text(path: impl Into<PathBuf>) -> Option<String> {
    fs::read_to_string(path.into()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_once_a_second() {
        let mut sampler = Sampler::new();
        assert!(sampler.read(Time::ORIGIN).is_some());
        assert!(sampler.read(Time::from_millis(999)).is_none());
        assert!(sampler.read(Time::from_millis(1000)).is_some());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn opened_descriptors_are_counted() {
        let open = || descriptors().expect("Linux has it").used;
        let before = open();
        // Other tests of this process open and close descriptors too, but fewer than this.
        let files: Vec<_> = (0..200).map(|_| fs::File::open("/proc/self/stat").expect("it is there")).collect();
        assert!(before + 100 <= open());
        drop(files);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn ports_of_this_host_are_known_and_not_exhausted() {
        let ports = ports().expect("Linux has it");
        assert!(ports.used < ports.limit, "{ports:?}");
    }
}
