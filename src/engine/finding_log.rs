//! One line of the log for each finding that begins, and one when it is over.

use std::collections::BTreeSet;

use prober_core::fault::Blame;
use prober_core::finding::{Finding, FindingKind};
use prober_core::ids::{BrokerId, ClusterName};

/// What was said to stand in one cluster.
#[derive(Debug, Default)]
pub(super) struct FindingLog {
    said: BTreeSet<(FindingKind, Option<BrokerId>)>,
}

impl FindingLog {
    /// Says what has begun, and what stands no more.
    pub(super) fn follow<'a>(&mut self, cluster: &ClusterName, standing: impl Iterator<Item = &'a Finding>) {
        let cluster = cluster.as_str();
        let mut stands = BTreeSet::new();
        for finding in standing {
            let key = (finding.kind, finding.broker);
            if !self.said.contains(&key) {
                let (kind, blame) = (finding.kind.as_str(), finding.blame.as_str());
                let broker = finding.broker.map(|id| id.0);
                match finding.blame {
                    Blame::Nobody => tracing::info!(cluster, kind, broker, blame, "finding: {}", finding.summary),
                    _ => tracing::warn!(cluster, kind, broker, blame, "finding: {}", finding.summary),
                }
            }
            stands.insert(key);
        }
        for (kind, broker) in self.said.difference(&stands) {
            tracing::info!(cluster, kind = kind.as_str(), broker = broker.map(|id| id.0), "finding is over");
        }
        self.said = stands;
    }
}
