//! One row a kind of finding: whose fault it is, and what it rests on. So it is known which kinds cannot be found while a part of the
//! prober is off.

use std::collections::BTreeSet;
use std::fmt;

use crate::fault::Blame;
use crate::finding::FindingKind;
use crate::ids::{Lane, Probe};

/// A part of the prober that gives evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EvidenceSource {
    /// A lane.
    Lane(Lane),
    /// At least one direct probe: with it come the cluster's brokers by metadata, and connect checks.
    DirectProbes,
    /// A direct probe.
    Probe(Probe),
    /// The observation of the cluster.
    Observation,
}

impl fmt::Display for EvidenceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EvidenceSource::Lane(lane) => write!(f, "lane {}", lane.as_str()),
            EvidenceSource::DirectProbes => f.write_str("direct probes"),
            EvidenceSource::Probe(probe) => write!(f, "probe {}", probe.as_str()),
            EvidenceSource::Observation => f.write_str("the observation"),
        }
    }
}

const PINNED: EvidenceSource = EvidenceSource::Lane(Lane::Pinned);
const REPLICATED: EvidenceSource = EvidenceSource::Lane(Lane::Replicated);
const DIRECT: EvidenceSource = EvidenceSource::DirectProbes;
const METADATA: EvidenceSource = EvidenceSource::Probe(Probe::Metadata);
const CONNECT: EvidenceSource = EvidenceSource::Probe(Probe::Connect);
const COMMIT: EvidenceSource = EvidenceSource::Probe(Probe::Commit);
const TRANSACTION: EvidenceSource = EvidenceSource::Probe(Probe::Transaction);
const CONTROLLER: EvidenceSource = EvidenceSource::Probe(Probe::Controller);
const OBSERVATION: EvidenceSource = EvidenceSource::Observation;

/// What is the same for every finding of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Whose fault it is; `None` where the evidence decides that.
    pub blame: Option<Blame>,
    /// What it rests on: alternatives, of which one is enough, each a set of sources that it takes together.
    pub needs: &'static [&'static [EvidenceSource]],
}

/// The row of a kind. Its page in the runbook has the kind's name.
pub const fn row(kind: FindingKind) -> Row {
    use FindingKind as Kind;
    const fn of(blame: Blame, needs: &'static [&'static [EvidenceSource]]) -> Row {
        Row { blame: Some(blame), needs }
    }
    const fn by_evidence(needs: &'static [&'static [EvidenceSource]]) -> Row {
        Row { blame: None, needs }
    }
    match kind {
        // Two connections that are kept open must be unanswered, and a connect check.
        Kind::BrokerStalled | Kind::BrokerFrozen => of(Blame::Cluster, &[&[PINNED, DIRECT]]),
        Kind::BrokerUnreachable => of(Blame::Unclear, &[&[PINNED, DIRECT]]),
        // Any refused connection makes a connect check.
        Kind::BrokerDown => of(Blame::Cluster, &[&[PINNED, DIRECT], &[METADATA], &[CONNECT]]),
        Kind::BrokersTogether => of(Blame::Unclear, &[&[PINNED, DIRECT], &[METADATA], &[CONNECT]]),
        Kind::ClusterUnreachable => by_evidence(&[&[PINNED, DIRECT], &[METADATA], &[CONNECT]]),
        Kind::BrokerAbsent => by_evidence(&[&[DIRECT]]),
        Kind::BrokerStale => of(Blame::Cluster, &[&[METADATA]]),
        // The in-sync replicas of the monitor topic and of the internal ones.
        Kind::BrokerCutOffFromPeers => of(Blame::Cluster, &[&[REPLICATED, DIRECT]]),
        Kind::ControllerUnresponsive => of(Blame::Cluster, &[&[CONTROLLER]]),
        // The offset that is committed, and the record of a transaction, are in the pinned lane.
        Kind::CoordinatorFailing | Kind::CoordinatorPartitionFailing => {
            of(Blame::Cluster, &[&[PINNED, COMMIT], &[PINNED, TRANSACTION]])
        }
        Kind::DuplicateVantage => of(Blame::Prober, &[&[PINNED, COMMIT], &[PINNED, TRANSACTION]]),
        Kind::NotEnoughReplicas | Kind::AckedRecordsLost => of(Blame::Cluster, &[&[REPLICATED]]),
        // A latency counts once its broker has been in the metadata for a while.
        Kind::BrokerSlow => of(Blame::Cluster, &[&[PINNED, DIRECT], &[METADATA]]),
        Kind::PathDegraded => of(Blame::Unclear, &[&[PINNED, DIRECT], &[METADATA]]),
        Kind::DiskSlow | Kind::ClusterOverloaded | Kind::StorageFailed => of(Blame::Cluster, &[&[PINNED, DIRECT]]),
        Kind::FollowerSlow => of(Blame::Cluster, &[&[REPLICATED, DIRECT]]),
        Kind::NewConnectionsFailing => of(Blame::Cluster, &[&[CONNECT]]),
        Kind::QuotaThrottled => of(Blame::Unclear, &[&[PINNED], &[METADATA]]),
        Kind::CredentialsRefused => by_evidence(&[&[PINNED], &[METADATA], &[CONNECT]]),
        Kind::ReplicasMissing
        | Kind::ReplicasBehind
        | Kind::LeadersImbalanced
        | Kind::PartitionLimit
        | Kind::InternalTopicGrowing => of(Blame::Cluster, &[&[OBSERVATION]]),
        Kind::ReassignmentRunning => of(Blame::Nobody, &[&[OBSERVATION]]),
        Kind::PermissionMissing => of(Blame::Unclear, &[&[]]),
        Kind::ProberStalled | Kind::ProberStarved | Kind::ProberNetwork => of(Blame::Prober, &[&[]]),
    }
}

/// Kinds that cannot be found, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfindable {
    /// What is off; one of these would be enough for most of the kinds.
    pub off: Vec<EvidenceSource>,
    /// The kinds, in the order of [`FindingKind::ALL`].
    pub kinds: Vec<FindingKind>,
}

impl fmt::Display for Unfindable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let off: Vec<String> = self.off.iter().map(ToString::to_string).collect();
        let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.as_str()).collect();
        write!(f, "without {} these findings cannot be made: {}", off.join(" and "), kinds.join(", "))
    }
}

/// The kinds that cannot be found while these sources are off, grouped by what is off.
pub fn unfindable(off: &BTreeSet<EvidenceSource>) -> Vec<Unfindable> {
    let mut groups: Vec<Unfindable> = Vec::new();
    for kind in FindingKind::ALL {
        let alternatives = row(kind).needs;
        if alternatives.iter().any(|needed| needed.iter().all(|source| !off.contains(source))) {
            continue;
        }
        let missing = alternatives.iter().copied().flatten().filter(|source| off.contains(source));
        // Where every direct probe is off, the single ones are not listed.
        let is_of_direct =
            |source: &EvidenceSource| matches!(source, EvidenceSource::Probe(_)) && off.contains(&DIRECT);
        let missing: BTreeSet<EvidenceSource> =
            missing.map(|source| if is_of_direct(source) { DIRECT } else { *source }).collect();
        let missing: Vec<EvidenceSource> = missing.into_iter().collect();
        match groups.iter_mut().find(|group| group.off == missing) {
            Some(group) => group.kinds.push(kind),
            None => groups.push(Unfindable { off: missing, kinds: vec![kind] }),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(off: &[EvidenceSource]) -> Vec<String> {
        unfindable(&off.iter().copied().collect()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn everything_is_findable_while_everything_is_on() {
        assert_eq!(sentences(&[]), [""; 0]);
    }

    #[test]
    fn kinds_are_grouped_by_what_is_off() {
        let of_lane = "without lane pinned these findings cannot be made: broker_stalled, broker_frozen, broker_unreachable, \
                       coordinator_failing, coordinator_partition_failing, disk_slow, cluster_overloaded, storage_failed, \
                       duplicate_vantage";
        assert_eq!(sentences(&[PINNED]), [of_lane]);
        assert_eq!(sentences(&[COMMIT]), [""; 0], "transactions are probed as well");
        let coordinators = "without probe commit and probe transaction these findings cannot be made: coordinator_failing, \
                            coordinator_partition_failing, duplicate_vantage";
        assert_eq!(sentences(&[COMMIT, TRANSACTION]), [coordinators]);
    }

    #[test]
    fn findings_about_the_prober_and_losses_need_no_pinned_lane_and_no_direct_probe() {
        let direct = Probe::DIRECT.map(EvidenceSource::Probe);
        let off: BTreeSet<EvidenceSource> = direct.into_iter().chain([PINNED, DIRECT]).collect();
        let lost: BTreeSet<FindingKind> = unfindable(&off).into_iter().flat_map(|group| group.kinds).collect();
        for kind in [
            FindingKind::PermissionMissing,
            FindingKind::ProberStalled,
            FindingKind::ProberStarved,
            FindingKind::ProberNetwork,
            FindingKind::AckedRecordsLost,
            FindingKind::NotEnoughReplicas,
            FindingKind::ReplicasMissing,
        ] {
            assert!(!lost.contains(&kind), "{}", kind.as_str());
        }
        assert!(unfindable(&off).iter().all(|group| !matches!(group.off.as_slice(), [.., EvidenceSource::Probe(_)])));
    }
}
