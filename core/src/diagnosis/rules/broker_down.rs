//! `broker_down`: fresh connections to a broker are refused although the cluster lists it. It was killed a moment ago, or its
//! port is closed.

use std::time::Duration;

use crate::fault::{Blame, Fault};
use crate::finding::{Finding, FindingKind};
use crate::time::Time;

use super::peers::{another_answers, others_answer};
use super::sentences::seconds;
use crate::diagnosis::evidence::facts::{BrokerEvidence, Facts};

/// Time within which a broker that is listed again accepts connections.
pub const BACK_WITHIN: Duration = Duration::from_secs(5);

/// Whether it refuses connections while metadata that were requested after the first refusal still list it. A broker that is
/// shut down in a controlled way leaves the metadata first (K7). One that comes back is listed a moment before it accepts
/// connections, so it has [`BACK_WITHIN`].
pub fn is_down(broker: &BrokerEvidence, now: Time) -> bool {
    let (Some(checks), Some(listed)) = (broker.refused_checks(), broker.listed) else { return false };
    let is_back = checks.began < listed.since;
    let grace = if is_back { BACK_WITHIN } else { Duration::ZERO };
    broker.is_refusing(now) && checks.began <= listed.asked && grace <= now.since(listed.since)
}

/// The finding about one broker.
pub fn find(facts: &Facts, broker: &BrokerEvidence) -> Option<Finding> {
    let now = facts.now;
    let checks = broker.refused_checks().filter(|_| is_down(broker, now) && another_answers(facts, broker))?;
    let (id, refused) = (broker.id, now.since(checks.began));
    let fault = checks.fault.map_or("refused", Fault::error_type);
    Some(Finding {
        kind: FindingKind::BrokerDown,
        cluster: facts.cluster.clone(),
        broker: Some(id),
        blame: Blame::Cluster,
        since: checks.began,
        confidence: 0.95,
        summary: format!("broker {id} refuses connections while the cluster lists it: its process has died").into(),
        evidence: vec![
            format!("{} fresh connections in {} ended with {fault}", checks.failed, seconds(refused)).into(),
            "metadata requested since then still list it".into(),
            others_answer(facts, broker).into(),
        ],
        runner_up: None,
        ruled_out: vec![FindingKind::BrokerFrozen, FindingKind::ClusterUnreachable, FindingKind::ProberStalled],
    })
}
