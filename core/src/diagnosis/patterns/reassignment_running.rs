//! Partitions being moved. Somebody wants that: replicas out of sync and leaders elsewhere are part of it, and are not said
//! meanwhile.

use crate::fault::Blame;
use crate::finding::{Finding, FindingKind};
use crate::observed::Observed;
use crate::observed::parts::Part;
use crate::time::Time;

use super::{is_fresh, some_of};

/// What is being moved, while it is.
pub fn find(observed: &Observed, now: Time) -> Option<Finding> {
    let moving = observed.reassignments.as_ref().filter(|moving| 0 < moving.count)?;
    is_fresh(observed, Part::Reassignments, now).then(|| Finding {
        kind: FindingKind::ReassignmentRunning,
        cluster: observed.cluster.clone(),
        broker: None,
        blame: Blame::Nobody,
        since: now,
        confidence: 1.0,
        summary: format!(
            "{} partitions are being moved: expected trouble, clients may see leaders change and brokers under load",
            moving.count
        )
        .into(),
        evidence: vec![format!("the controller lists them: {}", some_of(moving)).into()],
        runner_up: None,
        ruled_out: Vec::new(),
    })
}
