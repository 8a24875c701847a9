//! Patterns of each cluster that says anything of itself, whether or not it is asked directly: they rest on observation
//! alone, and stand beside what the direct probes find.

use std::collections::BTreeMap;

use prober_core::diagnosis::patterns::Patterns;
use prober_core::finding::Finding;
use prober_core::ids::ClusterName;
use prober_core::observed::Observed;
use prober_core::time::Time;

use super::finding_log::FindingLog;

/// What is remembered, by cluster.
#[derive(Debug, Default)]
pub(super) struct PatternsByCluster {
    clusters: BTreeMap<ClusterName, (Patterns, FindingLog)>,
}

impl PatternsByCluster {
    /// Takes in what a cluster says of itself, and logs what that changes.
    pub(super) fn follow(&mut self, observed: &Observed, now: Time) {
        let (patterns, log) = self.clusters.entry(observed.cluster.clone()).or_default();
        patterns.follow(observed, now);
        log.follow(&observed.cluster, patterns.findings());
    }

    /// What stands.
    pub(super) fn findings(&self) -> impl Iterator<Item = Finding> + '_ {
        self.clusters.values().flat_map(|(patterns, _)| patterns.findings().cloned())
    }
}
