//! What the cluster does not permit: some of the probes are blind, and no broker is to blame.

use crate::fault::Blame;
use crate::finding::{Finding, FindingKind};

use super::input::Input;

/// The finding about the prober's own principal.
pub fn find(input: &Input) -> Option<Finding> {
    let first = input.missing_permissions.first()?;
    let more = input.missing_permissions.len() - 1;
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    Some(Finding {
        kind: FindingKind::PermissionMissing,
        cluster: input.cluster.clone(),
        broker: None,
        blame: Blame::Unclear,
        since: input.now,
        confidence: 1.0,
        summary: format!("the prober may not do all that it should: {first}{more}").into(),
        evidence: input.missing_permissions.clone(),
        runner_up: None,
        ruled_out: Vec::new(),
    })
}
