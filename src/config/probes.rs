//! `[probes]`: the schedules, deadlines and thresholds of the probes.

use std::time::Duration;

use prober_core::ids::Probe;
use serde::{Deserialize, Serialize};

use super::text::{DAY, HOUR, MINUTE, Millis};

/// `[probes]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probes {
    /// Sent until acked.
    pub produce: Limits,
    /// Acked until read.
    pub consume: Limits,
    /// Sent until read.
    pub end_to_end: Limits,
    /// A known record, read once more.
    pub fetch: DirectProbe,
    /// The monitor topics' metadata, of each broker.
    pub metadata: DirectProbe,
    /// A fresh connection.
    pub connect: DirectProbe,
    /// An offset committed and read back.
    pub commit: DirectProbe,
    /// A transaction committed, and one aborted.
    pub transaction: DirectProbe,
    /// A topic creation validated.
    pub controller: ControllerProbe,
}

impl Probes {
    /// The direct probes, whether enabled or not.
    #[must_use]
    pub fn direct(&self) -> [(Probe, DirectProbe); 6] {
        [
            (Probe::Fetch, self.fetch),
            (Probe::Metadata, self.metadata),
            (Probe::Connect, self.connect),
            (Probe::Commit, self.commit),
            (Probe::Transaction, self.transaction),
            (Probe::Controller, self.controller.direct()),
        ]
    }
}

/// `[probes.KIND]`: when an attempt is over, and when it was slow.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// At most 60 s.
    #[serde(with = "Millis::<1, MINUTE>")]
    pub deadline: Duration,
    /// Below the deadline.
    #[serde(with = "Millis::<1, MINUTE>")]
    pub threshold: Duration,
}

/// `[probes.KIND]` of a direct probe.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DirectProbe {
    /// Whether it runs.
    pub enabled: bool,
    /// Between two attempts at one broker: 10 ms to 1 h.
    #[serde(with = "Millis::<10, HOUR>")]
    pub interval: Duration,
    /// At most 60 s.
    #[serde(with = "Millis::<1, MINUTE>")]
    pub deadline: Duration,
    /// Below the deadline.
    #[serde(with = "Millis::<1, MINUTE>")]
    pub threshold: Duration,
}

impl DirectProbe {
    /// Deadline and threshold.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { deadline: self.deadline, threshold: self.threshold }
    }
}

/// `[probes.controller]`. It repeats the fields of [`DirectProbe`]: a flattened struct would lose the key of an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControllerProbe {
    /// As of [`DirectProbe`].
    pub enabled: bool,
    /// Between two attempts: 10 ms to 1 h.
    #[serde(with = "Millis::<10, HOUR>")]
    pub interval: Duration,
    /// Of each of two brokers: at most 30 s.
    #[serde(with = "Millis::<1, 30_000>")]
    pub deadline: Duration,
    /// Below the deadline.
    #[serde(with = "Millis::<1, MINUTE>")]
    pub threshold: Duration,
    /// Whether a real topic is created now and then.
    pub canary: bool,
    /// 10 s to 24 h.
    #[serde(with = "Millis::<10_000, DAY>")]
    pub canary_interval: Duration,
}

impl ControllerProbe {
    /// The part that every direct probe has.
    #[must_use]
    pub fn direct(&self) -> DirectProbe {
        let Self { enabled, interval, deadline, threshold, .. } = *self;
        DirectProbe { enabled, interval, deadline, threshold }
    }
}
