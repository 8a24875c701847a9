//! `broker_down`: fresh connections to a broker are refused, and were while the cluster listed it. It was killed, or its port is
//! closed.

use crate::fault::{Blame, Fault};
use crate::finding::{Confidence, Finding, FindingKind};
use crate::time::Time;

use super::peers::{another_answers, others_answer};
use super::sentences::seconds;
use crate::diagnosis::evidence::facts::{BrokerEvidence, Facts};
use crate::diagnosis::thresholds::liveness;

/// Whether it refuses connections, and metadata that were requested after the first refusal still listed it. It stays down when
/// its session has ended and it leaves the metadata, until it accepts connections again. A broker that is shut down in a controlled
/// way leaves the metadata first (K7). One that comes back is listed a moment before it accepts connections, so it has
/// [`liveness::BACK_WITHIN`].
pub fn is_down(broker: &BrokerEvidence, now: Time) -> bool {
    let Some(checks) = broker.refused_checks().filter(|_| broker.is_refusing(now)) else { return false };
    let was_listed = broker.last_listed.is_some_and(|asked| checks.began <= asked);
    let is_starting = broker.listed.is_some_and(|listed| {
        let is_back = checks.began < listed.since;
        is_back && now.since(listed.since) < liveness::BACK_WITHIN.get()
    });
    was_listed && !is_starting
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
        confidence: Confidence::Certain,
        summary: format!(
            "broker {id} refuses connections: its process has died without leaving the cluster first; start it"
        )
        .into(),
        evidence: vec![
            format!("{} fresh connections in {} ended with {fault}", checks.failed, seconds(refused)).into(),
            match broker.listed {
                Some(_) => "metadata requested since then still list it".into(),
                None => "metadata requested since then still listed it; now it is fenced".into(),
            },
            others_answer(facts, broker).into(),
        ],
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}
