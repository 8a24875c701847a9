//! Which findings stand: since when, and until they have not been found for a while, so that none flickers.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::finding::{Finding, FindingKind};
use crate::ids::BrokerId;
use crate::time::Time;

use super::input::Input;
use super::{diagnose, prober};

/// Not found for so long, a finding is over.
pub const END_AFTER: Duration = Duration::from_secs(2);

/// The next fresh connection to a broker that was slow is begun within ten seconds, and given up five later: until then those
/// that were begun over a bad way say nothing of now.
const NEXT_CONNECTION: Duration = Duration::from_secs(15);

/// The findings of one cluster that stand.
#[derive(Clone, Debug, Default)]
pub struct ActiveFindings {
    findings: Vec<ActiveFinding>,
    /// Until when each broker was slow, or the way to it; not for longer than that explains something.
    slow_until: BTreeMap<BrokerId, Time>,
}

#[derive(Clone, Debug)]
struct ActiveFinding {
    finding: Finding,
    last: Time,
}

impl ActiveFindings {
    /// Takes in the evidence of one moment. While the prober is stalled nothing about others begins, or ends.
    pub fn follow(&mut self, input: &Input) {
        let now = input.now;
        // When the first answers after all were silent, the others may be about to: they are named when they have had the time.
        let all_were_silent = self.is_active(FindingKind::ClusterUnreachable);
        // Whoever waited for a directory that had failed goes on being slow for a while after it is known no more.
        let a_directory_failed = self.is_active(FindingKind::StorageFailed);
        for found in diagnose(input) {
            let is_explained = match dedup_key(&found).1 {
                FindingKind::BrokerStalled | FindingKind::BrokersTogether => all_were_silent,
                FindingKind::BrokerSlow | FindingKind::ClusterOverloaded => a_directory_failed,
                FindingKind::NewConnectionsFailing => {
                    found.broker.is_some_and(|broker| self.slow_until.contains_key(&broker))
                }
                _ => false,
            };
            if is_explained {
                continue;
            }
            // A pause that has become a frozen process is the same trouble, by another name.
            match self.findings.iter_mut().find(|active| dedup_key(&active.finding) == dedup_key(&found)) {
                Some(active) => {
                    let since = active.finding.since.min(found.since);
                    *active = ActiveFinding { finding: Finding { since, ..found }, last: now };
                }
                None => self.findings.push(ActiveFinding { finding: found, last: now }),
            }
        }
        if prober::is_stalled(input) {
            for active in self.findings.iter_mut().filter(|active| !is_own(active.finding.kind)) {
                active.last = now;
            }
        }
        self.findings.retain(|active| now.since(active.last) < END_AFTER);
        let about_slow = self.findings.iter().map(|active| dedup_key(&active.finding));
        let slow = about_slow.filter(|(_, kind)| *kind == FindingKind::BrokerSlow).filter_map(|(broker, _)| broker);
        self.slow_until.extend(slow.map(|broker| (broker, now)));
        self.slow_until.retain(|_, until| now.since(*until) < NEXT_CONNECTION);
    }

    /// Whether a finding of this kind, or what is the same trouble, stands.
    fn is_active(&self, kind: FindingKind) -> bool {
        self.findings.iter().any(|active| dedup_key(&active.finding).1 == kind)
    }

    /// What stands now.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().map(|active| &active.finding)
    }
}

/// What a finding is about: of the kinds that say that a broker does not answer, one at a time is said of it, and one of those
/// that say that it is slow.
fn dedup_key(finding: &Finding) -> (Option<BrokerId>, FindingKind) {
    let kind = match finding.kind {
        FindingKind::BrokerFrozen | FindingKind::BrokerDown | FindingKind::BrokerUnreachable => {
            FindingKind::BrokerStalled
        }
        FindingKind::PathDegraded | FindingKind::DiskSlow | FindingKind::FollowerSlow => FindingKind::BrokerSlow,
        // What has turned out to be our own is the same trouble, too.
        FindingKind::ProberNetwork => FindingKind::ClusterUnreachable,
        FindingKind::ProberStarved => FindingKind::ProberStalled,
        other => other,
    };
    (finding.broker, kind)
}

/// Whether it is about the prober's own process, which is known at any time.
fn is_own(kind: FindingKind) -> bool {
    matches!(kind, FindingKind::ProberStalled | FindingKind::ProberStarved)
}
