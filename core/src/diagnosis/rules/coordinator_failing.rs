//! `coordinator_failing`: commits or transactions fail while the brokers are well. Every answer of a coordinator waits for the
//! in-sync replicas of an internal partition (K2), so the finding says where it is felt and accuses no broker.

use std::sync::Arc;

use crate::fault::{Blame, Fault};
use crate::finding::{Confidence, Finding, FindingKind};
use crate::ids::Probe;
use crate::kafka_error::KafkaError;

use super::sentences::seconds;
use crate::diagnosis::evidence::facts::{BrokerEvidence, Facts, Streak};

/// Attempts in a row that must have failed: a coordinator that moves to another broker fails one or two.
pub const FAILED_MIN: u32 = 4;

const PROBES: [Probe; 2] = [Probe::Commit, Probe::Transaction];

/// One finding about all failing coordinators. The caller has made sure that no change of the cluster explains it.
pub fn find(facts: &Facts) -> Option<Finding> {
    let failing: Vec<(&BrokerEvidence, Probe, Streak)> = facts
        .brokers
        .iter()
        // Coordinators on a broker that is away, or in doubt, fail with it.
        .filter(|broker| !broker.is_in_doubt())
        .flat_map(|broker| PROBES.into_iter().filter_map(move |probe| failing(broker, probe)))
        .collect();
    let since = failing.iter().map(|(_, _, streak)| streak.since).min()?;
    let is_loading = |fault| fault == Fault::Kafka(KafkaError::COORDINATOR_LOAD_IN_PROGRESS);
    let summary = if failing.iter().any(|(_, _, streak)| is_loading(streak.fault)) {
        "coordinators are loading their partitions: their groups and transactions wait until that is done"
    } else {
        "coordinators fail while the brokers are well: look at the internal topics' partitions and their replicas"
    };
    let evidence = |(broker, probe, streak): &(&BrokerEvidence, Probe, Streak)| -> Arc<str> {
        let within = seconds(facts.now.since(streak.since));
        let (probe, fault) = (probe.as_str(), streak.fault.error_type());
        format!("{} {probe} attempts at broker {} in {within} ended with {fault}", streak.bad, broker.id).into()
    };
    Some(Finding {
        kind: FindingKind::CoordinatorFailing,
        cluster: facts.cluster.clone(),
        broker: None,
        blame: Blame::Cluster,
        since,
        confidence: Confidence::Likely,
        summary: summary.into(),
        evidence: failing.iter().map(evidence).collect(),
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}

fn failing(broker: &BrokerEvidence, probe: Probe) -> Option<(&BrokerEvidence, Probe, Streak)> {
    let streak = *broker.streaks.get(&probe)?;
    (FAILED_MIN <= streak.bad && streak.fault.blame() == Blame::Cluster).then_some((broker, probe, streak))
}
