//! What every kind of direct probe is built from.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Probe};

use crate::clock::Clock;
use crate::controller::CanarySettings;
use crate::direct::backoff::ProbeBackoff;
use crate::direct::log_end_offsets::LogEndOffsets;
use crate::port::{ClusterClient, MetadataSnapshot, ProbeInput, ProbeResponse, Tasks};
use crate::record::Identity;

/// Takes inputs for the engine, from any thread, without ever waiting.
pub type Report = Arc<dyn Fn(ProbeInput) + Send + Sync>;

/// Settings of the direct probes of one cluster.
#[derive(Clone, Debug)]
pub struct ProbeSettings {
    /// What the names of the prober's groups and transactional ids begin with: `topics.prefix` and the vantage.
    pub namespace: Arc<str>,
    /// Who writes the records of transactions.
    pub identity: Identity,
    /// The topic of the pinned lane.
    pub pinned: Arc<str>,
    /// The topic of the replicated lane.
    pub replicated: Arc<str>,
    /// The topic that `controller` has validated, and the canary creates.
    pub canary_topic: Arc<str>,
    /// The enabled probes, each with the deadline of an attempt.
    pub deadlines: BTreeMap<Probe, Duration>,
    /// Whether, and how often, the canary topic is really created.
    pub canary: Option<CanarySettings>,
}

/// What every kind of direct probe is built from. Clones share it.
#[derive(Clone)]
pub struct ProbeContext {
    /// The clock.
    pub clock: Clock,
    /// The cluster.
    pub cluster: Arc<dyn ClusterClient>,
    /// Supervised tasks.
    pub tasks: Arc<dyn Tasks>,
    /// Inputs for the engine.
    pub report: Report,
    /// Pauses probes that the cluster refuses.
    pub backoff: ProbeBackoff,
    /// Where the pinned partitions end.
    pub log_end_offsets: LogEndOffsets,
    /// The settings.
    pub settings: Arc<ProbeSettings>,
}

impl ProbeContext {
    /// An attempt that failed just now.
    pub fn failed(&self, fault: Fault) -> ProbeResponse {
        ProbeResponse { sent: None, at: self.clock.now(), result: Err(fault) }
    }

    /// The pinned partitions that are known to belong to the prober, with their brokers: nothing is committed or written
    /// for any other.
    pub fn known_pinned_brokers<'a>(&'a self, metadata: &'a MetadataSnapshot) -> impl Iterator<Item = BrokerId> + 'a {
        let pinned = metadata.pinned_partitions(&self.settings.pinned);
        pinned.filter(|(_, partition)| self.log_end_offsets.of(*partition).is_some()).map(|(broker, _)| broker)
    }

    /// Reports that another prober uses this prober's vantage name.
    pub fn report_duplicate_vantage(&self, evidence: String) {
        (self.report)(ProbeInput::DuplicateVantage { at: self.clock.now(), evidence: evidence.into() });
    }
}
