//! A broker that shows an old picture of the cluster: cut off from the controllers, it goes on answering, and may ack writes
//! that will be lost (K4).

use crate::fault::{Blame, Fault};
use crate::finding::{Finding, FindingKind};
use crate::ids::Probe;

use super::input::{BrokerEvidence, Input};
use super::unresponsive::seconds;

/// The finding about one broker. The probe has waited already until it is sure: one answer is enough.
pub fn find(input: &Input, seen: &BrokerEvidence) -> Option<Finding> {
    let streak = seen.streaks.get(&Probe::Metadata).filter(|streak| streak.fault == Fault::Stale)?;
    let (broker, behind) = (seen.id, seconds(input.now.since(streak.since)));
    Some(Finding {
        kind: FindingKind::BrokerStale,
        cluster: input.cluster.clone(),
        broker: Some(broker),
        blame: Blame::Cluster,
        since: streak.since,
        confidence: 0.95,
        summary: format!(
            "broker {broker} is cut off from the controllers and goes on answering: what it acks may be lost, take it off \
             the network or restart it"
        )
        .into(),
        evidence: vec![
            format!("its metadata have been behind what most brokers show for {behind} and five seconds more").into(),
        ],
        runner_up: None,
        ruled_out: vec![FindingKind::BrokerFrozen, FindingKind::ProberStalled],
    })
}
