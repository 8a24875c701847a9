//! Chooses the brokers that each probe asks, again whenever the metadata changes, and reports probes that cannot run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::{Broker, Probe};

use crate::direct::context::ProbeContext;
use crate::direct::probe::AttemptRunner;
use crate::port::{MetadataSnapshot, ProbeInput};

/// How often targets are chosen without new metadata: log end offsets become known, and back-offs end, without a signal.
const RESELECT_EVERY: Duration = Duration::from_secs(1);

/// The task that chooses.
pub(super) struct TargetSelection {
    pub(super) context: ProbeContext,
    pub(super) probes: BTreeMap<Probe, Arc<dyn AttemptRunner>>,
}

impl TargetSelection {
    pub(super) async fn run(self) {
        let mut newest = self.context.cluster.metadata();
        let mut reported: BTreeMap<Probe, BTreeSet<Broker>> = BTreeMap::new();
        let mut unauthorized: BTreeSet<Probe> = BTreeSet::new();
        loop {
            let metadata = Arc::clone(&newest.borrow_and_update());
            for (kind, probe) in &self.probes {
                probe.on_metadata(&metadata);
                let paused = self.context.backoff.is_paused(*kind);
                let targets = if paused { BTreeSet::new() } else { probe.targets(&metadata) };
                if reported.get(kind) != Some(&targets) {
                    reported.insert(*kind, targets.clone());
                    let at = self.context.clock.now();
                    (self.context.report)(ProbeInput::Targets { probe: *kind, at, brokers: targets });
                }
                self.report_unauthorized(*kind, probe.internal_topic(), &metadata, &mut unauthorized);
            }
            if let Ok(Err(_)) = tokio::time::timeout(RESELECT_EVERY, newest.changed()).await {
                // The cluster's client was dropped, and this task is about to be.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Reports that a probe has no target because it may not describe its internal topic, or the end of that.
    fn report_unauthorized(
        &self,
        probe: Probe,
        topic: Option<&'static str>,
        metadata: &MetadataSnapshot,
        unauthorized: &mut BTreeSet<Probe>,
    ) {
        let Some(topic) = topic else { return };
        let message = metadata.unauthorized_topics.contains(topic).then(|| {
            let name = probe.as_str();
            format!("grant DESCRIBE on topic {topic}, or set probes.{name}.enabled = false: {name} has no target")
        });
        let changed = if message.is_some() { unauthorized.insert(probe) } else { unauthorized.remove(&probe) };
        if changed {
            (self.context.report)(ProbeInput::Blocked { probe, message: message.map(Arc::from) });
        }
    }
}
