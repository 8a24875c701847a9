//! Which finding explains which other one, and why. What a finding explains is no finding of its own: it is listed under it.

use std::time::Duration;

use crate::diagnosis::thresholds::{Threshold, lifecycle};
use crate::finding::{Finding, FindingKind};

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The finding that explains: any kind of this family.
    pub cause: FindingKind,
    /// What it explains.
    pub consequences: &'static [FindingKind],
    /// About which brokers.
    pub scope: Scope,
    /// It explains what is found within this time after it was last found; `None`: only while it is active.
    pub within: Option<Threshold<Duration>>,
    /// Why.
    pub reason: &'static str,
}

/// About which brokers the consequence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Any broker, or none.
    Any,
    /// The broker that the cause names.
    SameBroker,
    /// A broker that the cause is about together with others.
    Member,
}

/// Every degree of a broker that does not answer.
const NOT_ANSWERING: &[FindingKind] = &[
    FindingKind::BrokerStalled,
    FindingKind::BrokerFrozen,
    FindingKind::BrokerDown,
    FindingKind::BrokerUnreachable,
    FindingKind::BrokerAbsent,
];

/// Every row.
pub const TABLE: [Row; 6] = [
    Row {
        cause: FindingKind::ClusterUnreachable,
        consequences: NOT_ANSWERING,
        scope: Scope::Any,
        within: Some(lifecycle::RECOVERS_WITHIN),
        reason: "when the first broker answers again, the others are about to",
    },
    Row {
        cause: FindingKind::ClusterUnreachable,
        consequences: &[FindingKind::BrokersTogether],
        scope: Scope::Any,
        within: Some(lifecycle::RECOVERS_WITHIN),
        reason: "when the first broker answers again, the others are about to",
    },
    Row {
        cause: FindingKind::BrokersTogether,
        consequences: NOT_ANSWERING,
        scope: Scope::Member,
        within: Some(lifecycle::RECOVERS_WITHIN),
        reason: "brokers that failed together recover one after the other",
    },
    Row {
        cause: FindingKind::StorageFailed,
        consequences: &[FindingKind::FollowerSlow, FindingKind::ClusterOverloaded],
        scope: Scope::Any,
        within: None,
        reason: "acks=all writes that waited for a replica in a failed directory are late for one window more",
    },
    Row {
        cause: FindingKind::BrokerSlow,
        consequences: &[FindingKind::NewConnectionsFailing],
        scope: Scope::SameBroker,
        within: Some(lifecycle::CONNECTS_FAIL_WITHIN),
        reason: "connections to a slow broker, or over a bad path, time out",
    },
    Row {
        cause: FindingKind::BrokerStalled,
        consequences: &[FindingKind::NewConnectionsFailing],
        scope: Scope::SameBroker,
        within: Some(lifecycle::CONNECTS_FAIL_WITHIN),
        reason: "a broker that does not answer accepts no connection either",
    },
];

/// Kinds that are degrees of one failure: a broker has at most one finding that it does not answer and one that it is slow.
pub fn family(kind: FindingKind) -> FindingKind {
    match kind {
        FindingKind::BrokerFrozen
        | FindingKind::BrokerDown
        | FindingKind::BrokerUnreachable
        | FindingKind::BrokerAbsent => FindingKind::BrokerStalled,
        FindingKind::PathDegraded | FindingKind::DiskSlow | FindingKind::FollowerSlow => FindingKind::BrokerSlow,
        // An unreachable cluster may turn out to be the prober's own network.
        FindingKind::ProberNetwork => FindingKind::ClusterUnreachable,
        FindingKind::ProberStarved => FindingKind::ProberStalled,
        other => other,
    }
}

/// Whether `cause`, last found `ago`, explains `found`.
pub fn explains(cause: &Finding, ago: Duration, is_active: bool, found: &Finding) -> bool {
    TABLE.iter().any(|row| {
        let is_about = match row.scope {
            Scope::Any => true,
            Scope::SameBroker => cause.broker.is_some() && cause.broker == found.broker,
            Scope::Member => found.broker.is_some_and(|broker| cause.members.contains(&broker)),
        };
        is_about
            && row.cause == family(cause.kind)
            && row.consequences.contains(&found.kind)
            && (is_active || row.within.is_some_and(|within| ago < within.get()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_explains_itself_and_no_two_explain_each_other() {
        for row in &TABLE {
            let explained: Vec<FindingKind> = row.consequences.iter().map(|kind| family(*kind)).collect();
            assert!(!explained.contains(&row.cause), "{}", row.reason);
            let back = TABLE.iter().filter(|other| explained.contains(&other.cause));
            let mutual = back.flat_map(|other| other.consequences).any(|kind| family(*kind) == row.cause);
            assert!(!mutual, "{}", row.reason);
        }
    }
}
