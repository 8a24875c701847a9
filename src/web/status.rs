//! `/api/v1/status`: serde counterparts of a snapshot, so that core types stay free to change.
//!
//! The shape, version 1; fields may be added to it, a change of meaning gets a new version:
//!
//! - `schema_version`, `vantage`, `time` (RFC 3339, UTC, when the snapshot was taken), `ready`
//! - `clusters[]`: `name`, `missing_brokers` and
//!   - `brokers[]`: `id`, `address`, `rack`, `registered` (in the metadata), `registration` (by the cluster:
//!     registered, fenced, unregistered, unknown), `covered`, `state` (ok, suspect, failing, absent, planned;
//!     null until something was judged), `baseline_ms` (its usual latency; null until it is known, which takes half a
//!     minute: until then it is slow only by the thresholds of its probes)
//!   - `lanes[]`: `lane`, `topic`, `state` (connecting, preparing, probing, refused), `message`, `partitions`, `ready`,
//!     `clients{}` (statistics of librdkafka's `producer` and `consumer`, empty in the pinned lane)
//!   - `series[]`, one per view, probe and broker, in the client view one per probe and partition: `broker`,
//!     `partition`, `preferred_leader`, `leader`, `due`, `sent`, `in_flight`, `outcomes{}`, `errors{}`, `void{}`,
//!     `durations` (`count`, `p50_ms`, `p99_ms`, `max_ms`, since the start), `latest` (the newest judged event:
//!     `outcome`, `error_type`, `ended_ms_ago`)
//!   - `objectives[]`: `name`, `view`, `probe`, `threshold_ms`, `target`, `good`, `bad`, `parts[]` with the `good` and
//!     `bad` of each broker or partition
//!   - `records[]`: `lane`, `broker`, `partition`, `preferred_leader`, `leader`, `anomalies{}`, `late_acks`
//!   - `phases[]`, of the direct probes: `broker`, `phase`, `count`, `mean_ms`
//!   - `blocked_probes[]`, direct probes that cannot run: `probe`, `message` (why, and what would help)
//!   - `unfindable[]`, kinds of finding that cannot be made while a part of the prober is off or cannot run: `off`, `kinds`, `message`
//!   - `observation`, the cluster's own report; see `observation.rs` for its shape; null before its first answer
//! - `prober`: `heartbeat_age_ms`, `lag` (`task`, `thread`: `count`, `max_ms`), `stalls`, `stalled_ms`, `clock_jumps`,
//!   `inputs_dropped`, `imbalances`, `void{}`, `topic_actions[]`, `exports`, and its resources; see `prober_health.rs`
//!
//! A broker is its id as a number, the text `"unknown"` before the first metadata, or null for the cluster as a whole
//! and in the client view. There `partition` is the partition's number, or `"unknown"` before the first metadata;
//! `preferred_leader` is the first of its replicas, and `leader` the broker that leads it by the newest metadata, or
//! `"none"`. The three are null in the other views. Counts are totals since the start of the process. What is not known
//! is `null`; a count that may be non-zero is never left out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use prober_core::counts::LatestEvent;
use prober_core::counts::{PhaseCounts, Quantiles, RecordCounts, SeriesCounts};
use prober_core::diagnosis::catalog::Unfindable;
use prober_core::event::{Anomaly, Outcome};
use prober_core::ids::ClusterName;
use prober_core::snapshot::{BlockedProbe, BrokerState, BrokerStatus, ClientVitals, LaneStatus, Snapshot};
use prober_core::time::Time;
use serde::Serialize;

use super::Exports;
use super::about::{About, BrokerName, Leaders};
use super::format::{millis, rfc3339, voided};
use super::observation::Observation;
use super::prober_status::Prober;

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
    unfindable: Vec<UnfindableRow>,
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
    baseline_ms: Option<f64>,
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

/// Kinds of finding that cannot be made, because what is in `off` is off.
#[derive(Debug, Serialize)]
struct UnfindableRow {
    off: Vec<String>,
    kinds: Vec<&'static str>,
    message: String,
}

#[derive(Debug, Serialize)]
struct BlockedProbeRow {
    probe: &'static str,
    message: Arc<str>,
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
        let leaders = &Leaders::of(snapshot, name);
        Cluster {
            name: name.to_string(),
            missing_brokers: snapshot.uncovered(name),
            brokers: snapshot.brokers.iter().filter(|row| row.cluster == *name).map(BrokerRow::of).collect(),
            lanes: snapshot.lanes.iter().filter(|row| row.cluster == *name).map(Lane::of).collect(),
            series: series.map(|row| Series::of(row, leaders, snapshot.at)).collect(),
            objectives: Objective::all(snapshot, name, leaders),
            records: snapshot
                .records
                .iter()
                .filter(|row| row.cluster == *name)
                .map(|row| Records::of(row, leaders))
                .collect(),
            phases: snapshot.phases.iter().filter(|row| row.cluster == *name).map(PhaseRow::of).collect(),
            blocked_probes: snapshot
                .blocked_probes
                .iter()
                .filter(|row| row.cluster == *name)
                .map(BlockedProbeRow::of)
                .collect(),
            unfindable: snapshot
                .unfindable
                .iter()
                .filter(|status| status.cluster == *name)
                .flat_map(|status| status.findings.iter().map(UnfindableRow::of))
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
            baseline_ms: status.baseline.map(millis),
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
    fn of(row: &SeriesCounts, leaders: &Leaders<'_>, now: Time) -> Series {
        let possible = row.series.probe.spec().outcomes;
        let outcomes = Outcome::ALL.into_iter().map(|outcome| (outcome, row.counts.of(outcome)));
        let shown = outcomes.filter(|(outcome, count)| possible.contains(outcome) || *count != 0);
        Series {
            view: row.series.view.as_str(),
            probe: row.series.probe.as_str(),
            about: About::of(row.series.subject, row.broker, leaders),
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
    fn all(snapshot: &Snapshot, cluster: &ClusterName, leaders: &Leaders<'_>) -> Vec<Objective> {
        let counted = |index: usize| {
            let met =
                snapshot.objective_counts.iter().filter(move |met| met.objective == index && met.cluster == *cluster);
            met.map(|met| ObjectivePart {
                about: About::of(met.subject, met.broker, leaders),
                good: met.good,
                bad: met.bad,
            })
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
    fn of(row: &RecordCounts, leaders: &Leaders<'_>) -> Records {
        Records {
            lane: row.lane.as_str(),
            about: About::of(row.subject, row.broker, leaders),
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

impl UnfindableRow {
    fn of(findings: &Unfindable) -> UnfindableRow {
        UnfindableRow {
            off: findings.off.iter().map(ToString::to_string).collect(),
            kinds: findings.kinds.iter().map(|kind| kind.as_str()).collect(),
            message: findings.to_string(),
        }
    }
}

impl BlockedProbeRow {
    fn of(blocked: &BlockedProbe) -> BlockedProbeRow {
        BlockedProbeRow { probe: blocked.probe.as_str(), message: Arc::clone(&blocked.message) }
    }
}
