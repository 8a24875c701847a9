//! Limits of the kernel on a running process: open files, and room for more memory maps.

use std::fs;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

/// A limit on one process, until it is dropped.
#[derive(Debug)]
pub(crate) struct Limited {
    pid: Pid,
    resource: Resource,
    before: Rlimit,
}

impl Limited {
    /// No file or socket more than the process has open now.
    #[track_caller]
    pub(crate) fn open_files(pid: u32) -> Limited {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).expect("a process of ours").count();
        Limited::to(pid, Resource::Nofile, u64::try_from(open).expect("a few hundred"))
    }

    /// So many bytes more of address space, and then no memory map more: what a process meets that has as many maps as
    /// the kernel allows.
    #[track_caller]
    pub(crate) fn address_space(pid: u32, more: u64) -> Limited {
        let statm = fs::read_to_string(format!("/proc/{pid}/statm")).expect("a process of ours");
        let pages: u64 = statm.split(' ').next().and_then(|size| size.parse().ok()).expect("as in proc(5)");
        Limited::to(pid, Resource::As, pages * 4096 + more)
    }

    #[track_caller]
    fn to(pid: u32, resource: Resource, limit: u64) -> Limited {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a pid is a number above zero");
        let own = rustix::process::getrlimit(resource);
        let limit = Rlimit { current: Some(limit), maximum: own.maximum };
        let before = prlimit(Some(pid), resource, limit).expect("a process of ours takes limits");
        Limited { pid, resource, before }
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        // A process that has ended needs no room any more.
        let before = Rlimit { current: self.before.current, maximum: self.before.maximum };
        let _ = prlimit(Some(self.pid), self.resource, before);
    }
}
