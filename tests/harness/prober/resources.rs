//! What a process costs, as the kernel counts it.

use std::fs;
use std::time::Duration;

/// Linux reports process times in this unit to every program, whatever the kernel's own tick.
const TICKS_PER_SECOND: u32 = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resources {
    /// User and system time of all threads, in steps of 10 ms.
    pub(crate) cpu: Duration,
    /// Resident memory.
    pub(crate) rss_bytes: u64,
    pub(crate) threads: u32,
    /// Open sockets of every kind.
    pub(crate) sockets: usize,
}

impl Resources {
    /// Reads `/proc`; `None` when the process is gone.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold spaces; the state after it is field 3 of proc(5).
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let ticks = |field: usize| fields.get(field - 3)?.parse::<u32>().ok();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        Some(Self {
            cpu: Duration::from_secs(1) * (ticks(14)? + ticks(15)?) / TICKS_PER_SECOND,
            rss_bytes: status_number(&status, "VmRSS:")? * 1024,
            threads: status_number(&status, "Threads:")?.try_into().ok()?,
            sockets: sockets(pid)?,
        })
    }
}

fn status_number(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

fn sockets(pid: u32) -> Option<usize> {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let targets = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    Some(targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count())
}
