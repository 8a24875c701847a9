//! What the direct probes of a cluster say besides answers: what keeps one from probes, and a twin of this prober.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::fault::Blame;
use prober_core::finding::{Finding, FindingKind};
use prober_core::ids::Probe;
use prober_core::snapshot::BlockedProbe;
use prober_core::time::Time;
use prober_probes::port::ProbeInput;

use super::ProbeRuntime;

/// A twin that was not met for so long is gone.
const TWIN_GONE_AFTER: Duration = Duration::from_secs(120);

/// The newest word of each.
#[derive(Debug, Default)]
pub(super) struct LatestDirectStatus {
    blocked: BTreeMap<Probe, Arc<str>>,
    twin: Option<Twin>,
}

#[derive(Debug)]
struct Twin {
    since: Time,
    last: Time,
    evidence: Arc<str>,
}

impl LatestDirectStatus {
    /// Takes in what comes back, and logs one line for what has changed.
    pub(super) fn on_input(&mut self, input: &ProbeInput) {
        match input {
            ProbeInput::Blocked { probe, message } => self.blocked(*probe, message.as_ref()),
            ProbeInput::DuplicateVantage { at, evidence } => self.on_duplicate(*at, evidence),
            ProbeInput::Targets { .. }
            | ProbeInput::Response { .. }
            | ProbeInput::Phase { .. }
            | ProbeInput::ChannelFailed { .. }
            | ProbeInput::Overdue(_)
            | ProbeInput::ConnectChecked { .. }
            | ProbeInput::MetadataBrokers { .. }
            | ProbeInput::Action { .. } => {}
        }
    }

    /// What the probes may not do, in the words of Kafka's ACLs: such messages say what to grant.
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
            None if before.is_some() => tracing::info!(probe = probe.as_str(), "the probe asks again"),
            _ => {}
        }
    }

    fn on_duplicate(&mut self, at: Time, evidence: &Arc<str>) {
        let known = self.twin.take().filter(|twin| at.since(twin.last) < TWIN_GONE_AFTER);
        if known.is_none() {
            tracing::warn!("another prober runs under this vantage's name: {evidence}");
        }
        let since = known.map_or(at, |twin| twin.since);
        self.twin = Some(Twin { since, last: at, evidence: Arc::clone(evidence) });
    }
}

impl ProbeRuntime {
    /// Everything that stands.
    pub(super) fn findings(&self, now: Time) -> impl Iterator<Item = Finding> + '_ {
        self.evidence.findings().chain(self.twin(now))
    }

    /// The twin, while it is met.
    fn twin(&self, now: Time) -> Option<Finding> {
        let twin = self.latest.twin.as_ref().filter(|twin| now.since(twin.last) < TWIN_GONE_AFTER)?;
        Some(Finding {
            kind: FindingKind::DuplicateVantage,
            cluster: self.cluster.clone(),
            broker: None,
            blame: Blame::Prober,
            since: twin.since,
            confidence: 1.0,
            summary: Arc::from("another prober runs under this vantage's name; give each its own with --vantage"),
            evidence: vec![Arc::clone(&twin.evidence)],
            runner_up: None,
            ruled_out: Vec::new(),
        })
    }

    /// Probes that something keeps from probes.
    pub(super) fn blocked_probes(&self) -> impl Iterator<Item = BlockedProbe> + '_ {
        self.latest.blocked.iter().map(|(probe, message)| BlockedProbe {
            cluster: self.cluster.clone(),
            probe: *probe,
            message: Arc::clone(message),
        })
    }
}
