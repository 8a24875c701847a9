//! What the configuration means to the engine and to the lanes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use prober_core::event::Limits;
use prober_core::ids::{ClusterName, Lane, Probe, RunId, VantageHash, View};
use prober_core::objective::Objective;
use prober_core::placement::Mode;
use prober_core::track;
use prober_probes::record::Identity;
use prober_probes::round_trip;

use crate::config::{self, Config};
use crate::engine::Route;
use crate::kafka::pinned;

/// Every route, with the settings of its lane, and the objectives.
pub(super) struct Plan {
    pub(super) routes: Vec<(Route, pinned::Settings)>,
    pub(super) objectives: Arc<[Objective]>,
    /// Every threshold known at start: each becomes an edge of the duration histogram.
    pub(super) thresholds: Vec<Duration>,
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
    pub(super) fn of(config: &Config, identity: Identity) -> Plan {
        let pinned = &config.lanes.pinned;
        let routes = config
            .clusters
            .iter()
            .filter(|_| pinned.enabled)
            .map(|(name, cluster)| {
                let route = Route {
                    cluster: ClusterName::new(name),
                    lane: Lane::Pinned,
                    topic: Arc::from(pinned.topic.as_str()),
                    identity,
                    settings: round_trip_settings(config),
                };
                let settings = pinned::Settings {
                    bootstrap: cluster.bootstrap.iter().map(ToString::to_string).collect(),
                    topic: Arc::from(pinned.topic.as_str()),
                    client_id: Arc::from(format!("kafka-prober-{}", config.vantage)),
                    fetch_max_wait: pinned.fetch_max_wait,
                    deadline: config.probes.produce.deadline,
                    upkeep: match config.upkeep.mode {
                        config::UpkeepMode::Off => Mode::Off,
                        config::UpkeepMode::Create => Mode::Create,
                    },
                    identity,
                };
                (route, settings)
            })
            .collect();
        let objectives = objectives(config);
        let probes = &config.probes;
        let of_probes = [probes.produce.threshold, probes.consume.threshold, probes.end_to_end.threshold];
        let of_objectives = objectives.iter().filter_map(|objective| objective.threshold);
        let thresholds = of_probes.into_iter().chain(of_objectives).collect();
        Plan { routes, objectives, thresholds }
    }
}

fn round_trip_settings(config: &Config) -> round_trip::Settings {
    let probes = &config.probes;
    let limits = |deadline: Duration, threshold: Duration| Limits { deadline, threshold };
    round_trip::Settings {
        track: track::Settings {
            interval: probes.produce.interval,
            produce: limits(probes.produce.deadline, probes.produce.threshold),
            consume: limits(probes.consume.deadline, probes.consume.threshold),
            end_to_end: limits(probes.end_to_end.deadline, probes.end_to_end.threshold),
        },
        record_size: config.lanes.pinned.record_size,
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
