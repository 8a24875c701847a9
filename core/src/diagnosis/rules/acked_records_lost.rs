//! `acked_records_lost`: records that were acked with acks=all are gone. The one finding that stays after its cause has ended.

use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};

use crate::diagnosis::evidence::facts::Facts;
use crate::diagnosis::thresholds::cluster;

/// The finding about the replicated lane.
pub fn find(facts: &Facts) -> Option<Finding> {
    let (count, since, last) = facts.lost?;
    (facts.now.since(last) < cluster::LOSS_STAYS_FOR.get()).then(|| Finding {
        kind: FindingKind::AckedRecordsLost,
        cluster: facts.cluster.clone(),
        broker: None,
        blame: Blame::Cluster,
        since,
        confidence: Confidence::Certain,
        summary: format!(
            "{count} acked records of the replicated topic are gone: look for an unclean leader election or, if \
             lanes.replicated.acks is \"leader\", for a leader that failed, and for what else was lost by it"
        )
        .into(),
        evidence: vec!["each was acked as lanes.replicated.acks demands, and a second read did not find it".into()],
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}
