//! `controller_unresponsive`: topics cannot be created and no leader is elected, while writes and reads go on.

use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};

use super::sentences::seconds;
use crate::diagnosis::evidence::facts::Facts;
use crate::diagnosis::thresholds::cluster;

/// The finding about the controller. The caller has made sure that no change of the cluster explains it.
pub fn find(facts: &Facts) -> Option<Finding> {
    let streak = facts.controller.filter(|streak| {
        cluster::CONTROLLER_FAILURES_MIN.get() <= streak.bad && streak.fault.blame() == Blame::Cluster
    })?;
    let (attempts, within) = (streak.bad, seconds(facts.now.since(streak.since)));
    let fault = streak.fault.error_type();
    Some(Finding {
        kind: FindingKind::ControllerUnresponsive,
        cluster: facts.cluster.clone(),
        broker: None,
        blame: Blame::Cluster,
        since: streak.since,
        confidence: Confidence::Likely,
        summary:
            "the active controller does not answer: no topic can be created and no leader elected; records still flow"
                .into(),
        evidence: vec![format!("{attempts} attempts in {within}, each through two brokers, ended with {fault}").into()],
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}
