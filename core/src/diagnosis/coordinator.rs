//! Coordinators: commits or transactions fail while the brokers are well. The coordinator view names nobody alone, since each
//! answer waits on the in-sync replicas of an internal partition too (K2); the finding says where it is felt.

use std::sync::Arc;

use crate::fault::{Blame, Fault};
use crate::finding::{Finding, FindingKind};
use crate::ids::Probe;
use crate::kafka_error::KafkaError;

use super::input::{BrokerEvidence, Input, Streak};
use super::unresponsive::seconds;

/// So many attempts in a row failed: a coordinator that moves fails one or two.
pub const BAD: u32 = 4;

const PROBES: [Probe; 2] = [Probe::Commit, Probe::Transaction];

/// The one finding about all coordinators that fail. The caller has made sure that no broker's silence explains it.
pub fn find(input: &Input) -> Option<Finding> {
    let failing: Vec<(&BrokerEvidence, Probe, Streak)> = input
        .brokers
        .iter()
        .flat_map(|seen| PROBES.into_iter().filter_map(move |probe| failing(seen, probe)))
        .collect();
    let since = failing.iter().map(|(_, _, streak)| streak.since).min()?;
    let is_loading = |fault| fault == Fault::Kafka(KafkaError::COORDINATOR_LOAD_IN_PROGRESS);
    let loading = failing.iter().any(|(_, _, streak)| is_loading(streak.fault));
    let what = if loading {
        "coordinators are loading their partitions: groups and transactions there wait until they have"
    } else {
        "coordinators fail while the brokers are well: look at the internal topics' partitions and their replicas"
    };
    let told = |(seen, probe, streak): &(&BrokerEvidence, Probe, Streak)| -> Arc<str> {
        let length = seconds(input.now.since(streak.since));
        let (probe, fault) = (probe.as_str(), streak.fault.error_type());
        format!("{} {probe} attempts at broker {} in {length} ended with {fault}", streak.bad, seen.id).into()
    };
    Some(Finding {
        kind: FindingKind::CoordinatorFailing,
        cluster: input.cluster.clone(),
        broker: None,
        blame: Blame::Cluster,
        since,
        confidence: 0.8,
        summary: what.into(),
        evidence: failing.iter().map(told).collect(),
        runner_up: None,
        ruled_out: vec![FindingKind::BrokerFrozen, FindingKind::BrokerDown, FindingKind::ProberStalled],
    })
}

fn failing(seen: &BrokerEvidence, probe: Probe) -> Option<(&BrokerEvidence, Probe, Streak)> {
    let streak = *seen.streaks.get(&probe)?;
    (BAD <= streak.bad && streak.fault.blame() == Blame::Cluster).then_some((seen, probe, streak))
}
