//! An immutable view of all counts, statuses and findings, for exporters and pages.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::buckets::Buckets;
use crate::counts::{ObjectiveCounts, PhaseCounts, RecordCounts, SeriesCounts};
use crate::diagnosis::catalog::Unfindable;
use crate::event::{Outcome, VoidReason};
use crate::finding::Finding;
use crate::finding_history::FindingKey;
use crate::ids::{BrokerId, ClusterName, Lane, Partition, Probe};
use crate::objective::Objective;
use crate::observed::Observed;
use crate::observed::registration::Registration;
use crate::time::{Time, WallTime};
use crate::vitals::{Control, ControlKind, Readings, Usage};

/// All counts, statuses and findings at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When, on the prober's clock.
    pub at: Time,
    /// When, by the calendar.
    pub wall: WallTime,
    /// Name of the vantage.
    pub vantage: Arc<str>,
    /// The objectives that [`ObjectiveCounts::objective`] numbers.
    pub objectives: Arc<[Objective]>,
    /// Counts of every series, in order.
    pub series: Vec<SeriesCounts>,
    /// Counts of every objective.
    pub objective_counts: Vec<ObjectiveCounts>,
    /// Counts of record anomalies.
    pub records: Vec<RecordCounts>,
    /// Durations of the direct probes' phases.
    pub phases: Vec<PhaseCounts>,
    /// How often a broker did not answer a controller request that another broker did (K17).
    pub channel_failures: BTreeMap<(ClusterName, BrokerId), u64>,
    /// The active findings.
    pub findings: Vec<Finding>,
    /// Findings that have ended in the last 15 minutes.
    pub ended_findings: Vec<FindingKey>,
    /// Direct probes that cannot run, with the reason and what would help.
    pub blocked_probes: Vec<BlockedProbe>,
    /// For each cluster what cannot be found, because a part of the prober is off.
    pub unfindable: Vec<UnfindableStatus>,
    /// Observation of each cluster that has answered.
    pub observed: Vec<Arc<Observed>>,
    /// Every known broker.
    pub brokers: Vec<BrokerStatus>,
    /// Every lane.
    pub lanes: Vec<LaneStatus>,
    /// Status of the prober itself.
    pub prober: ProberStatus,
}

/// What cannot be found in a cluster, because a part of the prober is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfindableStatus {
    /// The cluster.
    pub cluster: ClusterName,
    /// The kinds of finding, grouped by what is off; empty if all can be found.
    pub findings: Arc<[Unfindable]>,
}

/// A direct probe that cannot run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockedProbe {
    /// The cluster.
    pub cluster: ClusterName,
    /// The probe.
    pub probe: Probe,
    /// Why, and what would help, in one sentence.
    pub message: Arc<str>,
}

/// State of a broker; one-hot in the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BrokerState {
    /// Its newest events are good.
    Ok,
    /// An attempt has waited longer than is healthy, and has not failed yet.
    Suspect,
    /// Its newest events are bad; or it answers although the cluster does not list it.
    Failing,
    /// The cluster does not list it, and it does not answer.
    Absent,
    /// Bad inside a planned window.
    Planned,
}

impl BrokerState {
    /// Every state.
    pub const ALL: [BrokerState; 5] =
        [BrokerState::Ok, BrokerState::Suspect, BrokerState::Failing, BrokerState::Absent, BrokerState::Planned];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            BrokerState::Ok => "ok",
            BrokerState::Suspect => "suspect",
            BrokerState::Failing => "failing",
            BrokerState::Absent => "absent",
            BrokerState::Planned => "planned",
        }
    }

    /// State from whether the metadata list it (`registered`), whether it `answers` a probe that runs even while it is absent, the
    /// outcomes of its newest judged events, and for how long its oldest unacked record has been waiting.
    ///
    /// A broker absent from the metadata that still answers is `failing`, neither `ok` nor `absent`, even if all else
    /// fails: it may be acking writes that will be lost (K4). `None` for a registered broker without a judged event.
    pub fn of(registered: bool, answers: bool, newest: &[Outcome], waiting: Option<Duration>) -> Option<BrokerState> {
        let failing = newest.iter().any(|outcome| !matches!(outcome, Outcome::Good | Outcome::Slow));
        let suspect = waiting.is_some_and(|waiting| SUSPECT_AFTER <= waiting);
        match (registered, failing) {
            (true, true) => Some(BrokerState::Failing),
            (false, _) if answers => Some(BrokerState::Failing),
            (false, _) => Some(BrokerState::Absent),
            (true, false) if suspect => Some(BrokerState::Suspect),
            (true, false) => (!newest.is_empty()).then_some(BrokerState::Ok),
        }
    }
}

/// An attempt older than this is suspect: the diagnosis may use it long before the deadline, the counts may not.
pub const SUSPECT_AFTER: Duration = Duration::from_millis(500);

/// One broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerStatus {
    /// The cluster.
    pub cluster: ClusterName,
    /// Its id.
    pub broker: BrokerId,
    /// Its last known address.
    pub address: Option<String>,
    /// Its rack.
    pub rack: Option<String>,
    /// In the newest metadata.
    pub registered: bool,
    /// Its registration at the controllers: why it is not in the metadata.
    pub registration: Registration,
    /// Whether some enabled lane probes it.
    pub covered: bool,
    /// Its state; `None` until an event was judged.
    pub state: Option<BrokerState>,
    /// Its usual latency, with which its answers are compared; `None` until it is known.
    pub baseline: Option<Duration>,
}

/// State of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneState {
    /// No metadata yet.
    Connecting,
    /// Waiting for its topic, or creating it.
    Preparing,
    /// Probing.
    Probing,
    /// Off, because its measurements would be harmful or wrong; the message says why.
    Refused,
}

impl LaneState {
    /// The value in pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            LaneState::Connecting => "connecting",
            LaneState::Preparing => "preparing",
            LaneState::Probing => "probing",
            LaneState::Refused => "refused",
        }
    }
}

/// One lane of one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneStatus {
    /// The cluster.
    pub cluster: ClusterName,
    /// The lane.
    pub lane: Lane,
    /// Its topic.
    pub topic: Arc<str>,
    /// Its state.
    pub state: LaneState,
    /// A sentence that explains the state, where needed.
    pub message: Option<Arc<str>>,
    /// Partitions probed.
    pub partitions: usize,
    /// The leader of each partition of the topic by the newest metadata, `None` for a partition without one.
    pub leaders: BTreeMap<Partition, Option<BrokerId>>,
    /// Whether it has ever resolved an event, of any outcome: its part of readiness, a latch.
    pub ready: bool,
    /// For how long the oldest unacked record has waited, by the broker of its target.
    pub waiting: BTreeMap<BrokerId, Duration>,
    /// Statistics of the lane's librdkafka clients, by role; empty in a lane over our own wire client.
    pub clients: BTreeMap<&'static str, ClientVitals>,
}

/// Statistics of a librdkafka client: they explain outcomes and never decide them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientVitals {
    /// Brokers that it knows.
    pub brokers: usize,
    /// Brokers that it is connected to.
    pub connected: usize,
    /// Requests that timed out, so far.
    pub request_timeouts: u64,
    /// Records that wait for their delivery.
    pub waiting_records: u64,
    /// Operations that wait for our poll thread.
    pub waiting_callbacks: u64,
    /// Requests that wait to be sent, or to be answered.
    pub waiting_requests: u64,
    /// How much later than in the best case the poll thread received its newest statistics: every callback is as late.
    pub callback_delay: Option<Duration>,
    /// Errors that it reported, so far.
    pub errors: u64,
    /// Message of the newest error.
    pub last_error: Option<Arc<str>>,
}

/// Status of the prober itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProberStatus {
    /// Newest heartbeat, by the calendar.
    pub heartbeat: WallTime,
    /// Lag of the async heartbeat.
    pub task_lag: LagCounts,
    /// Lag of the OS thread.
    pub thread_lag: LagCounts,
    /// Stalls seen.
    pub stalls: u64,
    /// Time stalled, in all.
    pub stalled: Duration,
    /// Times that the wall clock jumped against the monotonic clock.
    pub clock_jumps: u64,
    /// Inputs dropped on a full queue.
    pub inputs_dropped: u64,
    /// Violations of the accounting invariant; always 0 unless there is a bug.
    pub imbalances: u64,
    /// Void events, by [`VoidReason::index`], over all series.
    pub voided: [u64; VoidReason::ALL.len()],
    /// Topic actions (action, result) and how often.
    pub topic_actions: Vec<(&'static str, &'static str, u64)>,
    /// Resources of its host and its container, as last read.
    pub readings: Readings,
    /// Largest number of inputs that waited for the engine at once in the last minute, and the capacity of the queue.
    pub inputs: Usage,
    /// Its controls, each with the address that it asks and its results.
    pub controls: Vec<(ControlKind, Arc<str>, Control)>,
}

/// Distribution of a lag.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LagCounts {
    /// By the edges of [`EDGES`](crate::buckets::EDGES).
    pub buckets: Buckets,
    /// The largest lag so far.
    pub max: Duration,
}

impl LagCounts {
    /// Adds one lag.
    pub fn add(&mut self, lag: Duration) {
        self.buckets.add(lag);
        self.max = self.max.max(lag);
    }
}

impl Snapshot {
    /// Number of registered brokers that no lane probes.
    pub fn uncovered(&self, cluster: &ClusterName) -> usize {
        let of = |status: &&BrokerStatus| status.cluster == *cluster && status.registered && !status.covered;
        self.brokers.iter().filter(of).count()
    }

    /// Observation of a cluster, if there is one.
    pub fn observed(&self, cluster: &ClusterName) -> Option<&Arc<Observed>> {
        self.observed.iter().find(|observed| observed.cluster == *cluster)
    }

    /// Whether every enabled lane has resolved an event, of any outcome.
    pub fn is_ready(&self) -> bool {
        !self.lanes.is_empty() && self.lanes.iter().all(|lane| lane.ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_broker_that_answers_is_failing_never_ok() {
        assert_eq!(BrokerState::of(false, true, &[Outcome::Good], None), Some(BrokerState::Failing));
        let stale = [Outcome::Good, Outcome::Error];
        assert_eq!(BrokerState::of(false, true, &stale, None), Some(BrokerState::Failing));
    }

    #[test]
    fn absent_broker_that_does_not_answer_is_absent() {
        assert_eq!(BrokerState::of(false, false, &[Outcome::Error, Outcome::Good], None), Some(BrokerState::Absent));
        assert_eq!(BrokerState::of(false, false, &[], None), Some(BrokerState::Absent));
    }

    #[test]
    fn slow_is_not_failing() {
        assert_eq!(BrokerState::of(true, true, &[Outcome::Slow], None), Some(BrokerState::Ok));
    }

    #[test]
    fn broker_without_a_judged_event_is_not_ok() {
        assert_eq!(BrokerState::of(true, false, &[], None), None);
    }

    #[test]
    fn wait_of_500_ms_is_suspect_unless_an_event_has_failed() {
        assert_eq!(BrokerState::of(true, true, &[Outcome::Good], Some(SUSPECT_AFTER)), Some(BrokerState::Suspect));
        assert_eq!(
            BrokerState::of(true, true, &[Outcome::Good], Some(Duration::from_millis(499))),
            Some(BrokerState::Ok)
        );
        assert_eq!(BrokerState::of(true, false, &[Outcome::Timeout], Some(SUSPECT_AFTER)), Some(BrokerState::Failing));
    }
}
