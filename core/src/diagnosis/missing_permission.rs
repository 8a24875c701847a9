//! `permission_missing`: the prober's principal lacks an ACL. Some probes cannot run, and no broker is to blame.

use crate::fault::Blame;
use crate::finding::{Finding, FindingKind};

use super::input::Input;

/// The finding about the prober's own principal.
pub fn find(input: &Input) -> Option<Finding> {
    let first = input.missing_permissions.first()?;
    let more = match input.missing_permissions.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(Finding {
        kind: FindingKind::PermissionMissing,
        cluster: input.cluster.clone(),
        broker: None,
        blame: Blame::Unclear,
        since: input.now,
        confidence: 1.0,
        summary: format!("the prober lacks permissions that it needs: {first}{more}").into(),
        evidence: input.missing_permissions.clone(),
        runner_up: None,
        ruled_out: Vec::new(),
    })
}
