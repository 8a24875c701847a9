//! `broker_stale`: a broker shows outdated metadata. Cut off from the controllers, it goes on answering and may ack writes that
//! will be lost (K4).

use crate::fault::{Blame, Fault};
use crate::finding::{Confidence, Finding, FindingKind};
use crate::ids::Probe;
use crate::staleness::STALE_AFTER;

use super::sentences::seconds;
use crate::diagnosis::evidence::facts::{BrokerEvidence, Facts};

/// The finding about one broker. The `metadata` probe reports a broker as stale only after [`STALE_AFTER`], so one such event is
/// enough.
pub fn find(facts: &Facts, broker: &BrokerEvidence) -> Option<Finding> {
    let streak = broker.streaks.get(&Probe::Metadata).filter(|streak| streak.fault == Fault::Stale)?;
    let (id, behind) = (broker.id, seconds(STALE_AFTER + facts.now.since(streak.since)));
    Some(Finding {
        kind: FindingKind::BrokerStale,
        cluster: facts.cluster.clone(),
        broker: Some(id),
        blame: Blame::Cluster,
        since: streak.since,
        confidence: Confidence::Certain,
        summary: format!(
            "broker {id} is cut off from the controllers and goes on answering: what it acks may be lost; take it off the \
             network or restart it"
        )
        .into(),
        evidence: vec![format!("its metadata have been behind those of most brokers for {behind}").into()],
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}
