//! Findings that have ended recently. A backend that metrics are pushed to sees the end of a finding only as a value of 0, so the
//! metric is exported for 15 more minutes.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::fault::Blame;
use crate::finding::{Finding, FindingKind};
use crate::ids::{BrokerId, ClusterName};
use crate::time::Time;

/// An ended finding is exported as 0 for this long: long enough for every export interval and for a query over the
/// last minutes.
pub const EXPORTED_AFTER_END: Duration = Duration::from_secs(15 * 60);

/// At most this many are remembered. Beyond that the one that ended first goes.
const REMEMBERED: usize = 256;

/// What findings have in common that are one time series.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FindingKey {
    /// The cluster.
    pub cluster: ClusterName,
    /// What is wrong.
    pub kind: FindingKind,
    /// The broker, where the finding is about one.
    pub broker: Option<BrokerId>,
    /// Whose fault it is.
    pub blame: Blame,
}

impl FindingKey {
    /// The key of a finding.
    pub fn of(finding: &Finding) -> FindingKey {
        FindingKey {
            cluster: finding.cluster.clone(),
            kind: finding.kind,
            broker: finding.broker,
            blame: finding.blame,
        }
    }
}

/// Remembers when each finding was last active.
#[derive(Clone, Debug, Default)]
pub struct FindingHistory {
    last_active: BTreeMap<FindingKey, Time>,
}

impl FindingHistory {
    /// Takes in the findings that are active at `now`; returns the keys that are not active any more and still exported.
    pub fn follow(&mut self, active: &[Finding], now: Time) -> Vec<FindingKey> {
        self.last_active.extend(active.iter().map(|finding| (FindingKey::of(finding), now)));
        self.last_active.retain(|_, last| now.since(*last) < EXPORTED_AFTER_END);
        while REMEMBERED < self.last_active.len()
            && let Some(oldest) = self.last_active.iter().min_by_key(|(_, last)| **last).map(|(key, _)| key.clone())
        {
            self.last_active.remove(&oldest);
        }
        let ended = self.last_active.iter().filter(|(_, last)| **last < now);
        ended.map(|(key, _)| key.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Confidence;

    fn finding(broker: i32) -> Finding {
        Finding {
            kind: FindingKind::BrokerDown,
            cluster: ClusterName::new("c"),
            broker: Some(BrokerId(broker)),
            blame: Blame::Cluster,
            since: Time::ORIGIN,
            confidence: Confidence::Likely,
            summary: "it is so".into(),
            evidence: Vec::new(),
            runner_up: None,
            members: Vec::new(),
            consequences: Vec::new(),
            recurrence: None,
        }
    }

    fn at(seconds: u64) -> Time {
        Time::from_millis(1000 * seconds)
    }

    #[test]
    fn ended_finding_is_exported_for_fifteen_minutes_after_its_end() {
        let mut history = FindingHistory::default();
        assert_eq!(history.follow(&[finding(1)], at(10)), []);
        assert_eq!(history.follow(&[], at(11)), [FindingKey::of(&finding(1))]);
        assert_eq!(history.follow(&[], at(10 + 899)), [FindingKey::of(&finding(1))]);
        assert_eq!(history.follow(&[], at(10 + 900)), []);
    }

    #[test]
    fn finding_that_is_active_again_has_not_ended() {
        let mut history = FindingHistory::default();
        history.follow(&[finding(1)], at(10));
        history.follow(&[], at(20));
        assert_eq!(history.follow(&[finding(1)], at(30)), []);
        assert_eq!(history.follow(&[], at(31)).len(), 1);
    }

    #[test]
    fn memory_is_bounded_and_the_newest_ends_stay() {
        let mut history = FindingHistory::default();
        for id in 0..300 {
            history.follow(&[finding(id)], at(u64::from(id.unsigned_abs())));
        }
        let ended = history.follow(&[], at(300));
        assert_eq!(ended.len(), REMEMBERED);
        assert_eq!(ended[0].broker, Some(BrokerId(300 - 256)));
    }
}
