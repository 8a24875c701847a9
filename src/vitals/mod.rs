//! The prober watching itself: is it awake, what do its machine and its container leave to it, and does the way out of
//! here work at all?
//!
//! | file | tells |
//! | --- | --- |
//! | [`heartbeat`] | how late the probe runtime and an operating system thread are; whether the calendar was set |
//! | [`sampler`] | once a second, everything that the kernel counts about us; the files below read its texts |
//! | [`cgroup`] | which control groups are ours, in both versions |
//! | [`cpu`], [`memory`] | throttling, steal; memory limits and pressure |
//! | [`suspend`] | that the machine slept, which no monotonic clock shows |
//! | [`limits`] | file descriptors and local ports in use |
//! | [`loopback`], [`reference`] | the controls: does anything but Kafka answer? |
//!
//! What a machine does not tell is not known, and never an error: outside Linux most of it.

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

/// What the vitals say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Vital {
    /// The probe runtime's heartbeat.
    Task {
        /// When it should have come.
        expected: Time,
        /// When it came.
        at: Time,
    },
    /// The operating system thread's heartbeat.
    Thread {
        /// When it should have come.
        expected: Time,
        /// When it came.
        at: Time,
    },
    /// The calendar jumped by so many nanoseconds against the monotonic clock.
    ClockJump {
        /// Positive: forwards.
        nanos: i64,
    },
    /// The container's CPU limit held the process back.
    Throttled {
        /// From about here on.
        from: Time,
        /// Until then.
        to: Time,
    },
    /// The machine was suspended, and is awake again.
    Suspended {
        /// When that was noticed.
        at: Time,
        /// For how long it slept.
        length: Duration,
    },
    /// What the kernel counts about us.
    Readings(Readings),
    /// What came of asking a control.
    Control {
        /// Which.
        control: ControlKind,
        /// When it was asked.
        asked: Time,
        /// Whether it answered in time.
        has_answered: bool,
    },
}
