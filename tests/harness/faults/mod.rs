//! Faults of a process that keeps running: pauses, limits of files, memory, CPU and disk, and a wrong wall clock.
//!
//! Each fault lasts while its value lives and is undone when it is dropped, if the process still runs.

pub(crate) mod cpu_quota;
pub(crate) mod disk;
pub(crate) mod load;
pub(crate) mod pauses;
pub(crate) mod rlimit;
pub(crate) mod wall_clock;
