//! The event loop: one task owns the ledger. A closed `enum Input` in, an immutable snapshot out every 100 ms.
//!
//! It runs on the probe runtime, beside the wire and the heartbeat, and waits for nothing but its inputs and the next due
//! time. Everything downstream reads the newest snapshot.

mod decommissioned;
mod diagnosis;
mod direct;
mod evidence_sources;
mod finding_log;
mod inputs;
mod recorder;
mod status;
mod vitals_status;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prober_core::buckets::Edges;
use prober_core::counting::Counting;
use prober_core::diagnosis::evidence::Settings as DiagnosisSettings;
use prober_core::diagnosis::input::Input as DiagnosisInput;
use prober_core::event::{Anomaly, RawOutcome};
use prober_core::fault::Fault;
use prober_core::finding::Finding;
use prober_core::finding_history::FindingHistory;
use prober_core::ids::{ClusterName, Lane};
use prober_core::objective::Objective;
use prober_core::observed::Observed;
use prober_core::settle::Stall;
use prober_core::snapshot::Snapshot;
use prober_core::time::Time;
use prober_core::topology::Topology;
use prober_probes::clock::Clock;
use prober_probes::direct::scheduler::DirectScheduler;
use prober_probes::port::{self, LaneInput, ProbeInput};
use prober_probes::record::Identity;
use prober_probes::round_trip::{RoundTrip, Settings};
use tokio::sync::{mpsc, watch};

use crate::kafka::Report;
use crate::vitals::Vital;

use decommissioned::Decommissioned;
use diagnosis::{ClusterDiagnosis, Followed};
use direct::LatestDirectStatus;
use evidence_sources::EvidenceSources;
use inputs::Input;
use status::{LatestLaneStatus, SelfStatus, StateLog};
use vitals_status::VitalsStatus;

pub use inputs::{EngineBuilder, Inputs, queue};
pub use recorder::Recording;
#[cfg(test)]
pub(crate) use recorder::recording_of_a_test;

/// Interval between snapshots.
pub const SNAPSHOT_EVERY: Duration = Duration::from_millis(100);

/// If the engine wakes later than this it was stalled: responses that arrived meanwhile are taken before any deadline fires.
const LATE: Duration = Duration::from_millis(20);

/// How long deadlines wait after a stall: other tasks of this runtime have to read the sockets first.
const DRAIN_FOR: Duration = Duration::from_millis(20);

/// Expected interval between responses of a broker without a pinned lane: only direct probes are answered.
const RARE: Duration = Duration::from_secs(1);

/// A lane of a cluster that is probed.
pub struct Route {
    /// The cluster.
    pub cluster: ClusterName,
    /// The lane.
    pub lane: Lane,
    /// Its topic.
    pub topic: Arc<str>,
    /// Run and vantage, as written into the records.
    pub identity: Identity,
    /// Schedule, deadlines and record size.
    pub settings: Settings,
}

/// Owns the ledger and all evidence; runs as one task.
pub struct Engine {
    clock: Clock,
    vantage: Arc<str>,
    inputs: mpsc::Receiver<Input>,
    dropped: Arc<[AtomicU64]>,
    responses_dropped: Arc<[AtomicU64]>,
    lanes: Vec<LaneRuntime>,
    probes: Vec<ProbeRuntime>,
    observed: BTreeMap<ClusterName, Arc<Observed>>,
    diagnoses: Vec<ClusterDiagnosis>,
    evidence_sources: EvidenceSources,
    decommissioned: Decommissioned,
    objectives: Arc<[Objective]>,
    counting: Counting,
    prober: SelfStatus,
    vitals: VitalsStatus,
    finding_history: FindingHistory,
    states: StateLog,
    publish: watch::Sender<Arc<Snapshot>>,
    publish_at: Time,
}

struct LaneRuntime {
    route: Route,
    round_trip: RoundTrip,
    port: Box<dyn port::Lane + Send>,
    topology: Topology,
    latest: LatestLaneStatus,
}

/// The running direct probes of a cluster.
struct ProbeRuntime {
    cluster: ClusterName,
    direct: DirectScheduler,
    port: Box<dyn port::ProbeClient + Send>,
    latest: LatestDirectStatus,
}

/// The snapshot before the first event.
pub fn empty_snapshot(vantage: &Arc<str>, objectives: &Arc<[Objective]>) -> Snapshot {
    Snapshot {
        at: Time::ORIGIN,
        wall: prober_core::time::WallTime::default(),
        vantage: Arc::clone(vantage),
        objectives: Arc::clone(objectives),
        series: Vec::new(),
        objective_counts: Vec::new(),
        records: Vec::new(),
        phases: Vec::new(),
        channel_failures: BTreeMap::new(),
        findings: Vec::new(),
        ended_findings: Vec::new(),
        blocked_probes: Vec::new(),
        unfindable: Vec::new(),
        observed: Vec::new(),
        brokers: Vec::new(),
        lanes: Vec::new(),
        prober: prober_core::snapshot::ProberStatus::default(),
    }
}

/// What an engine needs besides its lanes and direct probes.
pub struct Setup {
    /// The clock of the process.
    pub clock: Clock,
    /// Name of the place that the prober runs at.
    pub vantage: Arc<str>,
    /// Objectives that events are judged by.
    pub objectives: Arc<[Objective]>,
    /// The edges of the duration histograms.
    pub edges: Edges,
    /// Where snapshots go.
    pub publish: watch::Sender<Arc<Snapshot>>,
    /// Address of the reference control, if there is one.
    pub reference: Option<Arc<str>>,
    /// Whether the last minutes of what the diagnosis takes in are recorded.
    pub is_recording: bool,
    /// The clusters that are observed.
    pub observed: BTreeSet<ClusterName>,
}

impl EngineBuilder {
    /// The engine over these lanes and direct probes, in the order in which their inputs number them.
    pub fn build(
        self,
        routes: Vec<(Route, Box<dyn port::Lane + Send>)>,
        directs: Vec<(ClusterName, DirectScheduler, Box<dyn port::ProbeClient + Send>)>,
        setup: Setup,
    ) -> Engine {
        let clock = setup.clock;
        let routes: Vec<LaneRuntime> =
            routes.into_iter().map(|(route, port)| LaneRuntime::new(route, port, clock)).collect();
        let probes =
            |(cluster, direct, port)| ProbeRuntime { cluster, direct, port, latest: LatestDirectStatus::default() };
        let directs: Vec<ProbeRuntime> = directs.into_iter().map(probes).collect();
        let diagnoses = diagnoses(&routes, &directs, &setup);
        Engine {
            clock,
            vantage: setup.vantage,
            inputs: self.inputs,
            dropped: self.dropped,
            responses_dropped: self.responses_dropped,
            lanes: routes,
            probes: directs,
            observed: BTreeMap::new(),
            diagnoses,
            evidence_sources: EvidenceSources::new(setup.observed),
            decommissioned: Decommissioned::default(),
            counting: Counting::new(Arc::clone(&setup.objectives), setup.edges),
            objectives: setup.objectives,
            prober: SelfStatus::default(),
            vitals: VitalsStatus::new(setup.reference),
            finding_history: FindingHistory::default(),
            states: StateLog::default(),
            publish: setup.publish,
            publish_at: Time::ORIGIN,
        }
    }
}

impl LaneRuntime {
    fn new(route: Route, port: Box<dyn port::Lane + Send>, clock: Clock) -> LaneRuntime {
        let round_trip = RoundTrip::new(route.cluster.clone(), route.lane, route.identity, route.settings, clock);
        LaneRuntime { route, round_trip, port, topology: Topology::default(), latest: LatestLaneStatus::default() }
    }
}

impl Engine {
    /// Runs until `stop` is true. Then attempts in flight become void, and the last snapshot counts them.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut drained_until = Time::ORIGIN;
        loop {
            let wake = self.next_wake().max(drained_until);
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                Some(input) = self.inputs.recv() => {
                    self.vitals.on_queue_depth(self.inputs.len() + 1);
                    self.on_input(input);
                }
                () = self.clock.sleep_until(wake) => {}
            }
            while let Ok(input) = self.inputs.try_recv() {
                self.on_input(input);
            }
            let now = self.clock.now();
            let stalled = LATE < now.since(wake) && drained_until <= wake;
            if stalled {
                drained_until = now + DRAIN_FOR;
            }
            if drained_until <= now {
                self.advance(now);
            }
        }
        self.shut_down();
    }

    fn next_wake(&self) -> Time {
        let of_routes = self.lanes.iter().map(|lane| lane.round_trip.next_wake());
        of_routes
            .chain(self.probes.iter().map(|probes| probes.direct.next_wake()))
            .min()
            .unwrap_or(Time::NEVER)
            .min(self.publish_at)
    }

    fn on_input(&mut self, input: Input) {
        match input {
            Input::Kafka { route, report } => self.on_report(route, report),
            Input::Direct { cluster, input } => {
                let Some(probes) = self.probes.get_mut(cluster) else { return };
                if let ProbeInput::Action { action, result } = &input {
                    self.prober.acted(action, result);
                }
                if let Some(diagnosis) = diagnosis_of(&mut self.diagnoses, &probes.cluster) {
                    diagnosis.on_probe_input(self.clock.now(), &input);
                }
                probes.latest.on_input(&input);
                let shortage = match &input {
                    ProbeInput::ConnectChecked { at, fault: Some(Fault::LocalResources), .. } => Some(*at),
                    _ => None,
                };
                probes.direct.on_input(input, &mut self.counting);
                if let Some(at) = shortage {
                    self.observe_everywhere(&DiagnosisInput::ResourceShortage(at));
                }
            }
            Input::Observed(observed) => {
                if let Some(diagnosis) = diagnosis_of(&mut self.diagnoses, &observed.cluster) {
                    let at = self.clock.now();
                    diagnosis.observe(at, DiagnosisInput::Observed { at, observed: Arc::clone(&observed) });
                }
                self.observed.insert(observed.cluster.clone(), observed);
            }
            Input::Vital(vital) => self.on_vital(vital),
            Input::Recording { cluster, reply } => {
                let recording = diagnosis_of(&mut self.diagnoses, &cluster)
                    .and_then(|diagnosis| diagnosis.recording(&self.vantage, &self.objectives));
                // Without one, or if nobody waits any more, the reply is dropped.
                recording.map(|recording| reply.send(recording).ok());
            }
        }
    }

    fn on_report(&mut self, route: usize, report: Report) {
        let Some(lane) = self.lanes.get_mut(route) else { return };
        let diagnosis = diagnosis_of(&mut self.diagnoses, &lane.route.cluster);
        let is_replicated = lane.route.lane == Lane::Replicated;
        match report {
            Report::Lane(input) => {
                if let (true, Some(diagnosis)) = (is_replicated, diagnosis)
                    && let LaneInput::Refuses { partition, at, fault } = input
                {
                    diagnosis.observe(self.clock.now(), DiagnosisInput::Refuses { partition, at, fault });
                }
                lane.latest.on_input(&input);
                lane.round_trip.on_input(input, &mut self.counting, lane.port.as_mut());
            }
            Report::Topology(topology) => lane.topology = topology,
            Report::Topic(topic) => {
                lane.latest.on_topic(&topic);
                if let (true, Some(diagnosis)) = (is_replicated, diagnosis) {
                    diagnosis.observe(self.clock.now(), DiagnosisInput::Topic(topic));
                }
            }
            Report::Overdue(connection) => {
                if let Some(diagnosis) = diagnosis {
                    diagnosis.observe(self.clock.now(), DiagnosisInput::Overdue(connection));
                }
            }
            Report::Client { role, vitals } => lane.latest.client(role, vitals),
            Report::Action { action, result } => self.prober.acted(action, result),
        }
    }

    fn on_vital(&mut self, vital: Vital) {
        match vital {
            Vital::Task { expected, at } => {
                let lag = at.since(expected);
                let stall = self.counting.beat(expected, at);
                if let Some(stall) = stall {
                    self.observe_everywhere(&DiagnosisInput::Stall(stall));
                }
                self.prober.beat(lag, stall, self.clock.wall());
            }
            Vital::Thread { expected, at } => {
                let lag = at.since(expected);
                self.prober.thread_beat(lag);
            }
            Vital::ClockJump { nanos } => self.prober.clock_jumped(nanos),
            Vital::Throttled { from, to } => self.counting.on_throttled(Stall { from, to }),
            Vital::Suspended { at, length } => self.on_resume(at, length),
            Vital::Readings(readings) => {
                self.vitals.on_readings(readings);
                self.observe_everywhere(&DiagnosisInput::Readings(readings));
            }
            Vital::Control { control, asked, has_answered } => {
                self.vitals.on_control(control, asked, has_answered);
                self.observe_everywhere(&DiagnosisInput::Control { control, asked, has_answered });
            }
        }
    }

    /// The diagnosis of each cluster takes in what concerns the prober itself.
    fn observe_everywhere(&mut self, input: &DiagnosisInput) {
        let at = self.clock.now();
        self.diagnoses.iter_mut().for_each(|diagnosis| diagnosis.observe(at, input.clone()));
    }

    /// The host resumed from a suspend: all attempts in flight were interrupted by the prober's side, so they are void.
    fn on_resume(&mut self, at: Time, length: Duration) {
        tracing::warn!(seconds = length.as_secs_f64(), "the host was suspended; attempts in flight are void");
        self.observe_everywhere(&DiagnosisInput::Resumed { at, length });
        self.counting.on_resume();
        for lane in &mut self.lanes {
            lane.round_trip.on_resume(at, &mut self.counting, lane.port.as_mut());
        }
        for probes in &mut self.probes {
            probes.direct.on_resume(at, &mut self.counting);
        }
    }

    fn advance(&mut self, now: Time) {
        for (lane, dropped) in self.lanes.iter_mut().zip(self.dropped.iter()) {
            let lost = dropped.swap(0, Ordering::Relaxed);
            if 0 < lost {
                self.prober.dropped(lost);
                lane.round_trip.input_dropped(now, &mut self.counting, lane.port.as_mut());
            }
            lane.round_trip.advance(now, &mut self.counting, lane.port.as_mut());
        }
        for (probes, dropped) in self.probes.iter_mut().zip(self.responses_dropped.iter()) {
            let lost = dropped.swap(0, Ordering::Relaxed);
            if 0 < lost {
                self.prober.dropped(lost);
                probes.direct.input_dropped(now, &mut self.counting);
            }
            probes.direct.advance(now, &mut self.counting, probes.port.as_mut());
        }
        let diagnoses = &mut self.diagnoses;
        self.counting.settle(now, |event| {
            // Resources of this host are short for every cluster.
            if event.raw_outcome == RawOutcome::Failed(Fault::LocalResources) {
                let shortage = DiagnosisInput::ResourceShortage(event.ended);
                diagnoses.iter_mut().for_each(|diagnosis| diagnosis.observe(now, shortage.clone()));
            }
            if let Some(diagnosis) = diagnosis_of(diagnoses, &event.series.cluster) {
                diagnosis.observe(now, DiagnosisInput::Event(event));
            }
        });
        if self.publish_at <= now {
            self.publish_at = now + SNAPSHOT_EVERY;
            self.remove_decommissioned(now);
            self.diagnose(now);
            self.publish(now);
        }
    }

    /// Ends the probes of decommissioned brokers.
    fn remove_decommissioned(&mut self, now: Time) {
        for lane in &mut self.lanes {
            let cluster = &lane.route.cluster;
            let Some(observed) = self.observed.get(cluster) else { continue };
            self.decommissioned.follow(observed, &lane.topology, now);
            lane.round_trip.set_decommissioned(self.decommissioned.of(cluster), now, &mut self.counting);
        }
        for probes in &mut self.probes {
            probes.direct.set_decommissioned(self.decommissioned.of(&probes.cluster), now, &mut self.counting);
        }
    }

    /// Evaluates the evidence of each cluster, and begins the connect checks that are wanted.
    fn diagnose(&mut self, now: Time) {
        for diagnosis in &mut self.diagnoses {
            let cluster = &diagnosis.cluster;
            let of_lanes = || self.lanes.iter().filter(|lane| lane.route.cluster == *cluster);
            let mut probes = self.probes.iter_mut().find(|probes| probes.cluster == *cluster);
            let permissions = of_lanes().filter_map(|lane| lane.latest.permission());
            let of_probes = probes.iter().flat_map(|probes| probes.latest.permissions());
            let decommissioned = self.decommissioned.of(cluster);
            let known = of_lanes().flat_map(|lane| lane.topology.brokers.keys().copied());
            let followed = Followed {
                brokers: known.filter(|id| !decommissioned.contains(id)).collect(),
                lost: self.counting.ledger().anomalies(cluster, Lane::Replicated, Anomaly::Lost),
                missing_permissions: permissions.chain(of_probes).cloned().collect(),
            };
            let wanted = diagnosis.evaluate(now, followed);
            if let Some(probes) = &mut probes {
                wanted.into_iter().for_each(|broker| probes.port.connect_check(broker));
            }
        }
    }

    fn publish(&mut self, now: Time) {
        let of_routes: usize = self.lanes.iter().map(|lane| lane.round_trip.open()).sum();
        let of_directs: usize = self.probes.iter().map(|probes| probes.direct.open()).sum();
        self.prober.balanced(self.counting.balance(of_routes + of_directs));
        let snapshot = self.snapshot(now);
        self.states.follow(&snapshot.brokers);
        self.publish.send_replace(Arc::new(snapshot));
    }

    fn snapshot(&mut self, now: Time) -> Snapshot {
        let ledger = self.counting.ledger_mut();
        let (series, objective_counts, records) = (ledger.series(now), ledger.objectives(), ledger.records());
        let (phases, channel_failures) = (ledger.phases(), ledger.channel_failures());
        let lane_status = self.lanes.iter().map(|lane| lane.status(now)).collect();
        let mut brokers =
            status::brokers(&self.lanes, &self.observed, &self.decommissioned, self.counting.ledger(), now);
        for broker in &mut brokers {
            let diagnosis = self.diagnoses.iter().find(|diagnosis| diagnosis.cluster == broker.cluster);
            broker.baseline = diagnosis.and_then(|diagnosis| diagnosis.baseline(broker.broker));
        }
        let mut prober = self.prober.status(&series);
        self.vitals.show(&mut prober);
        let findings: Vec<Finding> =
            self.diagnoses.iter().flat_map(|diagnosis| diagnosis.findings().iter().cloned()).collect();
        let ended_findings = self.finding_history.follow(&findings, now);
        let (sources, lanes, probes) = (&mut self.evidence_sources, &self.lanes, &self.probes);
        let clusters = self.diagnoses.iter().map(|diagnosis| &diagnosis.cluster);
        let unfindable = clusters.map(|cluster| sources.unfindable(cluster, lanes, probes)).collect();
        let mut snapshot = Snapshot {
            at: now,
            wall: self.clock.wall(),
            vantage: Arc::clone(&self.vantage),
            objectives: Arc::clone(&self.objectives),
            prober,
            series,
            objective_counts,
            records,
            phases,
            channel_failures,
            findings,
            ended_findings,
            blocked_probes: self.probes.iter().flat_map(ProbeRuntime::blocked_probes).collect(),
            unfindable,
            observed: self.observed.values().cloned().collect(),
            brokers,
            lanes: lane_status,
        };
        self.decommissioned.remove_from(&mut snapshot);
        snapshot
    }

    fn shut_down(&mut self) {
        let now = self.clock.now();
        for lane in &mut self.lanes {
            lane.round_trip.shut_down(now, &mut self.counting, lane.port.as_mut());
        }
        for probes in &mut self.probes {
            probes.direct.shut_down(now, &mut self.counting);
        }
        self.counting.close();
        self.counting.ledger_mut().refresh_quantiles();
        self.publish(now);
    }
}

/// The pinned lane of a cluster, if it is enabled.
fn pinned<'a>(routes: &'a [LaneRuntime], cluster: &ClusterName) -> Option<&'a LaneRuntime> {
    routes.iter().find(|lane| lane.route.cluster == *cluster && lane.route.lane == Lane::Pinned)
}

/// A diagnosis for each cluster that is probed.
fn diagnoses(lanes: &[LaneRuntime], probes: &[ProbeRuntime], setup: &Setup) -> Vec<ClusterDiagnosis> {
    let of_lanes = lanes.iter().map(|lane| &lane.route.cluster);
    let clusters: BTreeSet<&ClusterName> = of_lanes.chain(probes.iter().map(|probes| &probes.cluster)).collect();
    let recorder_bytes = setup.is_recording.then(|| recorder::BYTES_MAX / clusters.len().max(1));
    let diagnosis = |cluster: &ClusterName| {
        let settings = DiagnosisSettings {
            cluster: cluster.clone(),
            answer_interval: pinned(lanes, cluster).map_or(RARE, |lane| lane.route.settings.track.interval),
            has_connect_checks: probes.iter().any(|probes| probes.cluster == *cluster),
            reference: setup.reference.clone(),
        };
        ClusterDiagnosis::new(settings, setup.clock, recorder_bytes)
    };
    clusters.into_iter().map(diagnosis).collect()
}

fn diagnosis_of<'a>(diagnoses: &'a mut [ClusterDiagnosis], cluster: &ClusterName) -> Option<&'a mut ClusterDiagnosis> {
    diagnoses.iter_mut().find(|diagnosis| diagnosis.cluster == *cluster)
}
