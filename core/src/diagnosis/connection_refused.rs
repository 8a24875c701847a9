//! A broker that the cluster lists and that lets nobody in: killed a moment ago, or its port is closed.

use std::time::Duration;

use crate::fault::{Blame, Fault};
use crate::finding::{Finding, FindingKind};
use crate::time::Time;

use super::input::{BrokerEvidence, ConnectChecks, Input};
use super::unresponsive::{another_answers, others, seconds};

/// So many fresh connections in a row were refused.
pub const CHECKS_MIN: u32 = 2;

/// Over at least this time: a process that is being replaced may miss one.
pub const REFUSED_FOR: Duration = Duration::from_secs(1);

/// A broker that is listed again listens by then.
pub const BACK_WITHIN: Duration = Duration::from_secs(5);

/// Whether fresh connections to it are refused.
pub fn is_refusing(seen: &BrokerEvidence, now: Time) -> bool {
    refusing(seen).is_some_and(|checks| CHECKS_MIN <= checks.failed && REFUSED_FOR <= now.since(checks.began))
}

/// Whether the cluster still lists it all the same, in metadata that are younger than its trouble: a broker that is shut
/// down in good order leaves them first. One that comes back is listed a moment before it listens: that is no trouble yet.
pub fn is_down(seen: &BrokerEvidence, now: Time) -> bool {
    let (Some(checks), Some(listed)) = (refusing(seen), seen.listed) else { return false };
    let is_back = checks.began < listed.since;
    let patience = if is_back { BACK_WITHIN } else { Duration::ZERO };
    is_refusing(seen, now) && checks.began <= listed.asked && patience <= now.since(listed.since)
}

/// The finding about one broker.
pub fn find(input: &Input, seen: &BrokerEvidence) -> Option<Finding> {
    let now = input.now;
    let checks = refusing(seen).filter(|_| is_down(seen, now) && another_answers(input, seen))?;
    let (broker, refused) = (seen.id, now.since(checks.began));
    let fault = checks.fault.map_or("refused", Fault::error_type);
    Some(Finding {
        kind: FindingKind::BrokerDown,
        cluster: input.cluster.clone(),
        broker: Some(broker),
        blame: Blame::Cluster,
        since: checks.began,
        confidence: 0.95,
        summary: format!("broker {broker} refuses connections while the cluster lists it: its process has died").into(),
        evidence: vec![
            format!("{} fresh connections in {} ended with {fault}", checks.failed, seconds(refused)).into(),
            "the metadata asked for since then list it".into(),
            others(input, seen).into(),
        ],
        runner_up: None,
        ruled_out: vec![FindingKind::BrokerFrozen, FindingKind::ClusterUnreachable, FindingKind::ProberStalled],
    })
}

fn refusing(seen: &BrokerEvidence) -> Option<ConnectChecks> {
    let closed = |fault| matches!(fault, Fault::ConnectionRefused | Fault::ConnectionReset);
    seen.connect_checks.filter(|checks| !checks.unanswered && checks.fault.is_some_and(closed))
}
