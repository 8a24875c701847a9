//! The controller: topics cannot be created, and no leader is elected, while writing and reading go on.

use crate::fault::Blame;
use crate::finding::{Finding, FindingKind};

use super::input::Input;
use super::unresponsive::seconds;

/// So many questions in a row were not answered well, each by way of two brokers.
pub const BAD: u32 = 2;

/// The finding about the controller. The caller has made sure that no broker's silence explains it.
pub fn find(input: &Input) -> Option<Finding> {
    let streak = input.controller.filter(|streak| BAD <= streak.bad && streak.fault.blame() == Blame::Cluster)?;
    Some(Finding {
        kind: FindingKind::ControllerUnresponsive,
        cluster: input.cluster.clone(),
        broker: None,
        blame: Blame::Cluster,
        since: streak.since,
        confidence: 0.9,
        summary:
            "the active controller does not answer: no topic can be created and no leader elected; records still flow"
                .into(),
        evidence: vec![
            format!(
                "{} questions by way of two brokers each in {} ended with {}",
                streak.bad,
                seconds(input.now.since(streak.since)),
                streak.fault.error_type()
            )
            .into(),
        ],
        runner_up: None,
        ruled_out: vec![FindingKind::ClusterUnreachable, FindingKind::ProberStalled],
    })
}
