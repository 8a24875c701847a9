//! The result of one incident: the expected finding, when it began and ended, and all other findings.

use std::time::{Duration, Instant};

use crate::findings_monitor::FindingsMonitor;
use crate::incident::{Expect, Incident};
use crate::probe_counts::CountsSnapshot;
use crate::support::FindingId;

/// Goal for the end of the finding after the end of the fault. A finding that may take longer to begin, because its probe runs
/// seldom, may take as long to end.
const CLEARED_GOAL: Duration = Duration::from_secs(10);

/// Kinds of findings about the prober itself.
const ABOUT_ITSELF: [&str; 4] = ["prober_stalled", "prober_starved", "prober_network", "duplicate_vantage"];

/// Whether findings of this kind blame the prober.
pub(crate) fn blames_the_prober(kind: &str) -> bool {
    ABOUT_ITSELF.contains(&kind)
}

/// The result of one incident.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) name: &'static str,

    /// The broker that has to be named, if one has to.
    pub(crate) victim: Option<i32>,
    pub(crate) expected: Expect,
    /// The first expected finding, and how long after the start of the fault it began.
    pub(crate) named: Option<(FindingId, Duration)>,
    /// How long after the end of the fault the last finding ended; `None` if it did not within a minute.
    pub(crate) cleared: Option<Duration>,
    /// All other findings.
    pub(crate) others: Vec<FindingId>,
    /// Whether there was any finding.
    pub(crate) found: bool,
    /// Bad events: of the victim in the broker view, of the others in it, and of the other views.
    pub(crate) bad: Bad,
}

/// Bad events from before the fault until the cluster was healthy again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Bad {
    pub(crate) victim: u64,
    pub(crate) others: u64,
    pub(crate) client: u64,
    pub(crate) coordinator: u64,
    pub(crate) cluster: u64,
}

impl Bad {
    fn all(self) -> u64 {
        self.victim + self.others + self.client + self.coordinator + self.cluster
    }
}

impl Report {
    pub(crate) fn of(
        incident: &Incident,
        victim: i32,
        findings_monitor: &FindingsMonitor,
        began: Instant,
        cleared: Option<Duration>,
        before: &CountsSnapshot,
        after: &CountsSnapshot,
    ) -> Report {
        let victim = matches!(incident.expect, Expect::Victim { .. }).then_some(victim);
        let is_wanted = |finding: &FindingId| incident.expect.names(victim, finding);
        let named = findings_monitor.first(began, is_wanted).map(|(at, finding)| (finding, at.duration_since(began)));
        let mut others: Vec<FindingId> =
            findings_monitor.samples().into_iter().flat_map(|sample| sample.findings).collect();
        let found = !others.is_empty();
        others.retain(|finding| !is_wanted(finding));
        others.sort();
        others.dedup();
        Report {
            name: incident.name,
            victim,
            expected: incident.expect,
            named,
            cleared,
            others,
            found,
            bad: after.bad_since(before, victim),
        }
    }

    /// Every violation of the expectation, with `tolerance` times the goals' time. Empty: as promised.
    pub(crate) fn violations(&self, tolerance: u32) -> Vec<String> {
        let mut violations = Vec::new();
        let within = match self.expected {
            Expect::Victim { within, .. } | Expect::Cluster { within, .. } => Some(within * tolerance),
            Expect::Nothing { .. } | Expect::Prober { .. } => None,
        };
        match (&self.named, within) {
            (None, None) if matches!(self.expected, Expect::Prober { must_report: true, .. }) => {
                violations.push("the prober did not report itself".to_owned());
            }
            (None, Some(_)) => violations.push("no broker was named".to_owned()),
            (Some((_, took)), Some(within)) if within < *took => {
                violations.push(format!("named after {:.1} s, not {:.1} s", took.as_secs_f64(), within.as_secs_f64()));
            }
            _ => {}
        }
        let goal = within.unwrap_or_default().max(CLEARED_GOAL * tolerance);
        match self.cleared {
            _ if !self.found => {}
            None => violations.push("never ended".to_owned()),
            Some(took) if goal < took => violations.push(format!("over after {:.1} s", took.as_secs_f64())),
            Some(_) => {}
        }
        let wrong: Vec<&FindingId> = self.false_findings().collect();
        if !wrong.is_empty() {
            violations.push(format!("found {wrong:?}"));
        }
        match self.expected {
            Expect::Victim { .. } if 0 < self.bad.others => {
                violations.push(format!("{} bad events of other brokers in the broker view", self.bad.others));
            }
            Expect::Victim { .. } | Expect::Cluster { .. } => {}
            Expect::Nothing { client_bad } if self.bad.client <= client_bad => {}
            Expect::Nothing { .. } => violations.push(format!("{} bad events in the client view", self.bad.client)),
            Expect::Prober { .. } if self.bad.all() == 0 => {}
            Expect::Prober { .. } => violations.push(format!("bad events: {:?}", self.bad)),
        }
        violations
    }

    /// The false findings.
    pub(crate) fn false_findings(&self) -> impl Iterator<Item = &FindingId> {
        self.others.iter().filter(|finding| self.is_false_finding(finding))
    }

    /// Whether a finding that was not the expected one blames something healthy.
    pub(crate) fn is_false_finding(&self, (kind, broker): &FindingId) -> bool {
        let about_itself = blames_the_prober(kind);
        match self.expected {
            Expect::Victim { .. } => broker.is_some() && *broker != self.victim,
            Expect::Cluster { .. } => broker.is_some(),
            Expect::Nothing { .. } => true,
            Expect::Prober { .. } => !about_itself,
        }
    }
}

impl Expect {
    /// The expected kinds of findings.
    pub(crate) fn kinds(self) -> &'static [&'static str] {
        match self {
            Expect::Victim { kinds, .. } | Expect::Cluster { kinds, .. } | Expect::Prober { kinds, .. } => kinds,
            Expect::Nothing { .. } => &[],
        }
    }

    /// Whether missing or refused answers alone show the fault, so that the prober needs no baseline.
    pub(crate) fn needs_no_baseline(self) -> bool {
        const KINDS: [&str; 5] =
            ["broker_stalled", "broker_frozen", "broker_down", "broker_unreachable", "cluster_unreachable"];
        match self {
            Expect::Victim { kinds, .. } | Expect::Cluster { kinds, .. } => {
                kinds.iter().all(|kind| KINDS.contains(kind))
            }
            Expect::Nothing { .. } | Expect::Prober { .. } => false,
        }
    }

    /// Whether a finding is one of those expected.
    fn names(self, victim: Option<i32>, (kind, broker): &FindingId) -> bool {
        let (kinds, of) = match self {
            Expect::Victim { kinds, .. } => (kinds, victim),
            Expect::Cluster { kinds, .. } | Expect::Prober { kinds, .. } => (kinds, None),
            Expect::Nothing { .. } => return false,
        };
        *broker == of && kinds.contains(&kind.as_str())
    }
}
