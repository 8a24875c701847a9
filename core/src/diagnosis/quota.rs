//! A quota: the cluster answers, and makes us wait by its own rules (KIP-219). No broker is slow; what is throttled judges
//! nobody.

use crate::fault::Blame;
use crate::finding::{Finding, FindingKind};

use super::input::Input;

/// The finding about the prober's own quota.
pub fn find(input: &Input) -> Option<Finding> {
    let since = *input.throttled.values().min()?;
    let brokers: Vec<String> = input.throttled.keys().map(ToString::to_string).collect();
    Some(Finding {
        kind: FindingKind::QuotaThrottled,
        cluster: input.cluster.clone(),
        broker: None,
        blame: Blame::Unclear,
        since,
        confidence: 1.0,
        summary: "the cluster throttles this prober by a quota: raise it for the prober's user and client id, what is \
                  throttled judges no broker"
            .into(),
        evidence: vec![format!("answers of broker {} came with a throttle time", brokers.join(", ")).into()],
        runner_up: None,
        ruled_out: vec![FindingKind::BrokerSlow, FindingKind::ClusterOverloaded],
    })
}
