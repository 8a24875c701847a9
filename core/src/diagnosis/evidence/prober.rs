//! Evidence about the prober itself: what its host and container left to it lately, and whether its controls answer.

use std::time::Duration;

use crate::time::Time;
use crate::vitals::{Controls, Usage};

/// The prober's resources and controls at one moment. What the host does not report is zero or `None` and accuses nobody.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProberEvidence {
    /// Time throttled by the CPU limit in the last [`STALLS_WITHIN`](crate::diagnosis::thresholds::prober_health::STALLS_WITHIN), summed over
    /// its CPUs.
    pub throttled: Duration,
    /// Time throttled by the CPU limit in the last minute, summed over its CPUs.
    pub throttled_last_minute: Duration,
    /// Enforcement periods of the CPU limit in the last minute, and those of them in which the prober was throttled.
    pub throttled_periods_last_minute: (u64, u64),
    /// Time that some task waited for memory in the last minute; `None` where the kernel has no PSI.
    pub memory_wait_last_minute: Option<Duration>,
    /// Times that the memory limit was hit in the last minute.
    pub memory_limit_hits_last_minute: u64,
    /// Share of the host's CPU time stolen by the hypervisor in the last minute, between 0 and 1.
    pub steal_share_last_minute: f64,
    /// When the host was last found to have been suspended, and for how long.
    pub suspended: Option<(Time, Duration)>,
    /// File descriptors of this process.
    pub descriptors: Option<Usage>,
    /// Local TCP ports.
    pub ports: Option<Usage>,
    /// When an operation last failed because the host had no descriptor, port or memory for it.
    pub resource_refused: Option<Time>,
    /// The loopback control, and the reference host, which shows whether the network path out is open.
    pub controls: Controls,
}
