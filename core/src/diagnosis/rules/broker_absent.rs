//! `broker_absent`: a broker belongs to the cluster and is not in the metadata. It was away when this prober began, or it left in good
//! order and has not come back.
//!
//! A broker that failed while the prober watched has a finding of its own, which stays until it is back.

use std::time::Duration;

use crate::diagnosis::evidence::facts::{BrokerEvidence, Facts};
use crate::diagnosis::thresholds::liveness;
use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};
use crate::observed::registration::Registration;

/// The finding about one broker.
pub fn find(facts: &Facts, broker: &BrokerEvidence) -> Option<Finding> {
    let began = facts.first_metadata?;
    // A broker that was unregistered is being decommissioned.
    if broker.listed.is_some() || broker.registration == Registration::Unregistered {
        return None;
    }
    let (since, patience) = match broker.last_listed {
        Some(asked) => (asked, liveness::ABSENT_AFTER.get()),
        None => (began, liveness::ABSENT_AT_START.get()),
    };
    let (id, away) = (broker.id, facts.now.since(since));
    if away < patience {
        return None;
    }
    let when = match broker.last_listed {
        Some(_) => format!("left the cluster {} ago and has not come back", length(away)),
        None => "was not in the cluster when this prober began, and still is not".to_owned(),
    };
    let registered = match broker.registration {
        Registration::Fenced => "the controllers know it as registered and fenced",
        _ => "replica lists name it; whether it is registered is unknown",
    };
    Some(Finding {
        kind: FindingKind::BrokerAbsent,
        cluster: facts.cluster.clone(),
        broker: Some(id),
        // One that left while the prober watched may have been stopped on purpose.
        blame: if broker.last_listed.is_some() { Blame::Unclear } else { Blame::Cluster },
        since,
        confidence: Confidence::Certain,
        summary: format!("broker {id} {when}: start it, or unregister it if it is gone for good").into(),
        evidence: vec![registered.into(), "no metadata response lists it".into()],
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}

fn length(length: Duration) -> String {
    format!("{} min", length.as_secs() / 60)
}
