//! A CPU quota for one process, as in a container with a tight limit.
//!
//! A cgroup of its own (version 1 or 2) where root may make one. Otherwise the process is stopped and continued periodically,
//! which is coarser; [`CpuQuota::mechanism`] returns which of the two it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use super::pauses::Pauses;

/// The kernel's default period.
const PERIOD: Duration = Duration::from_millis(100);

/// Mount points of the CPU controller, version 1 and version 2.
const PLACES: [(&str, Version); 2] = [("/sys/fs/cgroup/cpu", Version::One), ("/sys/fs/cgroup", Version::Two)];

#[derive(Debug, Clone, Copy)]
enum Version {
    One,
    Two,
}

/// A CPU quota, lifted when this is dropped.
pub(crate) enum CpuQuota {
    /// By this cgroup.
    Group { group: PathBuf, parent: PathBuf, pid: u32 },
    /// By signals.
    Signals(Pauses),
}

impl CpuQuota {
    /// All threads of the process together get `percent` of one processor from now on.
    pub(crate) fn to(pid: u32, percent: u32) -> CpuQuota {
        let quota = PERIOD * percent / 100;
        let group = PLACES.iter().find_map(|(place, version)| group(Path::new(place), *version, pid, quota));
        group.unwrap_or_else(|| CpuQuota::Signals(Pauses::periodic(pid, PERIOD - quota, quota)))
    }

    /// How the quota is enforced.
    pub(crate) fn mechanism(&self) -> &'static str {
        match self {
            CpuQuota::Group { .. } => "cgroup",
            CpuQuota::Signals(_) => "periodic SIGSTOP and SIGCONT",
        }
    }

    /// How many periods the kernel throttled the process, from cpu.stat; `None` without a cgroup.
    pub(crate) fn throttled(&self) -> Option<u64> {
        let CpuQuota::Group { group, .. } = self else { return None };
        let stat = fs::read_to_string(group.join("cpu.stat")).ok()?;
        stat.lines().find_map(|line| line.strip_prefix("nr_throttled ")?.parse().ok())
    }
}

/// Moves the process into a cgroup of its own, if that is possible.
fn group(place: &Path, version: Version, pid: u32, quota: Duration) -> Option<CpuQuota> {
    let group = place.join(format!("kafka-prober-test-{}-{pid}", process::id()));
    fs::create_dir(&group).ok()?;
    let (quota, period) = (quota.as_micros(), PERIOD.as_micros());
    let limited = match version {
        Version::One => fs::write(group.join("cpu.cfs_quota_us"), quota.to_string()),
        Version::Two => fs::write(group.join("cpu.max"), format!("{quota} {period}")),
    };
    let quota = CpuQuota::Group { parent: place.to_owned(), pid, group: group.clone() };
    limited.and_then(|()| fs::write(group.join("cgroup.procs"), pid.to_string())).ok()?;
    Some(quota)
}

impl Drop for CpuQuota {
    fn drop(&mut self) {
        if let CpuQuota::Group { group, parent, pid } = self {
            // A process that has ended has left the cgroup. An empty cgroup that cannot be removed costs nothing.
            let _ = fs::write(parent.join("cgroup.procs"), pid.to_string());
            let _ = fs::remove_dir(group);
        }
    }
}
