//! Findings that rest on the observation of each cluster alone, whether or not its direct probes are enabled. They neither hide
//! the other findings nor are hidden by them.

use std::collections::BTreeMap;

use prober_core::diagnosis::patterns::Patterns;
use prober_core::finding::Finding;
use prober_core::ids::ClusterName;
use prober_core::observed::Observed;
use prober_core::time::Time;

use super::finding_log::FindingLog;

/// The patterns of each cluster.
#[derive(Debug, Default)]
pub(super) struct PatternsByCluster {
    clusters: BTreeMap<ClusterName, (Patterns, FindingLog)>,
}

impl PatternsByCluster {
    /// Evaluates an observation, and logs which findings have begun or ended.
    pub(super) fn follow(&mut self, observed: &Observed, now: Time) {
        let (patterns, log) = self.clusters.entry(observed.cluster.clone()).or_default();
        patterns.follow(observed, now);
        log.follow(&observed.cluster, patterns.findings());
    }

    /// Active findings.
    pub(super) fn findings(&self) -> impl Iterator<Item = Finding> + '_ {
        self.clusters.values().flat_map(|(patterns, _)| patterns.findings().cloned())
    }
}
