//! `quota_throttled`: brokers answer but delay the prober by a quota (KIP-219). No broker is slow; throttled attempts accuse
//! none.

use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};

use super::sentences::listed;
use crate::diagnosis::evidence::facts::Facts;

/// The finding about the prober's own quota.
pub fn find(facts: &Facts) -> Option<Finding> {
    let since = *facts.throttled.values().min()?;
    let brokers = listed(facts.throttled.keys().copied());
    Some(Finding {
        kind: FindingKind::QuotaThrottled,
        cluster: facts.cluster.clone(),
        broker: None,
        blame: Blame::Unclear,
        since,
        confidence: Confidence::Certain,
        summary:
            "the cluster throttles this prober by a quota: raise it for the prober's user and client id; throttled \
                  attempts accuse no broker"
                .into(),
        evidence: vec![format!("responses of broker {brokers} carried a throttle time").into()],
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}
