//! Logs one line when a finding begins, and one when it ends.

use std::collections::BTreeSet;

use prober_core::fault::Blame;
use prober_core::finding::{Finding, FindingKind};
use prober_core::ids::{BrokerId, ClusterName};

/// The findings of one cluster that were logged as active.
#[derive(Debug, Default)]
pub(super) struct FindingLog {
    active: BTreeSet<(FindingKind, Option<BrokerId>)>,
}

impl FindingLog {
    /// Logs which findings have begun and which have ended.
    pub(super) fn follow<'a>(&mut self, cluster: &ClusterName, findings: impl Iterator<Item = &'a Finding>) {
        let cluster = cluster.as_str();
        let mut active = BTreeSet::new();
        for finding in findings {
            let key = (finding.kind, finding.broker);
            if !self.active.contains(&key) {
                let (kind, blame) = (finding.kind.as_str(), finding.blame.as_str());
                let broker = finding.broker.map(|id| id.0);
                match finding.blame {
                    Blame::Nobody => tracing::info!(cluster, kind, broker, blame, "finding: {}", finding.summary),
                    _ => tracing::warn!(cluster, kind, broker, blame, "finding: {}", finding.summary),
                }
            }
            active.insert(key);
        }
        for (kind, broker) in self.active.difference(&active) {
            tracing::info!(cluster, kind = kind.as_str(), broker = broker.map(|id| id.0), "finding has ended");
        }
        self.active = active;
    }
}
