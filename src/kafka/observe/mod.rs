//! Observation: state that the cluster reports about itself, requested over the Kafka protocol alone.
//!
//! It runs on the edge runtime over connections of its own, so that it never delays a probe. Each part has its own cadence:
//! requests may take up to one percent of the time, and failures make them less frequent, never more.
//!
//! | module | does |
//! | --- | --- |
//! | [`state`] | holds what is known, and emits it whenever a part was answered |
//! | [`any_broker`] | sends a request to any broker that answers |
//! | [`error`] | whether a part that failed is switched off or tried again |
//! | [`brokers`] | the registered brokers, every ten seconds |
//! | [`cluster`] | partitions, quorum, reassignments |
//! | [`configs`] | `min.insync.replicas` of the topics |
//! | [`log_dirs`] | log directories and offered versions of each broker |

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

/// Receives what is known after each part, without waiting.
pub type ObservationSink = Box<dyn Fn(Arc<Observed>) + Send + Sync>;

/// Settings of the observation of one cluster.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The cluster.
    pub cluster: ClusterName,
    /// Bootstrap servers, `host:port`.
    pub bootstrap: Vec<String>,
    /// Kafka's `client.id`: appears in the brokers' logs and quotas.
    pub client_id: Arc<str>,
    /// TLS and SASL.
    pub security: Arc<Security>,
    /// The prober's own topics, which are counted apart.
    pub ours: BTreeSet<Arc<str>>,
    /// From one round of a part to the next.
    pub interval: Duration,
    /// From one round of the configs to the next; also how long a part that is off waits.
    pub configs_interval: Duration,
    /// What the partition counts are compared with.
    pub limits: PartitionLimits,
}

/// Observes a cluster for as long as it is polled.
pub async fn run(settings: Settings, clock: Clock, emit: ObservationSink) {
    let observed = Observed::new(settings.cluster.clone(), settings.limits);
    let state = ObservationState::new(observed, settings.bootstrap.clone(), clock, emit);
    tokio::join!(
        brokers::run(&settings, &state),
        cluster::Rounds::new(&settings, &state).run(),
        log_dirs::Rounds::new(&settings, &state).run(),
    );
}
