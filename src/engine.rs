//! The event loop: one task owns the ledger. A closed `enum Input` in, an immutable snapshot out every 100 ms.
//!
//! It runs on the probe runtime, beside the wire and the heartbeat. Nothing here waits for anyone: inputs are taken as
//! they come, and whoever wants to know reads the newest snapshot.

mod direct;
mod finding_log;
mod forgotten;
mod inputs;
mod own;
mod patterns;
mod status;
mod suspicion;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prober_core::accounts::Accounts;
use prober_core::event::Anomaly;
use prober_core::fault::Fault;
use prober_core::finding::Finding;
use prober_core::ids::{ClusterName, Lane};
use prober_core::objective::Objective;
use prober_core::observed::Observed;
use prober_core::settle::Stall;
use prober_core::snapshot::Snapshot;
use prober_core::time::Time;
use prober_core::topology::Topology;
use prober_probes::clock::Clock;
use prober_probes::direct::Direct;
use prober_probes::port::{self, LaneInput, ProbeInput};
use prober_probes::record::Identity;
use prober_probes::round_trip::{RoundTrip, Settings};
use tokio::sync::{mpsc, watch};

use crate::exporters::Recorder;
use crate::kafka::Report;
use crate::vitals::Vital;

use direct::DirectNews;
use forgotten::Forgotten;
use inputs::Input;
use own::OwnNews;
use patterns::AllPatterns;
use status::{LaneNews, SelfStatus, StateLog};
use suspicion::{Around, Stalls, Suspicion};

pub use inputs::{Inputs, Waiting, queue};

/// Snapshots are this fresh.
pub const SNAPSHOT_EVERY: Duration = Duration::from_millis(100);

/// Woken later than this, the engine was stalled: what arrived meanwhile is let in before any deadline fires.
const LATE: Duration = Duration::from_millis(20);

/// How long that takes: the sockets are read by other tasks of this runtime.
const DRAIN_FOR: Duration = Duration::from_millis(20);

/// Without a pinned lane, direct probes alone are answered, this often.
const RARE: Duration = Duration::from_secs(1);

/// A lane of a cluster, to be probed.
pub struct Route {
    /// The cluster.
    pub cluster: ClusterName,
    /// The lane.
    pub lane: Lane,
    /// Its topic.
    pub topic: Arc<str>,
    /// Who writes.
    pub identity: Identity,
    /// How.
    pub settings: Settings,
}

/// The engine.
pub struct Engine {
    clock: Clock,
    vantage: Arc<str>,
    inputs: mpsc::Receiver<Input>,
    dropped: Arc<[AtomicU64]>,
    answers_dropped: Arc<[AtomicU64]>,
    routes: Vec<Running>,
    directs: Vec<Asking>,
    observed: BTreeMap<ClusterName, Arc<Observed>>,
    patterns: AllPatterns,
    forgotten: Forgotten,
    objectives: Arc<[Objective]>,
    accounts: Accounts,
    recorder: Arc<dyn Recorder>,
    prober: SelfStatus,
    stalls: Stalls,
    own: OwnNews,
    states: StateLog,
    publish: watch::Sender<Arc<Snapshot>>,
    publish_at: Time,
}

struct Running {
    route: Route,
    round_trip: RoundTrip,
    port: Box<dyn port::Lane + Send>,
    topology: Topology,
    news: LaneNews,
}

/// The direct probes of a cluster, at work.
struct Asking {
    cluster: ClusterName,
    direct: Direct,
    port: Box<dyn port::ProbeClient + Send>,
    news: DirectNews,
    suspicion: Suspicion,
}

/// What a snapshot shows before anything has happened.
pub fn empty_snapshot(vantage: &Arc<str>, objectives: &Arc<[Objective]>) -> Snapshot {
    Snapshot {
        at: Time::ORIGIN,
        wall: prober_core::time::WallTime::default(),
        vantage: Arc::clone(vantage),
        objectives: Arc::clone(objectives),
        series: Vec::new(),
        met: Vec::new(),
        records: Vec::new(),
        phases: Vec::new(),
        channel_failures: BTreeMap::new(),
        findings: Vec::new(),
        impediments: Vec::new(),
        observed: Vec::new(),
        brokers: Vec::new(),
        lanes: Vec::new(),
        prober: prober_core::snapshot::ProberStatus::default(),
    }
}

/// What an engine works with besides its lanes.
pub struct Setup {
    /// The process's clock.
    pub clock: Clock,
    /// Where the prober stands.
    pub vantage: Arc<str>,
    /// What events are judged by.
    pub objectives: Arc<[Objective]>,
    /// Each becomes an edge of the duration histograms.
    pub thresholds: Vec<Duration>,
    /// Hears of each counted event.
    pub recorder: Arc<dyn Recorder>,
    /// Where snapshots go.
    pub publish: watch::Sender<Arc<Snapshot>>,
    /// Which machine is called as a control, if one is.
    pub reference: Option<Arc<str>>,
}

impl Waiting {
    /// The engine over these lanes and direct probes, in the order in which their inputs number them.
    pub fn over(
        self,
        routes: Vec<(Route, Box<dyn port::Lane + Send>)>,
        directs: Vec<(ClusterName, Direct, Box<dyn port::ProbeClient + Send>)>,
        setup: Setup,
    ) -> Engine {
        let clock = setup.clock;
        let routes: Vec<Running> = routes.into_iter().map(|(route, port)| Running::new(route, port, clock)).collect();
        let asking = |(cluster, direct, port): (ClusterName, Direct, _)| {
            let interval = pinned(&routes, &cluster).map_or(RARE, |running| running.route.settings.track.interval);
            let suspicion = Suspicion::new(cluster.clone(), interval);
            Asking { cluster, direct, port, news: DirectNews::default(), suspicion }
        };
        let directs = directs.into_iter().map(asking).collect();
        Engine {
            clock,
            vantage: setup.vantage,
            inputs: self.inputs,
            dropped: self.dropped,
            answers_dropped: self.answers_dropped,
            routes,
            directs,
            observed: BTreeMap::new(),
            patterns: AllPatterns::default(),
            forgotten: Forgotten::default(),
            accounts: Accounts::new(Arc::clone(&setup.objectives), &setup.thresholds),
            objectives: setup.objectives,
            recorder: setup.recorder,
            prober: SelfStatus::default(),
            stalls: Stalls::default(),
            own: OwnNews::new(setup.reference),
            states: StateLog::default(),
            publish: setup.publish,
            publish_at: Time::ORIGIN,
        }
    }
}

impl Running {
    fn new(route: Route, port: Box<dyn port::Lane + Send>, clock: Clock) -> Running {
        let round_trip = RoundTrip::new(route.cluster.clone(), route.lane, route.identity, route.settings, clock);
        Running { route, round_trip, port, topology: Topology::default(), news: LaneNews::default() }
    }
}

impl Engine {
    /// Runs until told to stop. Then what is in flight becomes void, and the last snapshot says so.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut drained_until = Time::ORIGIN;
        loop {
            let wake = self.next_wake().max(drained_until);
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                Some(input) = self.inputs.recv() => {
                    self.own.waited(self.inputs.len() + 1);
                    self.hear(input);
                }
                () = self.clock.sleep_until(wake) => {}
            }
            while let Ok(input) = self.inputs.try_recv() {
                self.hear(input);
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
        let of_routes = self.routes.iter().map(|running| running.round_trip.next_wake());
        of_routes
            .chain(self.directs.iter().map(|asking| asking.direct.next_wake()))
            .min()
            .unwrap_or(Time::NEVER)
            .min(self.publish_at)
    }

    fn hear(&mut self, input: Input) {
        match input {
            Input::Kafka { route, report } => {
                let Some(running) = self.routes.get_mut(route) else { return };
                match report {
                    Report::Lane(input) => {
                        if running.route.lane == Lane::Replicated
                            && let LaneInput::Refuses { partition, at, fault } = &input
                            && let Some(suspicion) = suspicion_of(&mut self.directs, &running.route.cluster)
                        {
                            suspicion.refuses(*partition, *at, *fault);
                        }
                        running.news.hear(&input);
                        running.round_trip.hear(input, &mut self.accounts, running.port.as_mut());
                    }
                    Report::Topology(topology) => running.topology = topology,
                    Report::Topic(topic) => {
                        if running.route.lane == Lane::Replicated
                            && let Some(suspicion) = suspicion_of(&mut self.directs, &running.route.cluster)
                        {
                            suspicion.topic(&topic);
                        }
                    }
                    Report::Silence(silence) => {
                        if let Some(suspicion) = suspicion_of(&mut self.directs, &running.route.cluster) {
                            suspicion.silence(silence);
                        }
                    }
                    Report::Client { role, vitals } => running.news.client(role, vitals),
                    Report::Action { action, result } => self.prober.acted(action, result),
                }
            }
            Input::Direct { cluster, input } => {
                let Some(asking) = self.directs.get_mut(cluster) else { return };
                if let ProbeInput::Phase { broker, phase, took } = &input {
                    self.recorder.phase(&asking.cluster, *broker, *phase, *took);
                }
                if let ProbeInput::Action { action, result } = &input {
                    self.prober.acted(action, result);
                }
                if let ProbeInput::ConnectChecked { at, fault: Some(Fault::LocalResources), .. } = &input {
                    self.own.was_refused(*at);
                }
                asking.news.hear(&input);
                asking.suspicion.hear(&input);
                asking.direct.hear(input, &mut self.accounts);
            }
            Input::Observed(observed) => {
                self.patterns.follow(&observed, self.clock.now());
                self.observed.insert(observed.cluster.clone(), observed);
            }
            Input::Vital(vital) => self.hear_vital(vital),
        }
    }

    fn hear_vital(&mut self, vital: Vital) {
        match vital {
            Vital::Task { expected, at } => {
                let lag = at.since(expected);
                self.recorder.lag("task", lag);
                let stall = self.accounts.beat(expected, at);
                if let Some(stall) = stall {
                    self.stalls.heard(stall);
                }
                self.prober.beat(lag, stall, self.clock.wall());
            }
            Vital::Thread { expected, at } => {
                let lag = at.since(expected);
                self.recorder.lag("thread", lag);
                self.prober.thread_beat(lag);
            }
            Vital::ClockJump { nanos } => self.prober.clock_jumped(nanos),
            Vital::Held { from, to } => self.accounts.held(Stall { from, to }),
            Vital::Suspended { at, length } => self.slept(at, length),
            Vital::Read(readings) => self.own.read(readings),
            Vital::Control { control, asked, has_answered } => self.own.heard(control, asked, has_answered),
        }
    }

    /// The machine was suspended: what was under way then was cut off by us, whatever has become of it.
    fn slept(&mut self, at: Time, length: Duration) {
        tracing::warn!(seconds = length.as_secs_f64(), "the machine was suspended; attempts in flight are void");
        self.own.slept(at, length);
        self.accounts.slept();
        for running in &mut self.routes {
            running.round_trip.slept(at, &mut self.accounts, running.port.as_mut());
        }
        for asking in &mut self.directs {
            asking.direct.slept(at, &mut self.accounts);
        }
    }

    fn advance(&mut self, now: Time) {
        for (running, dropped) in self.routes.iter_mut().zip(self.dropped.iter()) {
            let lost = dropped.swap(0, Ordering::Relaxed);
            if 0 < lost {
                self.prober.dropped(lost);
                running.round_trip.input_dropped(now, &mut self.accounts, running.port.as_mut());
            }
            running.round_trip.advance(now, &mut self.accounts, running.port.as_mut());
        }
        for (asking, dropped) in self.directs.iter_mut().zip(self.answers_dropped.iter()) {
            let lost = dropped.swap(0, Ordering::Relaxed);
            if 0 < lost {
                self.prober.dropped(lost);
                asking.direct.input_dropped(now, &mut self.accounts);
            }
            asking.direct.advance(now, &mut self.accounts, asking.port.as_mut());
        }
        let (recorder, directs, own) = (&self.recorder, &mut self.directs, &mut self.own);
        self.accounts.settle(now, |event, counted| {
            recorder.counted(event, counted);
            own.counted(event);
            directs.iter_mut().for_each(|asking| asking.suspicion.counted(event));
        });
        if self.publish_at <= now {
            self.publish_at = now + SNAPSHOT_EVERY;
            self.forget(now);
            self.suspect(now);
            self.publish(now);
        }
    }

    /// Probes no brokers that are none any more.
    fn forget(&mut self, now: Time) {
        for running in &mut self.routes {
            let cluster = &running.route.cluster;
            let Some(observed) = self.observed.get(cluster) else { continue };
            self.forgotten.follow(observed, &running.topology, now);
            running.round_trip.forget(self.forgotten.of(cluster), now, &mut self.accounts);
        }
        for asking in &mut self.directs {
            asking.direct.forget(self.forgotten.of(&asking.cluster), now, &mut self.accounts);
        }
    }

    /// Holds what is known of each cluster against the rules of the diagnosis.
    fn suspect(&mut self, now: Time) {
        let own = self.own.own(now);
        for asking in &mut self.directs {
            let cluster = &asking.cluster;
            let Some(running) = pinned(&self.routes, cluster) else { continue };
            let of_lanes = self.routes.iter().filter(|running| running.route.cluster == *cluster);
            let messages = of_lanes.filter_map(|running| running.news.permission()).chain(asking.news.permissions());
            let around = Around {
                topology: &running.topology,
                forgotten: self.forgotten.of(cluster),
                stalls: &self.stalls,
                lost: self.accounts.ledger().anomalies(cluster, Lane::Replicated, Anomaly::Lost),
                forbidden: messages.cloned().collect(),
                own: own.clone(),
            };
            asking.suspicion.follow(now, around, asking.port.as_mut());
        }
    }

    fn publish(&mut self, now: Time) {
        let of_routes: usize = self.routes.iter().map(|running| running.round_trip.open()).sum();
        let of_directs: usize = self.directs.iter().map(|asking| asking.direct.open()).sum();
        self.prober.balanced(self.accounts.balance(of_routes + of_directs));
        let snapshot = self.snapshot(now);
        self.states.follow(&snapshot.brokers);
        self.publish.send_replace(Arc::new(snapshot));
    }

    fn snapshot(&mut self, now: Time) -> Snapshot {
        let ledger = self.accounts.ledger_mut();
        let (series, met, records) = (ledger.series(now), ledger.objectives(), ledger.records());
        let (phases, channel_failures) = (ledger.phases(), ledger.channel_failures());
        let lanes = self.routes.iter().map(|running| running.status(now)).collect();
        let brokers = status::brokers(&self.routes, &self.observed, &self.forgotten, self.accounts.ledger(), now);
        let mut prober = self.prober.status(&series);
        self.own.show(&mut prober);
        let mut snapshot = Snapshot {
            at: now,
            wall: self.clock.wall(),
            vantage: Arc::clone(&self.vantage),
            objectives: Arc::clone(&self.objectives),
            prober,
            series,
            met,
            records,
            phases,
            channel_failures,
            findings: self.findings(now),
            impediments: self.directs.iter().flat_map(Asking::impediments).collect(),
            observed: self.observed.values().cloned().collect(),
            brokers,
            lanes,
        };
        self.forgotten.strike(&mut snapshot);
        snapshot
    }

    /// Everything that stands: what the direct probes find first, then the patterns.
    fn findings(&self, now: Time) -> Vec<Finding> {
        let direct = self.directs.iter().flat_map(|asking| asking.findings(now));
        direct.chain(self.patterns.findings()).collect()
    }

    fn shut_down(&mut self) {
        let now = self.clock.now();
        for running in &mut self.routes {
            running.round_trip.shut_down(now, &mut self.accounts, running.port.as_mut());
        }
        for asking in &mut self.directs {
            asking.direct.shut_down(now, &mut self.accounts);
        }
        let recorder = &self.recorder;
        self.accounts.close(|event, counted| recorder.counted(event, counted));
        self.publish(now);
    }
}

/// A cluster's pinned lane, if it has one.
fn pinned<'a>(routes: &'a [Running], cluster: &ClusterName) -> Option<&'a Running> {
    routes.iter().find(|running| running.route.cluster == *cluster && running.route.lane == Lane::Pinned)
}

/// What is suspected in a cluster, if its direct probes are on.
fn suspicion_of<'a>(directs: &'a mut [Asking], cluster: &ClusterName) -> Option<&'a mut Suspicion> {
    directs.iter_mut().find(|asking| asking.cluster == *cluster).map(|asking| &mut asking.suspicion)
}
