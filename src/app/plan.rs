//! Derives from the configuration what runs: lanes, direct probes, observations and objectives.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use prober_core::event::Limits;
use prober_core::ids::{ClusterName, Lane, Probe, RunId, VantageHash};
use prober_core::objective::Objective;
use prober_core::track;
use prober_probes::clock::Clock;
use prober_probes::controller::CanarySettings;
use prober_probes::direct::context::{ProbeSettings, Report};
use prober_probes::direct::log_end_offsets::LogEndOffsets;
use prober_probes::direct::runtime::DirectProbes;
use prober_probes::direct::scheduler::{self, DirectScheduler};
use prober_probes::port;
use prober_probes::record::Identity;
use prober_probes::round_trip;

use crate::config::{self, Config, RecordCompression, RequiredAcks};
use crate::engine::Route;
use crate::kafka::cluster_client::{self, WireCluster};
use crate::kafka::lanes::client::{self, ClientLane};
use crate::kafka::lanes::pinned::{self, PinnedLane};
use crate::kafka::lanes::topic::TopicSettings;
use crate::kafka::security::Security;
use crate::kafka::{Reporter, observe};
use crate::supervisor::Supervisor;

use super::overrides::partition_limits;
use super::security::security;

/// Every route, with the settings of its lane, and the objectives.
pub(super) struct Plan {
    pub(super) routes: Vec<(Route, LaneSettings)>,
    pub(super) directs: Vec<DirectPlan>,
    /// The clusters to observe; empty if observation is disabled.
    pub(super) observations: Vec<observe::Settings>,
    pub(super) objectives: Arc<[Objective]>,
    /// Every threshold known at start: each becomes an edge of the duration histogram.
    pub(super) thresholds: Vec<Duration>,
}

/// The direct probes of a cluster.
pub(super) struct DirectPlan {
    pub(super) cluster: ClusterName,
    pub(super) schedule: BTreeMap<Probe, scheduler::Settings>,
    settings: ProbeSettings,
    cluster_client: cluster_client::Settings,
    /// Where the partitions of its pinned lane end, by the lane's readers.
    pub(super) log_end_offsets: LogEndOffsets,
}

impl DirectPlan {
    /// Starts the probes. Needs a tokio runtime.
    pub(super) fn start(
        self,
        clock: Clock,
        report: Report,
        supervisor: Supervisor,
    ) -> (ClusterName, DirectScheduler, Box<dyn port::ProbeClient + Send>) {
        let scheduler = DirectScheduler::new(self.cluster.clone(), self.schedule, clock);
        let cluster = WireCluster::start(self.cluster_client, clock, Arc::clone(&report), supervisor.clone());
        let (cluster, tasks) = (Arc::new(cluster), Arc::new(supervisor));
        let probes = DirectProbes::start(self.settings, cluster, self.log_end_offsets, clock, tasks, report);
        (self.cluster, scheduler, Box::new(probes))
    }
}

/// The settings of a lane.
pub(super) enum LaneSettings {
    /// Over our own wire.
    Pinned(pinned::Settings),
    /// Through librdkafka.
    Replicated(client::Settings),
}

impl LaneSettings {
    /// Starts the lane. Needs a tokio runtime.
    pub(super) fn start(self, clock: Clock, report: Reporter, supervisor: Supervisor) -> Box<dyn port::Lane + Send> {
        match self {
            LaneSettings::Pinned(settings) => Box::new(PinnedLane::start(settings, clock, report, supervisor)),
            LaneSettings::Replicated(settings) => Box::new(ClientLane::start(settings, clock, report, supervisor)),
        }
    }
}

/// A new random run id, and the vantage.
///
/// # Errors
/// The operating system has no random bytes.
pub(super) fn identity(vantage: &str) -> io::Result<Identity> {
    let mut run = [0; 16];
    getrandom::fill(&mut run).map_err(io::Error::other)?;
    Ok(Identity { run: RunId(run), vantage: VantageHash::of(vantage) })
}

impl Plan {
    /// The plan of a configuration.
    ///
    /// # Errors
    /// A sentence about the security setting that cannot be used.
    pub(super) fn of(config: &Config, identity: Identity) -> Result<Plan, String> {
        let lanes = [(Lane::Pinned, config.lanes.pinned), (Lane::Replicated, config.lanes.replicated)];
        let enabled = || lanes.into_iter().filter(|(_, settings)| settings.enabled);
        let (mut routes, mut directs, mut observations) = (Vec::new(), Vec::new(), Vec::new());
        for (name, cluster) in &config.clusters {
            let security = security(name, &cluster.security)?;
            for (lane, settings) in enabled() {
                let topic: Arc<str> = config.topics.of_lane(lane).into();
                let route = Route {
                    cluster: ClusterName::new(name),
                    lane,
                    topic: Arc::clone(&topic),
                    identity,
                    settings: round_trip_settings(config, &settings),
                };
                routes.push((route, lane_settings(config, (cluster, &security), topic, (lane, &settings), identity)));
            }
            directs.extend(direct_plan(config, name, (cluster, &security), identity));
            observations.extend(observation(config, name, (cluster, &security)));
        }
        let objectives = objectives(config);
        let of_probes =
            config.probes.values().filter(|probe| probe.enabled != Some(false)).map(|probe| probe.threshold);
        let of_objectives = objectives.iter().filter_map(|objective| objective.threshold);
        let thresholds = of_probes.chain(of_objectives).collect();
        Ok(Plan { routes, directs, observations, objectives, thresholds })
    }
}

/// When an enabled direct probe runs.
fn schedule(probe: Probe, settings: &config::ProbeSettings) -> Option<scheduler::Settings> {
    let interval = settings.interval.filter(|_| settings.enabled == Some(true))?;
    let deadline = probe.spec().brokers_per_attempt * settings.deadline;
    Some(scheduler::Settings { interval, limits: Limits { deadline, threshold: settings.threshold } })
}

/// `None` if all are switched off: then no metadata is requested for them either.
fn direct_plan(
    config: &Config,
    name: &str,
    (cluster, security): (&config::Cluster, &Arc<Security>),
    identity: Identity,
) -> Option<DirectPlan> {
    let scheduled = |(probe, settings): (&Probe, _)| Some((*probe, schedule(*probe, settings)?));
    let schedule: BTreeMap<Probe, scheduler::Settings> = config.probes.iter().filter_map(scheduled).collect();
    let controller = &config.probes[&Probe::Controller];
    let has_canary = controller.canary == Some(true) && schedule.contains_key(&Probe::Controller);
    let pinned: Arc<str> = config.topics.of_lane(Lane::Pinned).into();
    let replicated: Arc<str> = config.topics.of_lane(Lane::Replicated).into();
    let deadlines: BTreeMap<Probe, Duration> =
        schedule.iter().map(|(probe, settings)| (*probe, settings.limits.deadline)).collect();
    let cluster_client = cluster_client::Settings {
        bootstrap: cluster.bootstrap.iter().map(ToString::to_string).collect(),
        client_id: client_id(config),
        security: Arc::clone(security),
        monitor_topics: [Arc::clone(&pinned), Arc::clone(&replicated)],
        deadlines: deadlines.clone(),
    };
    let settings = ProbeSettings {
        namespace: config.namespace().into(),
        identity,
        pinned,
        replicated,
        canary_topic: config.topics.canary().into(),
        deadlines,
        canary: controller.canary_interval.filter(|_| has_canary).map(|interval| CanarySettings { interval }),
    };
    let cluster = ClusterName::new(name);
    let log_end_offsets = LogEndOffsets::default();
    (!schedule.is_empty()).then(|| DirectPlan { cluster, schedule, settings, cluster_client, log_end_offsets })
}

/// `None` if observation is disabled.
fn observation(
    config: &Config,
    name: &str,
    (cluster, security): (&config::Cluster, &Arc<Security>),
) -> Option<observe::Settings> {
    let observation = &config.observation;
    let topics = &config.topics;
    let ours = [topics.of_lane(Lane::Pinned), topics.of_lane(Lane::Replicated), topics.canary()];
    observation.enabled.then(|| observe::Settings {
        cluster: ClusterName::new(name),
        bootstrap: cluster.bootstrap.iter().map(ToString::to_string).collect(),
        client_id: client_id(config),
        security: Arc::clone(security),
        ours: ours.into_iter().map(Arc::from).collect(),
        interval: observation.interval,
        configs_interval: observation.configs_interval,
        limits: partition_limits(config),
    })
}

fn client_id(config: &Config) -> Arc<str> {
    Arc::from(format!("kafka-prober-{}", config.vantage))
}

fn round_trip_settings(config: &Config, lane: &config::Lane) -> round_trip::Settings {
    let limits = |probe: Probe| config.probes[&probe].limits();
    round_trip::Settings {
        track: track::Settings {
            interval: lane.interval,
            produce: limits(Probe::Produce),
            consume: limits(Probe::Consume),
            end_to_end: limits(Probe::EndToEnd),
        },
        record_size: lane.record_size,
    }
}

fn lane_settings(
    config: &Config,
    (cluster, security): (&config::Cluster, &Arc<Security>),
    topic: Arc<str>,
    (lane, settings): (Lane, &config::Lane),
    identity: Identity,
) -> LaneSettings {
    let topic = TopicSettings {
        lane,
        security: Arc::clone(security),
        bootstrap: cluster.bootstrap.iter().map(ToString::to_string).collect(),
        topic,
        client_id: client_id(config),
        deadline: config.probes[&Probe::Produce].deadline,
        upkeep: config.upkeep.mode,
        identity,
    };
    let fetch_max_wait = settings.fetch_max_wait;
    match lane {
        Lane::Pinned => LaneSettings::Pinned(pinned::Settings { topic, fetch_max_wait }),
        Lane::Replicated => LaneSettings::Replicated(client::Settings {
            topic,
            group: config.namespace().into(),
            fetch_max_wait,
            acks: settings.acks.unwrap_or(RequiredAcks::All),
            compression: settings.compression.unwrap_or(RecordCompression::None),
        }),
    }
}

pub(super) fn objectives(config: &Config) -> Arc<[Objective]> {
    let objective = |(name, objective): (&String, &config::Objective)| Objective {
        name: name.clone(),
        view: objective.view,
        probe: objective.probe,
        threshold: objective.threshold,
        target: objective.target,
    };
    config.objectives.iter().map(objective).collect()
}
