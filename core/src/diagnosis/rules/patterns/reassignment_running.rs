//! `reassignment_running`: partitions are being reassigned. That is intended; replicas out of sync and leaders elsewhere are part of it
//! and are not reported meanwhile.

use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};
use crate::observed::Observed;
use crate::observed::parts::Part;
use crate::time::Time;

use super::{is_fresh, some_of};

/// The finding while a reassignment runs.
pub fn find(observed: &Observed, now: Time) -> Option<Finding> {
    let moving = observed.reassignments.as_ref().filter(|moving| 0 < moving.count)?;
    is_fresh(observed, Part::Reassignments, now).then(|| Finding {
        kind: FindingKind::ReassignmentRunning,
        cluster: observed.cluster.clone(),
        broker: None,
        blame: Blame::Nobody,
        since: now,
        confidence: Confidence::Certain,
        summary: format!(
            "{} partitions are being reassigned: clients may notice leader changes and loaded brokers until it is done",
            moving.count
        )
        .into(),
        evidence: vec![format!("the controller lists them: {}", some_of(moving)).into()],
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}
