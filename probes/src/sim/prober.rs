//! A prober with one direct probe in front of the simulated cluster: scheduler, runtime and counting, as the engine drives
//! them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::counting::Counting;
use prober_core::counts::Counts;
use prober_core::event::{Event, Limits, Outcome, RawOutcome};
use prober_core::fault::Fault;
use prober_core::ids::{Broker, BrokerId, ClusterName, Partition, Phase, Probe, RunId, Series, Subject, VantageHash};
use prober_core::settle::HEARTBEAT_EVERY;
use prober_core::time::Time;
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::controller::CanarySettings;
use crate::direct::context::ProbeSettings;
use crate::direct::log_end_offsets::LogEndOffsets;
use crate::direct::runtime::DirectProbes;
use crate::direct::scheduler::{DirectScheduler, Settings};
use crate::port::{LaneInput, ProbeClient, ProbeInput};
use crate::record::Identity;
use crate::sim::cluster::{PINNED_TOPIC, SimCluster};
use crate::sim::tasks::TokioTasks;

/// The topic of the canary.
pub(crate) const CANARY_TOPIC: &str = "canary";

/// From one attempt at a target to the next.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);

/// How often the prober handles inputs.
const STEP: Duration = Duration::from_millis(5);

/// The prober.
pub(crate) struct SimProber {
    pub(crate) clock: Clock,
    pub(crate) cluster: SimCluster,
    pub(crate) log_end_offsets: LogEndOffsets,
    probe: Probe,
    probes: DirectProbes,
    scheduler: DirectScheduler,
    counting: Counting,
    inputs: mpsc::UnboundedReceiver<ProbeInput>,
    expected_beat: Time,
    /// Every event, in order.
    pub(crate) events: Vec<Event>,
    /// Every input, except responses.
    pub(crate) reported: Vec<ProbeInput>,
}

impl SimProber {
    /// A prober of `brokers` brokers, whose attempts have this deadline.
    pub(crate) fn new(probe: Probe, brokers: i32, deadline: Duration) -> SimProber {
        SimProber::with_canary(probe, brokers, deadline, None)
    }

    pub(crate) fn with_canary(
        probe: Probe,
        brokers: i32,
        deadline: Duration,
        canary: Option<CanarySettings>,
    ) -> SimProber {
        let clock = Clock::start();
        let cluster = SimCluster::new(brokers, clock);
        let (report, inputs) = mpsc::unbounded_channel();
        let log_end_offsets = LogEndOffsets::default();
        for partition in 0..brokers {
            let (partition, at) = (Partition(partition), Time::ORIGIN);
            log_end_offsets.on_lane_input(&LaneInput::Passed { partition, at, next: 1 });
        }
        let settings = ProbeSettings {
            namespace: "kafka-prober-sim".into(),
            identity: Identity { run: RunId([1; 16]), vantage: VantageHash::of("sim") },
            pinned: PINNED_TOPIC.into(),
            replicated: "replicated".into(),
            canary_topic: CANARY_TOPIC.into(),
            deadlines: BTreeMap::from([(probe, deadline)]),
            canary,
        };
        let probes = DirectProbes::start(
            settings,
            Arc::new(cluster.clone()),
            log_end_offsets.clone(),
            clock,
            Arc::new(TokioTasks),
            Arc::new(move |input| {
                // The test may have ended.
                let _ = report.send(input);
            }),
        );
        let limits = Limits { deadline, threshold: Duration::from_secs(1) };
        let schedule = BTreeMap::from([(probe, Settings { interval: INTERVAL, limits })]);
        SimProber {
            clock,
            cluster,
            log_end_offsets,
            probe,
            probes,
            scheduler: DirectScheduler::new(ClusterName::new("sim"), schedule, clock),
            counting: Counting::new(Arc::from([]), prober_core::buckets::Edges::with(&[])),
            inputs,
            expected_beat: Time::ORIGIN,
            events: Vec::new(),
            reported: Vec::new(),
        }
    }

    /// Runs until this many seconds after the start.
    pub(crate) async fn until(&mut self, seconds: u64) {
        let end = Time::from_millis(1000 * seconds);
        while self.clock.now() < end {
            tokio::time::sleep(STEP).await;
            self.step();
        }
    }

    fn step(&mut self) {
        while let Ok(input) = self.inputs.try_recv() {
            if !matches!(input, ProbeInput::Response { .. }) {
                self.reported.push(input.clone());
            }
            self.scheduler.on_input(input, &mut self.counting);
        }
        let now = self.clock.now();
        self.scheduler.advance(now, &mut self.counting, &mut self.probes);
        if self.expected_beat <= now {
            self.counting.beat(self.expected_beat, now);
            self.expected_beat = now + HEARTBEAT_EVERY;
        }
        self.counting.settle(now, |event| self.events.push(event));
        assert!(self.counting.balance(self.scheduler.open()), "attempts are not all accounted for at {now}");
    }

    /// Runs a connect check, and returns its cause of failure.
    pub(crate) async fn connect_check(&mut self, broker: i32) -> Option<Fault> {
        self.probes.connect_check(BrokerId(broker));
        loop {
            tokio::time::sleep(STEP).await;
            self.step();
            let checked = self.reported.iter().find_map(|input| match input {
                ProbeInput::ConnectChecked { fault, .. } => Some(*fault),
                _ => None,
            });
            if let Some(fault) = checked {
                return fault;
            }
        }
    }

    /// The counted events of one broker.
    pub(crate) fn counts(&self, broker: i32) -> Counts {
        self.counts_of(Broker::Id(BrokerId(broker)))
    }

    pub(crate) fn counts_of(&self, broker: Broker) -> Counts {
        let (cluster, probe) = (ClusterName::new("sim"), self.probe);
        let view = probe.direct_view();
        self.counting.ledger().counts(&Series { cluster, view, probe, subject: Subject::Broker(broker) })
    }

    /// Whether every counted event of a broker is good, and there are at least this many.
    pub(crate) fn assert_all_good(&self, broker: i32, at_least: u64) {
        let counts = self.counts(broker);
        let good = counts.of(Outcome::Good);
        let bad: Vec<_> = self.failures(broker);
        assert!(at_least <= good && bad.is_empty(), "broker {broker}: {good} good, failures {bad:?}");
    }

    /// The causes of a broker's failed events, in order; a time-out of the scheduler counts as one.
    pub(crate) fn failures(&self, broker: i32) -> Vec<Fault> {
        self.failures_of(Broker::Id(BrokerId(broker)))
    }

    pub(crate) fn failures_of(&self, broker: Broker) -> Vec<Fault> {
        let cause = |event: &Event| match event.raw_outcome {
            RawOutcome::Failed(fault) => Some(fault),
            RawOutcome::TimedOut => Some(Fault::Timeout),
            _ => None,
        };
        self.events.iter().filter(|event| event.broker == broker).filter_map(cause).collect()
    }

    /// Forgets the events and inputs so far.
    pub(crate) fn clear(&mut self) {
        self.events.clear();
        self.reported.clear();
    }

    /// The newest message of why the probe is blocked.
    pub(crate) fn blocked(&self) -> Option<String> {
        let blocked = |input: &ProbeInput| match input {
            ProbeInput::Blocked { message, .. } => Some(message.as_deref().map(str::to_owned)),
            _ => None,
        };
        self.reported.iter().rev().find_map(blocked).flatten()
    }

    /// The number of reports of a duplicate vantage.
    pub(crate) fn duplicate_vantages(&self) -> usize {
        self.reported.iter().filter(|input| matches!(input, ProbeInput::DuplicateVantage { .. })).count()
    }

    /// The reported durations of a phase.
    pub(crate) fn phases(&self, wanted: Phase) -> Vec<(Broker, Duration)> {
        let phase = |input: &ProbeInput| match input {
            ProbeInput::Phase { broker, phase, took } if *phase == wanted => Some((*broker, *took)),
            _ => None,
        };
        self.reported.iter().filter_map(phase).collect()
    }
}
