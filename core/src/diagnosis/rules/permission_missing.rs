//! `permission_missing`: the prober's principal lacks an ACL. Some probes cannot run, and no broker is to blame.

use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};

use crate::diagnosis::evidence::facts::Facts;

/// The finding about the prober's own principal.
pub fn find(facts: &Facts) -> Option<Finding> {
    let first = facts.missing_permissions.first()?;
    let more = match facts.missing_permissions.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(Finding {
        kind: FindingKind::PermissionMissing,
        cluster: facts.cluster.clone(),
        broker: None,
        blame: Blame::Unclear,
        since: facts.now,
        confidence: Confidence::Certain,
        summary: format!("the prober lacks permissions that it needs: {first}{more}").into(),
        evidence: facts.missing_permissions.clone(),
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}
