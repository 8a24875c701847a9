//! `/api/v1/status`: serde counterparts of a snapshot, so that core types stay free to change.
//!
//! The shape, version 1; fields may be added to it, a change of meaning gets a new version:
//!
//! - `schema_version`, `vantage`, `time` (RFC 3339, UTC, when the snapshot was taken), `ready`
//! - `clusters[]`: `name`, `missing_brokers` and
//!   - `brokers[]`: `id`, `address`, `rack`, `registered` (in the metadata), `registration` (by the cluster:
//!     registered, fenced, unregistered, unknown), `covered`, `state` (ok, suspect, failing, absent, planned;
//!     null until something was judged)
//!   - `lanes[]`: `lane`, `topic`, `state` (connecting, preparing, probing, refused), `message`, `partitions`, `ready`,
//!     `clients{}` (statistics of librdkafka's `producer` and `consumer`, empty in the pinned lane)
//!   - `series[]`, one per view, probe and broker, in the client view one per probe and partition: `broker`,
//!     `partition`, `preferred_leader`, `due`, `sent`, `in_flight`, `outcomes{}`, `errors{}`, `void{}`,
//!     `durations` (`count`, `p50_ms`, `p99_ms`, `max_ms`, since the start), `latest` (the newest judged event:
//!     `outcome`, `error_type`, `ended_ms_ago`)
//!   - `objectives[]`: `name`, `view`, `probe`, `threshold_ms`, `target`, `good`, `bad`, `parts[]` with the `good` and
//!     `bad` of each broker or partition
//!   - `records[]`: `lane`, `broker`, `partition`, `preferred_leader`, `anomalies{}`, `late_acks`
//!   - `phases[]`, of the direct probes: `broker`, `phase`, `count`, `mean_ms`
//!   - `blocked_probes[]`, direct probes that cannot run: `probe`, `message` (why, and what would help)
//!   - `observation`, the cluster's own report; see `observation.rs` for its shape; null before its first answer
//! - `prober`: `heartbeat_age_ms`, `lag` (`task`, `thread`: `count`, `max_ms`), `stalls`, `stalled_ms`, `clock_jumps`,
//!   `inputs_dropped`, `imbalances`, `void{}`, `topic_actions[]`, `exports`, and its resources; see `prober_health.rs`
//!
//! A broker is its id as a number, the text `"unknown"` before the first metadata, or null for the cluster as a whole
//! and in the client view. There `partition` is the partition's number, or `"unknown"` before the first metadata, and
//! `preferred_leader` the broker that leads it when all are well; both are null in the other views. Counts are totals
//! since the start of the process. What is not known is `null`; a count that may be non-zero is never left out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use prober_core::counts::LatestEvent;
use prober_core::counts::{PhaseCounts, Quantiles, RecordCounts, SeriesCounts};
use prober_core::event::{Anomaly, Outcome, VoidReason};
use prober_core::ids::{Broker, ClusterName, Partition, Subject};
use prober_core::snapshot::{
    BlockedProbe, BrokerState, BrokerStatus, ClientVitals, LagCounts, LaneStatus, ProberStatus, Snapshot,
};
use prober_core::time::{Time, WallTime};
use serde::{Serialize, Serializer};

use super::Exports;
use super::format::{millis, rfc3339};
use super::observation::Observation;
use super::prober_health::ProberHealth;

/// Of [`Status::schema_version`].
pub const SCHEMA_VERSION: u32 = 1;

/// The whole document.
#[derive(Debug, Serialize)]
pub struct Status {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    vantage: Arc<str>,
    time: String,
    ready: bool,
    clusters: Vec<Cluster>,
    prober: Prober,
}

#[derive(Debug, Serialize)]
struct Cluster {
    name: String,
    missing_brokers: usize,
    brokers: Vec<BrokerRow>,
    lanes: Vec<Lane>,
    series: Vec<Series>,
    objectives: Vec<Objective>,
    records: Vec<Records>,
    phases: Vec<PhaseRow>,
    blocked_probes: Vec<BlockedProbeRow>,
    observation: Option<Observation>,
}

#[derive(Debug, Serialize)]
struct BrokerRow {
    id: i32,
    address: Option<String>,
    rack: Option<String>,
    registered: bool,
    registration: &'static str,
    covered: bool,
    state: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Lane {
    lane: &'static str,
    topic: Arc<str>,
    state: &'static str,
    message: Option<Arc<str>>,
    partitions: usize,
    ready: bool,
    clients: BTreeMap<&'static str, Client>,
}

#[derive(Debug, Serialize)]
struct Client {
    brokers: usize,
    connected: usize,
    request_timeouts: u64,
    waiting_records: u64,
    waiting_callbacks: u64,
    waiting_requests: u64,
    callback_delay_ms: Option<f64>,
    errors: u64,
    last_error: Option<Arc<str>>,
}

#[derive(Debug, Serialize)]
struct Series {
    view: &'static str,
    probe: &'static str,
    #[serde(flatten)]
    about: About,
    due: u64,
    sent: u64,
    in_flight: u64,
    outcomes: BTreeMap<&'static str, u64>,
    errors: BTreeMap<&'static str, u64>,
    void: BTreeMap<&'static str, u64>,
    durations: Durations,
    latest: Option<LatestRow>,
}

#[derive(Debug, Serialize)]
struct Durations {
    count: u64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

#[derive(Debug, Serialize)]
struct LatestRow {
    outcome: &'static str,
    error_type: Option<&'static str>,
    ended_ms_ago: f64,
}

#[derive(Debug, Serialize)]
struct Objective {
    name: String,
    view: &'static str,
    probe: &'static str,
    threshold_ms: Option<f64>,
    target: f64,
    good: u64,
    bad: u64,
    parts: Vec<ObjectivePart>,
}

#[derive(Debug, Serialize)]
struct ObjectivePart {
    #[serde(flatten)]
    about: About,
    good: u64,
    bad: u64,
}

#[derive(Debug, Serialize)]
struct Records {
    lane: &'static str,
    #[serde(flatten)]
    about: About,
    anomalies: BTreeMap<&'static str, u64>,
    late_acks: u64,
}

#[derive(Debug, Serialize)]
struct PhaseRow {
    broker: BrokerName,
    phase: &'static str,
    count: u64,
    mean_ms: f64,
}

#[derive(Debug, Serialize)]
struct BlockedProbeRow {
    probe: &'static str,
    message: Arc<str>,
}

#[derive(Debug, Serialize)]
struct Prober {
    heartbeat_age_ms: f64,
    lag: Lags,
    stalls: u64,
    stalled_ms: f64,
    clock_jumps: u64,
    inputs_dropped: u64,
    imbalances: u64,
    void: BTreeMap<&'static str, u64>,
    topic_actions: Vec<TopicAction>,
    exports: ExportCounts,
    #[serde(flatten)]
    health: ProberHealth,
}

#[derive(Debug, Serialize)]
struct Lags {
    task: Lag,
    thread: Lag,
}

#[derive(Debug, Serialize)]
struct Lag {
    count: u64,
    max_ms: f64,
}

#[derive(Debug, Serialize)]
struct TopicAction {
    action: &'static str,
    result: &'static str,
    count: u64,
}

#[derive(Debug, Serialize)]
struct ExportCounts {
    success: u64,
    failure: u64,
    timeout: u64,
    last_success: Option<String>,
}

/// What a row is about: a broker, or a partition with its preferred leader.
#[derive(Debug, Serialize)]
struct About {
    broker: Option<BrokerName>,
    partition: Option<PartitionName>,
    preferred_leader: Option<BrokerName>,
}

impl About {
    fn of(subject: Subject, broker: Broker) -> About {
        match subject {
            Subject::Broker(broker) => {
                About { broker: Some(BrokerName(broker)), partition: None, preferred_leader: None }
            }
            Subject::Partition(partition) => About {
                broker: None,
                partition: Some(PartitionName(partition)),
                preferred_leader: Some(BrokerName(broker)),
            },
        }
    }
}

/// A partition's number, or `"unknown"`.
#[derive(Debug)]
struct PartitionName(Option<Partition>);

impl Serialize for PartitionName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(partition) => serializer.serialize_i32(partition.0),
            None => serializer.serialize_str("unknown"),
        }
    }
}

/// A broker's id as a number, `"unknown"`, or null for the cluster as a whole.
#[derive(Debug)]
struct BrokerName(Broker);

impl Serialize for BrokerName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Broker::Id(id) => serializer.serialize_i32(id.0),
            Broker::Cluster => serializer.serialize_none(),
            Broker::Unknown => serializer.collect_str(&self.0),
        }
    }
}

impl Status {
    /// The page of a snapshot.
    pub fn of(snapshot: &Snapshot, ready: bool, exports: Exports) -> Status {
        let of_lanes = snapshot.lanes.iter().map(|lane| &lane.cluster);
        let of_series = snapshot.series.iter().map(|row| &row.series.cluster);
        let of_brokers = snapshot.brokers.iter().map(|broker| &broker.cluster);
        let clusters: BTreeSet<_> = of_lanes.chain(of_series).chain(of_brokers).collect();
        Status {
            schema_version: SCHEMA_VERSION,
            vantage: Arc::clone(&snapshot.vantage),
            time: rfc3339(snapshot.wall),
            ready,
            clusters: clusters.into_iter().map(|cluster| Cluster::of(snapshot, cluster)).collect(),
            prober: Prober::of(&snapshot.prober, snapshot.wall, snapshot.at, exports),
        }
    }
}

impl Cluster {
    fn of(snapshot: &Snapshot, name: &ClusterName) -> Cluster {
        let series = snapshot.series.iter().filter(|row| row.series.cluster == *name);
        Cluster {
            name: name.to_string(),
            missing_brokers: snapshot.uncovered(name),
            brokers: snapshot.brokers.iter().filter(|row| row.cluster == *name).map(BrokerRow::of).collect(),
            lanes: snapshot.lanes.iter().filter(|row| row.cluster == *name).map(Lane::of).collect(),
            series: series.map(|row| Series::of(row, snapshot.at)).collect(),
            objectives: Objective::all(snapshot, name),
            records: snapshot.records.iter().filter(|row| row.cluster == *name).map(Records::of).collect(),
            phases: snapshot.phases.iter().filter(|row| row.cluster == *name).map(PhaseRow::of).collect(),
            blocked_probes: snapshot
                .blocked_probes
                .iter()
                .filter(|row| row.cluster == *name)
                .map(BlockedProbeRow::of)
                .collect(),
            observation: snapshot.observed(name).map(|observed| Observation::of(observed, snapshot.at)),
        }
    }
}

impl BrokerRow {
    fn of(status: &BrokerStatus) -> BrokerRow {
        BrokerRow {
            id: status.broker.0,
            address: status.address.clone(),
            rack: status.rack.clone(),
            registered: status.registered,
            registration: status.registration.as_str(),
            covered: status.covered,
            state: status.state.map(BrokerState::as_str),
        }
    }
}

impl Lane {
    fn of(status: &LaneStatus) -> Lane {
        Lane {
            lane: status.lane.as_str(),
            topic: Arc::clone(&status.topic),
            state: status.state.as_str(),
            message: status.message.clone(),
            partitions: status.partitions,
            ready: status.ready,
            clients: status.clients.iter().map(|(role, vitals)| (*role, Client::of(vitals))).collect(),
        }
    }
}

impl Client {
    fn of(vitals: &ClientVitals) -> Client {
        Client {
            brokers: vitals.brokers,
            connected: vitals.connected,
            request_timeouts: vitals.request_timeouts,
            waiting_records: vitals.waiting_records,
            waiting_callbacks: vitals.waiting_callbacks,
            waiting_requests: vitals.waiting_requests,
            callback_delay_ms: vitals.callback_delay.map(millis),
            errors: vitals.errors,
            last_error: vitals.last_error.clone(),
        }
    }
}

impl Series {
    fn of(row: &SeriesCounts, now: Time) -> Series {
        let possible = row.series.probe.spec().outcomes;
        let outcomes = Outcome::ALL.into_iter().map(|outcome| (outcome, row.counts.of(outcome)));
        let shown = outcomes.filter(|(outcome, count)| possible.contains(outcome) || *count != 0);
        Series {
            view: row.series.view.as_str(),
            probe: row.series.probe.as_str(),
            about: About::of(row.series.subject, row.broker),
            due: row.counts.due,
            sent: row.counts.sent,
            in_flight: row.counts.in_flight(),
            outcomes: shown.map(|(outcome, count)| (outcome.as_str(), count)).collect(),
            errors: row.counts.errors.clone(),
            void: voided(&row.counts.voided),
            durations: Durations::of(&row.quantiles),
            latest: row.latest.as_ref().map(|latest| LatestRow::of(latest, now)),
        }
    }
}

impl Durations {
    fn of(quantiles: &Quantiles) -> Durations {
        Durations {
            count: quantiles.count,
            p50_ms: millis(quantiles.p50),
            p99_ms: millis(quantiles.p99),
            max_ms: millis(quantiles.max),
        }
    }
}

impl LatestRow {
    fn of(latest: &LatestEvent, now: Time) -> LatestRow {
        LatestRow {
            outcome: latest.outcome.as_str(),
            error_type: latest.error_type,
            ended_ms_ago: millis(now.since(latest.ended)),
        }
    }
}

impl Objective {
    /// Every objective that has been counted in the cluster.
    fn all(snapshot: &Snapshot, cluster: &ClusterName) -> Vec<Objective> {
        let counted = |index: usize| {
            let met =
                snapshot.objective_counts.iter().filter(move |met| met.objective == index && met.cluster == *cluster);
            met.map(|met| ObjectivePart { about: About::of(met.subject, met.broker), good: met.good, bad: met.bad })
        };
        let objectives = snapshot.objectives.iter().enumerate().map(|(index, objective)| {
            let parts: Vec<_> = counted(index).collect();
            Objective {
                name: objective.name.clone(),
                view: objective.view.as_str(),
                probe: objective.probe.as_str(),
                threshold_ms: objective.threshold.map(millis),
                target: objective.target,
                good: parts.iter().map(|row| row.good).sum(),
                bad: parts.iter().map(|row| row.bad).sum(),
                parts,
            }
        });
        objectives.filter(|objective| !objective.parts.is_empty()).collect()
    }
}

impl Records {
    fn of(row: &RecordCounts) -> Records {
        Records {
            lane: row.lane.as_str(),
            about: About::of(row.subject, row.broker),
            anomalies: Anomaly::ALL.iter().map(|kind| (kind.as_str(), row.anomalies[kind.index()])).collect(),
            late_acks: row.late_acks,
        }
    }
}

impl PhaseRow {
    fn of(row: &PhaseCounts) -> PhaseRow {
        let count = row.buckets.count();
        PhaseRow {
            broker: BrokerName(row.broker),
            phase: row.phase.as_str(),
            count,
            mean_ms: row.buckets.sum() * 1e3 / count.max(1) as f64,
        }
    }
}

impl BlockedProbeRow {
    fn of(blocked: &BlockedProbe) -> BlockedProbeRow {
        BlockedProbeRow { probe: blocked.probe.as_str(), message: Arc::clone(&blocked.message) }
    }
}

impl Prober {
    fn of(status: &ProberStatus, now: WallTime, at: Time, exports: Exports) -> Prober {
        let age = now.0.saturating_sub(status.heartbeat.0);
        Prober {
            heartbeat_age_ms: millis(Duration::from_nanos(u64::try_from(age).unwrap_or(0))),
            lag: Lags { task: Lag::of(&status.task_lag), thread: Lag::of(&status.thread_lag) },
            stalls: status.stalls,
            stalled_ms: millis(status.stalled),
            clock_jumps: status.clock_jumps,
            inputs_dropped: status.inputs_dropped,
            imbalances: status.imbalances,
            void: voided(&status.voided),
            topic_actions: status
                .topic_actions
                .iter()
                .map(|(action, result, count)| TopicAction { action, result, count: *count })
                .collect(),
            exports: ExportCounts {
                success: exports.success,
                failure: exports.failure,
                timeout: exports.timeout,
                last_success: exports.last_success.map(rfc3339),
            },
            health: ProberHealth::of(status, at),
        }
    }
}

impl Lag {
    fn of(lag: &LagCounts) -> Lag {
        Lag { count: lag.buckets.count(), max_ms: millis(lag.max) }
    }
}

fn voided(counts: &[u64; VoidReason::ALL.len()]) -> BTreeMap<&'static str, u64> {
    VoidReason::ALL.iter().map(|reason| (reason.as_str(), counts[reason.index()])).collect()
}
