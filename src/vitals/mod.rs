//! Vital signs of the prober: whether it is stalled, which resources its host and container leave to it, and whether its own
//! network works.
//!
//! | file | measures |
//! | --- | --- |
//! | [`heartbeat`] | how late the probe runtime and an operating system thread are; jumps of the wall clock |
//! | [`sampler`] | reads the kernel's counters once a second; the files below parse them |
//! | [`cgroup`] | the control groups of this process, in both versions |
//! | [`cpu`], [`memory`] | throttling, steal; memory limits and pressure |
//! | [`suspend`] | suspends of the host, which the monotonic clock does not show |
//! | [`limits`] | file descriptors and local ports in use |
//! | [`loopback`], [`mod@reference`] | the controls: connections that do not depend on Kafka |
//!
//! A counter that the host does not have is unknown and never an error.
//!
//! `procfs` reads `/proc`, except for what its version 0.18 does not have or does not count exactly. It has no parser for
//! `ip_local_port_range`, `sockstat` and the files of a control group other than `memory.pressure`. Of `/proc/net/tcp` it
//! makes a record of each connection, of which a busy host has a hundred thousand, without the retransmissions that
//! `kafka/wire/tcp_state.rs` needs. Its count of open descriptors includes the one that it opens itself and, before Linux
//! 6.2, the entries `.`, `..` and that of the directory.

pub mod cgroup;
pub mod cpu;
pub mod heartbeat;
mod key_value;
pub mod limits;
pub mod loopback;
pub mod memory;
pub mod reference;
pub mod sampler;
pub mod suspend;

use std::time::Duration;

use prober_core::time::Time;
use prober_core::vitals::{ControlKind, Readings};

pub use heartbeat::{beat, beat_on_thread};

/// One vital sign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Vital {
    /// The probe runtime's heartbeat.
    Task {
        /// When it was due.
        expected: Time,
        /// When it came.
        at: Time,
    },
    /// The operating system thread's heartbeat.
    Thread {
        /// When it was due.
        expected: Time,
        /// When it came.
        at: Time,
    },
    /// The wall clock jumped against the monotonic clock.
    ClockJump {
        /// Nanoseconds; positive is forwards.
        nanos: i64,
    },
    /// The cgroup's CPU limit throttled the process.
    Throttled {
        /// The begin, approximately.
        from: Time,
        /// The end.
        to: Time,
    },
    /// The host was suspended and has resumed.
    Suspended {
        /// When that was noticed.
        at: Time,
        /// Length of the suspend.
        length: Duration,
    },
    /// The kernel's counters of this process and host.
    Readings(Readings),
    /// The result of one attempt at a control.
    Control {
        /// Which.
        control: ControlKind,
        /// When it was asked.
        asked: Time,
        /// Whether it answered in time.
        has_answered: bool,
    },
}
