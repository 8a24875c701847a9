//! Which parts of the prober give no evidence about a cluster, because they are switched off or cannot run, and which findings
//! cannot be made without them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use prober_core::diagnosis::catalog::{EvidenceSource, Unfindable, unfindable};
use prober_core::ids::{ClusterName, Lane, Probe};
use prober_core::snapshot::{LaneState, UnfindableStatus};

use super::{LaneRuntime, ProbeRuntime};

/// What cannot be found in each cluster, computed again only when a part goes off or on.
#[derive(Debug)]
pub(super) struct EvidenceSources {
    /// The clusters that are observed.
    observed: BTreeSet<ClusterName>,
    newest: BTreeMap<ClusterName, (BTreeSet<EvidenceSource>, Arc<[Unfindable]>)>,
}

impl EvidenceSources {
    pub(super) fn new(observed: BTreeSet<ClusterName>) -> EvidenceSources {
        EvidenceSources { observed, newest: BTreeMap::new() }
    }

    /// What cannot be found in a cluster now.
    pub(super) fn unfindable(
        &mut self,
        cluster: &ClusterName,
        lanes: &[LaneRuntime],
        probes: &[ProbeRuntime],
    ) -> UnfindableStatus {
        let off = self.off(cluster, lanes, probes);
        let entry = self.newest.entry(cluster.clone());
        let (before, findings) = entry.or_insert_with(|| (BTreeSet::new(), Arc::default()));
        if *before != off {
            *findings = unfindable(&off).into();
            *before = off;
        }
        UnfindableStatus { cluster: cluster.clone(), findings: Arc::clone(findings) }
    }

    fn off(&self, cluster: &ClusterName, lanes: &[LaneRuntime], probes: &[ProbeRuntime]) -> BTreeSet<EvidenceSource> {
        let is_on = |lane: &&LaneRuntime| lane.latest.state() != Some(LaneState::Refused);
        let of_cluster = lanes.iter().filter(|lane| lane.route.cluster == *cluster).filter(is_on);
        let lanes_on: BTreeSet<Lane> = of_cluster.map(|lane| lane.route.lane).collect();
        let probes = probes.iter().find(|probes| probes.cluster == *cluster);
        let probes_on: BTreeSet<Probe> = probes.map(ProbeRuntime::running).unwrap_or_default();
        let lanes_off = [Lane::Pinned, Lane::Replicated].into_iter().filter(|lane| !lanes_on.contains(lane));
        let probes_off = Probe::DIRECT.into_iter().filter(|probe| !probes_on.contains(probe));
        lanes_off
            .map(EvidenceSource::Lane)
            .chain(probes_off.map(EvidenceSource::Probe))
            .chain(probes.is_none().then_some(EvidenceSource::DirectProbes))
            .chain((!self.observed.contains(cluster)).then_some(EvidenceSource::Observation))
            .collect()
    }
}
