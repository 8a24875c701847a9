//! Data loss: records that were acked by all in-sync replicas, and are gone. The one finding that outlasts its cause.

use std::time::Duration;

use crate::fault::Blame;
use crate::finding::{Finding, FindingKind};

use super::input::Input;

/// Said for so long after the last record was found missing: nothing undoes it, and somebody must read it.
pub const SAID_FOR: Duration = Duration::from_secs(3600);

/// The finding about the replicated lane.
pub fn find(input: &Input) -> Option<Finding> {
    let (count, since, last) = input.lost?;
    (input.now.since(last) < SAID_FOR).then(|| Finding {
        kind: FindingKind::AckedRecordsLost,
        cluster: input.cluster.clone(),
        broker: None,
        blame: Blame::Cluster,
        since,
        confidence: 1.0,
        summary: format!(
            "{count} acked records of the replicated topic are gone: look for an unclean leader election, and what else \
             was lost by it"
        )
        .into(),
        evidence: vec!["each was acked with acks=all, and read again in vain".into()],
        runner_up: None,
        ruled_out: vec![FindingKind::ProberStalled],
    })
}
