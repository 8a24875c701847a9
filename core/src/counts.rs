//! Cumulative counts as plain data: the ledger fills them, the snapshot carries them to exporters and pages.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::buckets::Buckets;
use crate::event::{Anomaly, Outcome, VoidReason};
use crate::fault::Blame;
use crate::ids::{Broker, ClusterName, Lane, Phase, Series, Subject};
use crate::time::Time;

/// Counts of one series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Attempts that came due, missed ones among them.
    pub due: u64,
    /// Attempts whose bytes went to the client.
    pub sent: u64,
    /// Counted events, by [`Outcome::index`].
    pub outcomes: [u64; Outcome::ALL.len()],
    /// Void events, by [`VoidReason::index`].
    pub voided: [u64; VoidReason::ALL.len()],
    /// Bad events of outcome `error` or `timeout`, by `error.type`.
    pub errors: BTreeMap<&'static str, u64>,
    /// Bad events whose fault does not blame the cluster, such as a missing permission.
    pub unclear: u64,
}

impl Counts {
    /// Events of this outcome.
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome.index()]
    }

    /// Attempts due and not yet counted: in flight, or waiting to settle.
    pub fn in_flight(&self) -> u64 {
        self.due.saturating_sub(self.outcomes.iter().sum())
    }
}

/// The newest judged event of a series, by when it was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatestEvent {
    /// When it was due.
    pub due: Time,
    /// When it ended.
    pub ended: Time,
    /// What it was counted as; never void or missed.
    pub outcome: Outcome,
    /// Its `error.type`, if it was bad.
    pub error_type: Option<&'static str>,
    /// Whose fault it was, if it was bad.
    pub blame: Option<Blame>,
}

/// Counts of one series.
#[derive(Clone, Debug)]
pub struct SeriesCounts {
    /// The series.
    pub series: Series,
    /// The broker that it is about; in the client view the preferred leader of the partition.
    pub broker: Broker,
    /// Its counts.
    pub counts: Counts,
    /// Its durations.
    pub buckets: Buckets,
    /// Its percentiles since the start, at most one second old.
    pub quantiles: Quantiles,
    /// Its newest judged event.
    pub latest: Option<LatestEvent>,
}

/// Percentiles of the durations counted, to two digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantiles {
    /// Durations counted.
    pub count: u64,
    /// Median.
    pub p50: Duration,
    /// 99th percentile.
    pub p99: Duration,
    /// Largest.
    pub max: Duration,
}

/// Good and bad events of one objective at one broker or partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectiveCounts {
    /// The cluster.
    pub cluster: ClusterName,
    /// Index into [`Snapshot::objectives`](crate::snapshot::Snapshot::objectives).
    pub objective: usize,
    /// What they are about.
    pub subject: Subject,
    /// The broker that it is; in the client view the preferred leader of the partition.
    pub broker: Broker,
    /// Good events.
    pub good: u64,
    /// Bad events.
    pub bad: u64,
    /// Events that the prober cannot vouch for: void and missed ones. They are neither good nor bad.
    pub excluded: u64,
}

/// Record anomalies of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordCounts {
    /// The cluster.
    pub cluster: ClusterName,
    /// The lane.
    pub lane: Lane,
    /// What they are about.
    pub subject: Subject,
    /// The broker that it is; in the client view the preferred leader of the partition.
    pub broker: Broker,
    /// By [`Anomaly::index`].
    pub anomalies: [u64; Anomaly::ALL.len()],
    /// Acks that came after their attempt was over.
    pub late_acks: u64,
}

/// Durations of one phase at one broker.
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseCounts {
    /// The cluster.
    pub cluster: ClusterName,
    /// The broker; [`Broker::Cluster`] for what the controller did.
    pub broker: Broker,
    /// The phase.
    pub phase: Phase,
    /// Its durations.
    pub buckets: Buckets,
}
