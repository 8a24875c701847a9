//! What the direct probes of a cluster report besides responses: blocked probes, and another prober of the same vantage.

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

/// Without a sign of the other prober for this long, it is gone.
const DUPLICATE_GONE_AFTER: Duration = Duration::from_secs(120);

/// The newest status of a cluster's direct probes.
#[derive(Debug, Default)]
pub(super) struct LatestDirectStatus {
    blocked: BTreeMap<Probe, Arc<str>>,
    duplicate: Option<Duplicate>,
}

#[derive(Debug)]
struct Duplicate {
    since: Time,
    last: Time,
    evidence: Arc<str>,
}

impl LatestDirectStatus {
    /// Updates the status, and logs one line for each change.
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

    fn on_duplicate(&mut self, at: Time, evidence: &Arc<str>) {
        let known = self.duplicate.take().filter(|duplicate| at.since(duplicate.last) < DUPLICATE_GONE_AFTER);
        if known.is_none() {
            tracing::warn!("another prober runs with this vantage's name: {evidence}");
        }
        let since = known.map_or(at, |duplicate| duplicate.since);
        self.duplicate = Some(Duplicate { since, last: at, evidence: Arc::clone(evidence) });
    }
}

impl ProbeRuntime {
    /// Active findings.
    pub(super) fn findings(&self, now: Time) -> impl Iterator<Item = Finding> + '_ {
        self.evidence.findings().chain(self.duplicate(now))
    }

    /// The finding about another prober of the same vantage.
    fn duplicate(&self, now: Time) -> Option<Finding> {
        let duplicate =
            self.latest.duplicate.as_ref().filter(|duplicate| now.since(duplicate.last) < DUPLICATE_GONE_AFTER)?;
        Some(Finding {
            kind: FindingKind::DuplicateVantage,
            cluster: self.cluster.clone(),
            broker: None,
            blame: Blame::Prober,
            since: duplicate.since,
            confidence: 1.0,
            summary: Arc::from("another prober runs under this vantage's name; give each its own with --vantage"),
            evidence: vec![Arc::clone(&duplicate.evidence)],
            runner_up: None,
            ruled_out: Vec::new(),
        })
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
