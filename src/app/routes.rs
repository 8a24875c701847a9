//! What the configuration means to the engine and to the lanes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use prober_core::event::Limits;
use prober_core::ids::{ClusterName, Lane, Probe, RunId, VantageHash, View};
use prober_core::objective::Objective;
use prober_core::placement::Mode;
use prober_core::track;
use prober_probes::clock::Clock;
use prober_probes::port;
use prober_probes::record::Identity;
use prober_probes::round_trip;

use crate::alarm::Alarm;
use crate::config::{self, Config};
use crate::engine::Route;
use crate::kafka::client::{self, ClientLane};
use crate::kafka::pinned::{self, PinnedLane};
use crate::kafka::security::Security;
use crate::kafka::{Reporter, topic::TopicSettings};

use super::security::security;

/// Every route, with the settings of its lane, and the objectives.
pub(super) struct Plan {
    pub(super) routes: Vec<(Route, LaneSettings)>,
    pub(super) objectives: Arc<[Objective]>,
    /// Every threshold known at start: each becomes an edge of the duration histogram.
    pub(super) thresholds: Vec<Duration>,
}

/// A lane to be started.
pub(super) enum LaneSettings {
    /// Over our own wire.
    Pinned(pinned::Settings),
    /// Through librdkafka.
    Replicated(client::Settings),
}

impl LaneSettings {
    /// Starts the lane; needs a tokio runtime.
    pub(super) fn start(self, clock: Clock, report: Reporter, alarm: Alarm) -> Box<dyn port::Lane + Send> {
        match self {
            LaneSettings::Pinned(settings) => Box::new(PinnedLane::start(settings, clock, report, alarm)),
            LaneSettings::Replicated(settings) => Box::new(ClientLane::start(settings, clock, report, alarm)),
        }
    }
}

/// This run at this vantage, with a run id that no other life of a prober has.
///
/// # Errors
/// The operating system has no random bytes for us.
pub(super) fn identity(vantage: &str) -> io::Result<Identity> {
    let mut run = [0; 16];
    getrandom::fill(&mut run).map_err(io::Error::other)?;
    Ok(Identity { run: RunId(run), vantage: VantageHash::of(vantage) })
}

impl Plan {
    /// The plan of a configuration.
    ///
    /// # Errors
    /// A sentence: what of a cluster's security cannot be used.
    pub(super) fn of(config: &Config, identity: Identity) -> Result<Plan, String> {
        let lanes = [(Lane::Pinned, &config.lanes.pinned), (Lane::Replicated, &config.lanes.replicated.lane)];
        let enabled = || lanes.into_iter().filter(|(_, settings)| settings.enabled);
        let mut routes = Vec::new();
        for (name, cluster) in &config.clusters {
            let security = security(name, &cluster.security)?;
            for (lane, settings) in enabled() {
                let route = Route {
                    cluster: ClusterName::new(name),
                    lane,
                    topic: Arc::from(settings.topic.as_str()),
                    identity,
                    settings: round_trip_settings(config, settings),
                };
                routes.push((route, lane_settings(config, (cluster, &security), lane, settings, identity)));
            }
        }
        let objectives = objectives(config);
        let probes = &config.probes;
        let of_probes = [probes.produce.threshold, probes.consume.threshold, probes.end_to_end.threshold];
        let of_objectives = objectives.iter().filter_map(|objective| objective.threshold);
        let thresholds = of_probes.into_iter().chain(of_objectives).collect();
        Ok(Plan { routes, objectives, thresholds })
    }
}

fn round_trip_settings(config: &Config, lane: &config::Lane) -> round_trip::Settings {
    let limits = |limits: &config::Limits| Limits { deadline: limits.deadline, threshold: limits.threshold };
    round_trip::Settings {
        track: track::Settings {
            interval: lane.interval,
            produce: limits(&config.probes.produce),
            consume: limits(&config.probes.consume),
            end_to_end: limits(&config.probes.end_to_end),
        },
        record_size: lane.record_size,
    }
}

fn lane_settings(
    config: &Config,
    (cluster, security): (&config::Cluster, &Arc<Security>),
    lane: Lane,
    settings: &config::Lane,
    identity: Identity,
) -> LaneSettings {
    let topic = TopicSettings {
        lane,
        security: Arc::clone(security),
        bootstrap: cluster.bootstrap.iter().map(ToString::to_string).collect(),
        topic: Arc::from(settings.topic.as_str()),
        client_id: Arc::from(format!("kafka-prober-{}", config.vantage)),
        deadline: config.probes.produce.deadline,
        upkeep: match config.upkeep.mode {
            config::UpkeepMode::Off => Mode::Off,
            config::UpkeepMode::Create => Mode::Create,
        },
        identity,
    };
    let fetch_max_wait = settings.fetch_max_wait;
    match lane {
        Lane::Pinned => LaneSettings::Pinned(pinned::Settings { topic, fetch_max_wait }),
        Lane::Replicated => LaneSettings::Replicated(client::Settings {
            topic,
            fetch_max_wait,
            acks: match config.lanes.replicated.acks {
                config::RequiredAcks::All => client::RequiredAcks::All,
                config::RequiredAcks::Leader => client::RequiredAcks::Leader,
            },
            compression: match config.lanes.replicated.compression {
                config::RecordCompression::None => client::Compression::None,
                config::RecordCompression::Gzip => client::Compression::Gzip,
                config::RecordCompression::Snappy => client::Compression::Snappy,
                config::RecordCompression::Lz4 => client::Compression::Lz4,
                config::RecordCompression::Zstd => client::Compression::Zstd,
            },
        }),
    }
}

fn objectives(config: &Config) -> Arc<[Objective]> {
    let objective = |(name, objective): (&String, &config::Objective)| Objective {
        name: name.clone(),
        view: match objective.view {
            config::View::Broker => View::Broker,
            config::View::Client => View::Client,
        },
        probe: match objective.probe {
            config::ProbeName::Produce => Probe::Produce,
            config::ProbeName::Consume => Probe::Consume,
            config::ProbeName::EndToEnd => Probe::EndToEnd,
        },
        threshold: objective.threshold,
        target: objective.target,
    };
    config.objectives.iter().map(objective).collect()
}
