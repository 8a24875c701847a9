//! Resource limits (`prlimit`) of a running process: open files, and address space for memory maps.

use std::fs;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

/// A lowered limit of one process, restored when this is dropped.
#[derive(Debug)]
pub(crate) struct LoweredLimit {
    pid: Pid,
    resource: Resource,
    before: Rlimit,
}

impl LoweredLimit {
    /// Allows `more` files and sockets beyond those that are open now.
    #[track_caller]
    pub(crate) fn open_files(pid: u32, more: u64) -> LoweredLimit {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).expect("a process of ours").count();
        LoweredLimit::to(pid, Resource::Nofile, u64::try_from(open).expect("a few hundred") + more)
    }

    /// Allows no further memory map, as for a process that has reached vm.max_map_count. Existing maps stay, and unmapping some
    /// does not help.
    #[track_caller]
    pub(crate) fn memory_maps(pid: u32) -> LoweredLimit {
        // Far below what a JVM has mapped already.
        LoweredLimit::to(pid, Resource::As, 64 << 20)
    }

    #[track_caller]
    fn to(pid: u32, resource: Resource, limit: u64) -> LoweredLimit {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a pid is a number above zero");
        let own = rustix::process::getrlimit(resource);
        let limit = Rlimit { current: Some(limit), maximum: own.maximum };
        let before = prlimit(Some(pid), resource, limit).expect("a process of ours takes limits");
        LoweredLimit { pid, resource, before }
    }
}

impl Drop for LoweredLimit {
    fn drop(&mut self) {
        // The process may have ended.
        let before = Rlimit { current: self.before.current, maximum: self.before.maximum };
        let _ = prlimit(Some(self.pid), self.resource, before);
    }
}
