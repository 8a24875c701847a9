//! What can be done to a process beyond ending it: paused by turns, short of files, memory, processor or disk, misled about
//! the date.
//!
//! Each fault holds while its value lives and is undone by its drop, as far as the victim outlives it.

pub(crate) mod cpu_quota;
pub(crate) mod disk;
pub(crate) mod load;
pub(crate) mod pauses;
pub(crate) mod rlimit;
pub(crate) mod wall_clock;
