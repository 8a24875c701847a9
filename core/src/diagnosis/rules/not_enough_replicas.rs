//! `not_enough_replicas`: the leaders are well but refuse writes with acks=all, because fewer replicas are in sync than
//! `min.insync.replicas` demands (K9).

use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};

use crate::diagnosis::evidence::facts::Facts;

/// The finding about the replicated topic, by what its leaders state.
pub fn find(facts: &Facts) -> Option<Finding> {
    let (partitions, since) = facts.under_min_isr?;
    Some(Finding {
        kind: FindingKind::NotEnoughReplicas,
        cluster: facts.cluster.clone(),
        broker: None,
        blame: Blame::Cluster,
        since,
        confidence: Confidence::Certain,
        summary: format!(
            "{partitions} partitions of the monitor topic take no record with acks=all: fewer replicas are in sync than \
             min.insync.replicas; bring the brokers back that hold the others"
        )
        .into(),
        evidence: vec!["their leaders report fewer in-sync replicas than the topic demands".into()],
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}
