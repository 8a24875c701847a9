//! The prober as evidence: what its machine and container left to it lately, and what its controls answer.

use std::sync::Arc;
use std::time::Duration;

use crate::time::Time;
use crate::vitals::{Control, Usage};

/// Everything about the prober at one moment. What its machine does not tell is zero or `None`, and accuses nobody.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProberHealth {
    /// For how long the CPU limit held it back in the last [`STALLS_WITHIN`](super::prober::STALLS_WITHIN), over its CPUs.
    pub throttled: Duration,
    /// The same, within the last minute.
    pub throttled_last_minute: Duration,
    /// The periods of the CPU limit within the last minute, and those of them in which it was met.
    pub throttled_periods_last_minute: (u64, u64),
    /// For how long it waited for memory within the last minute, if its machine tells.
    pub memory_wait_last_minute: Option<Duration>,
    /// Times that it met its memory limit within the last minute.
    pub memory_limit_hits_last_minute: u64,
    /// The share of the machine's CPU time that went to others within the last minute, between 0 and 1.
    pub steal_share_last_minute: f64,
    /// When its machine was last found to have been suspended, and for how long.
    pub suspended: Option<(Time, Duration)>,
    /// File descriptors.
    pub descriptors: Option<Usage>,
    /// Local ports.
    pub ports: Option<Usage>,
    /// When something last failed because this machine had no descriptor, port or memory for it.
    pub resource_refused: Option<Time>,
    /// A byte to itself.
    pub loopback: Control,
    /// The machine that is called to see whether the way out is open, with its address; `None`, if none is.
    pub reference: Option<(Arc<str>, Control)>,
}
