//! `not_enough_replicas`: the leaders are well but refuse writes with acks=all, because fewer replicas are in sync than
//! `min.insync.replicas` demands (K9).

use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};

use crate::diagnosis::evidence::facts::{Facts, UnderMinIsr};

/// The finding about the replicated topic, by what its leaders state. One that its followers do not reach has a finding of its own.
pub fn find(facts: &Facts) -> Option<Finding> {
    let is_cut_off = |one: &&UnderMinIsr| one.leader.is_some_and(|leader| facts.cut_off.contains_key(&leader));
    let unexplained: Vec<&UnderMinIsr> = facts.under_min_isr.iter().filter(|one| !is_cut_off(one)).collect();
    let (partitions, since) = (unexplained.len(), unexplained.iter().map(|one| one.since).min()?);
    Some(Finding {
        kind: FindingKind::NotEnoughReplicas,
        cluster: facts.cluster.clone(),
        broker: None,
        blame: Blame::Cluster,
        since,
        confidence: Confidence::Certain,
        summary: format!(
            "{partitions} partitions of the monitor topic take no record with acks=all: fewer replicas are in sync than \
             min.insync.replicas; look at the brokers that hold the others"
        )
        .into(),
        evidence: vec!["their leaders report fewer in-sync replicas than the topic demands".into()],
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}
