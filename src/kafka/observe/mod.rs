//! Observation: what the cluster says of itself, read beside the probes over the Kafka protocol alone.
//!
//! It runs on the edge runtime over connections of its own, so that it never stands in a probe's way. Each part has its
//! own cadence; an answer may cost one part in a hundred of the time, and trouble makes it slower, never faster.
//!
//! | module | does |
//! | --- | --- |
//! | [`state`] | holds what is known, and tells it whenever a part has been answered |
//! | [`any`] | asks whichever broker answers |
//! | [`error`] | what a refusal means: switched off, or tried again |
//! | [`brokers`] | who is registered, every ten seconds |
//! | [`cluster`] | partitions, quorum, reassignments |
//! | [`configs`] | `min.insync.replicas` of the topics |
//! | [`disks`] | log directories and offered versions, broker by broker |

mod any_broker;
mod brokers;
mod cluster;
mod configs;
mod error;
mod log_dirs;
mod state;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::ClusterName;
use prober_core::observed::{Observed, PartitionLimits};
use prober_probes::clock::Clock;

use super::security::Security;

use state::ObservationState;

/// Takes in what is known after each part, without waiting.
pub type Teller = Box<dyn Fn(Arc<Observed>) + Send + Sync>;

/// What an observation is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The cluster.
    pub cluster: ClusterName,
    /// Where to ask first, `host:port` each.
    pub bootstrap: Vec<String>,
    /// What the brokers' logs and quotas know us by.
    pub client_id: Arc<str>,
    /// TLS and SASL.
    pub security: Arc<Security>,
    /// Our own topics, which say nothing about the users' health.
    pub ours: BTreeSet<Arc<str>>,
    /// Between two rounds of most parts.
    pub interval: Duration,
    /// Between two rounds of the configs, and before a part that is off is asked again.
    pub configs_interval: Duration,
    /// What the partition counts are compared with.
    pub limits: PartitionLimits,
}

/// Observes a cluster for as long as it is polled.
pub async fn run(settings: Settings, clock: Clock, tell: Teller) {
    let observed = Observed::new(settings.cluster.clone(), settings.limits);
    let state = ObservationState::new(observed, settings.bootstrap.clone(), clock, tell);
    tokio::join!(
        brokers::run(&settings, &state),
        cluster::Rounds::new(&settings, &state).run(),
        log_dirs::Rounds::new(&settings, &state).run(),
    );
}
