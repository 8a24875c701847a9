//! `coordinator_failing`: commits or transactions fail at a coordinator, whichever of its partitions is asked, while the brokers are
//! well. Every answer of a coordinator waits for the in-sync replicas of an internal partition (K2), so the finding says where it
//! is felt and accuses no broker.

use std::sync::Arc;

use crate::coordinator::InternalPartition;
use crate::fault::{Blame, Fault};
use crate::finding::{Confidence, Finding, FindingKind};
use crate::ids::{BrokerId, Probe};
use crate::kafka_error::KafkaError;

use super::coordinator_partition_failing::Failing;
use super::sentences::seconds;
use crate::diagnosis::dependencies::Explained;
use crate::diagnosis::evidence::facts::{BrokerEvidence, CoordinatorEvidence, Facts, PartitionFailures, Streak};
use crate::diagnosis::thresholds::cluster;

const PROBES: [Probe; 2] = [Probe::Commit, Probe::Transaction];

/// A coordinator that fails as a whole.
#[derive(Clone, Copy, Debug)]
struct FailingCoordinator {
    broker: BrokerId,
    probe: Probe,
    streak: Streak,
}

/// One finding about all of them. `alone` are the partitions that fail by themselves. The caller has made sure that no change of the
/// cluster explains them.
pub(super) fn find(facts: &Facts, explained: &Explained, alone: &[Failing<'_>]) -> Option<Finding> {
    // Coordinators on a broker that is away, or in doubt, fail with it.
    let brokers = facts.brokers.iter().filter(|broker| !broker.is_in_doubt());
    let failing: Vec<FailingCoordinator> = brokers
        .flat_map(|broker| PROBES.into_iter().filter_map(move |probe| failing(facts, explained, alone, broker, probe)))
        .collect();
    let since = failing.iter().map(|one| one.streak.since).min()?;
    let is_loading =
        |one: &FailingCoordinator| one.streak.fault == Fault::Kafka(KafkaError::COORDINATOR_LOAD_IN_PROGRESS);
    let summary = if failing.iter().any(is_loading) {
        "coordinators are loading their partitions: their groups and transactions wait until that is done"
    } else {
        "coordinators fail while the brokers are well: look at the internal topics' partitions and their replicas"
    };
    Some(Finding {
        kind: FindingKind::CoordinatorFailing,
        cluster: facts.cluster.clone(),
        broker: None,
        blame: Blame::Cluster,
        since,
        confidence: Confidence::Likely,
        summary: summary.into(),
        evidence: failing.iter().map(|one| evidence(facts, *one)).collect(),
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}

fn evidence(facts: &Facts, FailingCoordinator { broker, probe, streak }: FailingCoordinator) -> Arc<str> {
    let (within, probe, fault) = (seconds(facts.now.since(streak.since)), probe.as_str(), streak.fault.error_type());
    format!("{} {probe} attempts at broker {broker} in {within} ended with {fault}", streak.bad).into()
}

/// Failures in a row at one broker. Not if they are all of one partition, or of partitions that fail by themselves, or a failing
/// broker explains all of them.
fn failing(
    facts: &Facts,
    explained: &Explained,
    alone: &[Failing<'_>],
    broker: &BrokerEvidence,
    probe: Probe,
) -> Option<FailingCoordinator> {
    let streak = *broker.streaks.get(&probe)?;
    if streak.bad < cluster::COORDINATOR_FAILURES_MIN.get() || streak.fault.blame() != Blame::Cluster {
        return None;
    }
    let is_of_row = |(id, evidence): &(&InternalPartition, &CoordinatorEvidence)| {
        let is_in = |row: PartitionFailures| row.broker == broker.id && streak.since <= row.newest;
        id.topic.probe() == probe && evidence.row.is_some_and(is_in)
    };
    let partitions: Vec<_> = facts.coordinators.iter().filter(is_of_row).collect();
    let is_alone = |id: &InternalPartition| alone.iter().any(|one| one.id == *id);
    let is_explained = |(id, evidence): &(&InternalPartition, &CoordinatorEvidence)| {
        is_alone(id) || evidence.is_explained() || explained.covers_coordinator(evidence)
    };
    let is_known = !partitions.is_empty();
    let is_of_others = partitions.len() == 1 || is_known && partitions.iter().all(is_explained);
    (!is_of_others).then_some(FailingCoordinator { broker: broker.id, probe, streak })
}
