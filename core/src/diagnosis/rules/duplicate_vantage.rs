//! `duplicate_vantage`: another prober uses this prober's vantage name. The two fence each other's transactions and share groups and
//! metrics.

use std::sync::Arc;

use crate::diagnosis::thresholds::prober_health;
use crate::fault::Blame;
use crate::finding::{Confidence, Finding, FindingKind};
use crate::ids::ClusterName;
use crate::time::Time;

/// The signs of another prober.
#[derive(Clone, Debug, Default)]
pub struct DuplicateVantage(Option<Signs>);

#[derive(Clone, Debug)]
struct Signs {
    since: Time,
    last: Time,
    evidence: Arc<str>,
}

impl DuplicateVantage {
    /// Takes in a sign of the other prober.
    pub fn observe(&mut self, at: Time, evidence: &Arc<str>) {
        let known = self.0.take().filter(|signs| at.since(signs.last) < prober_health::DUPLICATE_GONE_AFTER.get());
        let since = known.map_or(at, |signs| signs.since);
        self.0 = Some(Signs { since, last: at, evidence: Arc::clone(evidence) });
    }
}

/// The finding about another prober of the same vantage.
pub fn find(cluster: &ClusterName, duplicate: &DuplicateVantage, now: Time) -> Option<Finding> {
    let signs =
        duplicate.0.as_ref().filter(|signs| now.since(signs.last) < prober_health::DUPLICATE_GONE_AFTER.get())?;
    Some(Finding {
        kind: FindingKind::DuplicateVantage,
        cluster: cluster.clone(),
        broker: None,
        blame: Blame::Prober,
        since: signs.since,
        confidence: Confidence::Certain,
        summary: "another prober runs under this vantage's name; give each its own with --vantage".into(),
        evidence: vec![Arc::clone(&signs.evidence)],
        runner_up: None,
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finding_ends_two_minutes_after_the_last_sign() {
        let mut duplicate = DuplicateVantage::default();
        let at = Time::from_millis;
        let find = |duplicate: &DuplicateVantage, now| find(&ClusterName::new("c"), duplicate, at(now));
        assert_eq!(find(&duplicate, 0), None);
        duplicate.observe(at(1000), &"fenced by another producer".into());
        duplicate.observe(at(61_000), &"fenced by another producer".into());
        assert_eq!(find(&duplicate, 180_999).map(|finding| finding.since), Some(at(1000)));
        assert_eq!(find(&duplicate, 181_000), None);
    }
}
