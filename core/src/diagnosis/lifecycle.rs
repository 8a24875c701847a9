//! Active findings: since when each holds, and when it ends. A finding ends once it has not been found for a while, so that
//! none flickers.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::finding::{Finding, FindingKind};
use crate::ids::BrokerId;
use crate::time::Time;

use super::rules::{diagnose, prober_stalled};
use crate::diagnosis::evidence::facts::Facts;

/// A finding ends when it has not been found for this long.
pub const END_AFTER: Duration = Duration::from_secs(2);

/// Time after a broker or its network path was slow during which failing connects are a consequence: the next scheduled connect
/// attempt begins within ten seconds and times out five seconds later.
const NEXT_CONNECT_WITHIN: Duration = Duration::from_secs(15);

/// The active findings of one cluster.
#[derive(Clone, Debug, Default)]
pub struct ActiveFindings {
    findings: Vec<ActiveFinding>,
    /// Until when each broker, or its network path, was last slow; dropped after [`NEXT_CONNECT_WITHIN`].
    slow_until: BTreeMap<BrokerId, Time>,
}

#[derive(Clone, Debug)]
struct ActiveFinding {
    finding: Finding,
    last_found: Time,
}

impl ActiveFindings {
    /// Evaluates the evidence of one moment. While the prober is stalled no finding about others begins or ends.
    pub fn follow(&mut self, facts: &Facts) {
        let now = facts.now;
        // When the first broker answers after none did, the others may be about to answer too: they get time before one is named.
        let none_answered = self.is_active(FindingKind::ClusterUnreachable);
        // Brokers that waited for a replica in a failed directory stay slow for a while after the finding has ended.
        let directory_failed = self.is_active(FindingKind::StorageFailed);
        for found in diagnose(facts) {
            let is_explained = match dedup_key(&found).1 {
                FindingKind::BrokerStalled | FindingKind::BrokersTogether => none_answered,
                FindingKind::BrokerSlow | FindingKind::ClusterOverloaded => directory_failed,
                FindingKind::NewConnectionsFailing => {
                    found.broker.is_some_and(|broker| self.slow_until.contains_key(&broker))
                }
                _ => false,
            };
            if is_explained {
                continue;
            }
            // A stalled broker that turns out to be frozen keeps its start: it is the same failure.
            match self.findings.iter_mut().find(|active| dedup_key(&active.finding) == dedup_key(&found)) {
                Some(active) => {
                    let since = active.finding.since.min(found.since);
                    *active = ActiveFinding { finding: Finding { since, ..found }, last_found: now };
                }
                None => self.findings.push(ActiveFinding { finding: found, last_found: now }),
            }
        }
        if prober_stalled::is_stalled(facts) {
            for active in self.findings.iter_mut().filter(|active| !is_about_prober(active.finding.kind)) {
                active.last_found = now;
            }
        }
        self.findings.retain(|active| now.since(active.last_found) < END_AFTER);
        let keys = self.findings.iter().map(|active| dedup_key(&active.finding));
        let slow = keys.filter(|(_, kind)| *kind == FindingKind::BrokerSlow).filter_map(|(broker, _)| broker);
        self.slow_until.extend(slow.map(|broker| (broker, now)));
        self.slow_until.retain(|_, until| now.since(*until) < NEXT_CONNECT_WITHIN);
    }

    /// Whether a finding with the same deduplication kind is active.
    fn is_active(&self, kind: FindingKind) -> bool {
        self.findings.iter().any(|active| dedup_key(&active.finding).1 == kind)
    }

    /// The active findings.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().map(|active| &active.finding)
    }
}

/// What makes two findings the same failure: the broker, and the kind up to refinement. A broker has at most one finding that it
/// does not answer and one that it is slow.
fn dedup_key(finding: &Finding) -> (Option<BrokerId>, FindingKind) {
    let kind = match finding.kind {
        FindingKind::BrokerFrozen | FindingKind::BrokerDown | FindingKind::BrokerUnreachable => {
            FindingKind::BrokerStalled
        }
        FindingKind::PathDegraded | FindingKind::DiskSlow | FindingKind::FollowerSlow => FindingKind::BrokerSlow,
        // An unreachable cluster may turn out to be the prober's own network.
        FindingKind::ProberNetwork => FindingKind::ClusterUnreachable,
        FindingKind::ProberStarved => FindingKind::ProberStalled,
        other => other,
    };
    (finding.broker, kind)
}

/// Whether it is about the prober's own process, which is known even while the prober is stalled.
fn is_about_prober(kind: FindingKind) -> bool {
    matches!(kind, FindingKind::ProberStalled | FindingKind::ProberStarved)
}
