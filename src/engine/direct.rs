//! What the direct probes of a cluster report besides responses: probes that are blocked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use prober_core::ids::Probe;
use prober_core::snapshot::BlockedProbe;
use prober_probes::port::ProbeInput;

use super::ProbeRuntime;

/// The newest status of a cluster's direct probes.
#[derive(Debug, Default)]
pub(super) struct LatestDirectStatus {
    blocked: BTreeMap<Probe, Arc<str>>,
}

impl LatestDirectStatus {
    /// Updates the status, and logs one line for each change.
    pub(super) fn on_input(&mut self, input: &ProbeInput) {
        match input {
            ProbeInput::Blocked { probe, message } => self.blocked(*probe, message.as_ref()),
            ProbeInput::Targets { .. }
            | ProbeInput::Chosen { .. }
            | ProbeInput::InternalTopic { .. }
            | ProbeInput::Response { .. }
            | ProbeInput::Phase { .. }
            | ProbeInput::ChannelFailed { .. }
            | ProbeInput::Overdue(_)
            | ProbeInput::ConnectChecked { .. }
            | ProbeInput::MetadataBrokers { .. }
            | ProbeInput::DuplicateVantage { .. }
            | ProbeInput::Action { .. } => {}
        }
    }

    /// Messages about missing permissions; they name the ACL to grant.
    pub(super) fn permissions(&self) -> impl Iterator<Item = &Arc<str>> {
        self.blocked.values().filter(|message| message.contains("grant "))
    }

    fn blocked(&mut self, probe: Probe, message: Option<&Arc<str>>) {
        let before = match message {
            Some(message) => self.blocked.insert(probe, Arc::clone(message)),
            None => self.blocked.remove(&probe),
        };
        match message {
            Some(message) if before.as_ref() != Some(message) => {
                tracing::warn!(probe = probe.as_str(), "{message}");
            }
            None if before.is_some() => tracing::info!(probe = probe.as_str(), "probe is no longer blocked"),
            _ => {}
        }
    }
}

impl ProbeRuntime {
    /// The enabled probes that are not blocked.
    pub(super) fn running(&self) -> BTreeSet<Probe> {
        self.direct.probes().filter(|probe| !self.latest.blocked.contains_key(probe)).collect()
    }

    /// Probes that cannot run, each with the reason.
    pub(super) fn blocked_probes(&self) -> impl Iterator<Item = BlockedProbe> + '_ {
        self.latest.blocked.iter().map(|(probe, message)| BlockedProbe {
            cluster: self.cluster.clone(),
            probe: *probe,
            message: Arc::clone(message),
        })
    }
}
