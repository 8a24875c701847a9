//! The result of one incident: the expected findings, when they began and ended, and all other findings.

use std::time::{Duration, Instant};

use crate::expectation::Expectation;
use crate::findings_monitor::FindingsSample;
use crate::incident::{About, Expect, Incident};
use crate::probe_counts::CountsSnapshot;
use crate::support::{FindingId, FindingOnPage};

/// Goal for the end of the findings after the end of the faults. A finding that may take longer to begin, because its probe runs
/// seldom, may take as long to end.
pub(crate) const CLEARED_GOAL: Duration = Duration::from_secs(10);

/// Kinds of findings about the prober itself.
pub(crate) const ABOUT_ITSELF: [&str; 4] = ["prober_stalled", "prober_starved", "prober_network", "duplicate_vantage"];

/// Whether findings of this kind blame the prober.
pub(crate) fn blames_the_prober(kind: &str) -> bool {
    ABOUT_ITSELF.contains(&kind)
}

/// When the harness did what.
#[derive(Debug, Clone)]
pub(crate) struct Times {
    /// The start of each fault; there is at least one.
    pub(crate) faults: Vec<Instant>,
    /// When it began to undo them.
    pub(crate) undo: Instant,
    /// When they were undone.
    pub(crate) healed: Instant,
}

/// The result of one incident.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) name: &'static str,
    /// The brokers that have to be named, or are members of a finding.
    pub(crate) victims: Vec<i32>,
    pub(crate) expected: Expect,
    /// The expected findings, and what became of each.
    pub(crate) expectations: Vec<Expectation>,
    /// How long after the end of the faults the last finding ended; `None` if it was still active after the patience of the
    /// runner.
    pub(crate) cleared: Option<Duration>,
    /// All other findings.
    pub(crate) others: Vec<FindingId>,
    /// Findings that began while the faults ended or afterwards.
    begun_at_end: Vec<FindingId>,
    /// Whether there was any finding.
    pub(crate) found: bool,
    /// Exit code of `explain` just before the faults were undone.
    pub(crate) explain: Option<i32>,
    /// Bad events: of the victims in the broker view, of the others in it, and of the other views.
    pub(crate) bad: Bad,
}

/// Bad events from before the fault until the cluster was healthy again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Bad {
    pub(crate) victims: u64,
    pub(crate) others: u64,
    pub(crate) client: u64,
    pub(crate) coordinator: u64,
    pub(crate) cluster: u64,
}

impl Bad {
    fn all(self) -> u64 {
        self.victims + self.others + self.client + self.coordinator + self.cluster
    }
}

impl Report {
    /// The result without the bad events, the time until the last finding ended, and `explain`.
    pub(crate) fn of(incident: &Incident, victims: &[i32], samples: &[FindingsSample], times: &Times) -> Report {
        let findings = incident.expect.findings();
        let places = |about| match about {
            About::Victim(place) => vec![place],
            About::Together(places) => places.to_vec(),
            About::Cluster => Vec::new(),
        };
        let mut named: Vec<usize> = findings.iter().flat_map(|finding| places(finding.about)).collect();
        named.sort_unstable();
        named.dedup();
        let expectations: Vec<Expectation> =
            findings.into_iter().map(|expected| Expectation::of(expected, victims, samples, times)).collect();
        let is_expected = |finding: &&FindingOnPage| expectations.iter().any(|one| one.matches(finding));
        let all = || samples.iter().flat_map(FindingsSample::found);
        let mut others: Vec<FindingId> =
            all().filter(|finding| !is_expected(finding)).map(|finding| finding.id.clone()).collect();
        others.sort();
        others.dedup();
        Report {
            name: incident.name,
            victims: named.into_iter().map(|place| victims[place]).collect(),
            expected: incident.expect,
            others,
            begun_at_end: begun_after(samples, times.undo, &expectations),
            found: all().next().is_some(),
            expectations,
            cleared: None,
            explain: None,
            bad: Bad::default(),
        }
    }

    /// With what is known when the cluster is healthy again.
    pub(crate) fn ended(
        self,
        cleared: Option<Duration>,
        explain: Option<i32>,
        before: &CountsSnapshot,
        after: &CountsSnapshot,
    ) -> Report {
        let bad = after.bad_since(before, &self.victims);
        Report { cleared, explain, bad, ..self }
    }

    /// Every expected finding that was found, as it began, and how long after its fault.
    pub(crate) fn named(&self) -> impl Iterator<Item = &(FindingId, Duration)> {
        self.expectations.iter().filter_map(|expectation| expectation.named.as_ref())
    }

    /// How long after its fault the slowest of the expected findings began; `None` if one is missing.
    pub(crate) fn slowest(&self) -> Option<Duration> {
        let took = self.expectations.iter().map(|one| one.named.as_ref().map(|(_, took)| *took));
        took.collect::<Option<Vec<Duration>>>()?.into_iter().max()
    }

    /// Every violation of the expectation, with `tolerance` times the goals' time. Empty: as promised.
    pub(crate) fn violations(&self, tolerance: u32) -> Vec<String> {
        let mut violations: Vec<String> = self.expectations.iter().flat_map(|one| one.violations(tolerance)).collect();
        let slowest = self.expectations.iter().filter_map(Expectation::within).max().unwrap_or_default();
        let goal = slowest.max(CLEARED_GOAL) * tolerance;
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
            // Where no broker is expected to be named, all of them may fail.
            Expect::Victim { .. } | Expect::Each { .. } if 0 < self.bad.others && !self.victims.is_empty() => {
                violations.push(format!("{} bad events of other brokers in the broker view", self.bad.others));
            }
            Expect::Victim { .. } | Expect::Cluster { .. } | Expect::Each { .. } => {}
            Expect::Nothing { client_bad } if self.bad.client <= client_bad => {}
            Expect::Nothing { .. } => violations.push(format!("{} bad events in the client view", self.bad.client)),
            Expect::Prober { .. } if self.bad.all() == 0 => {}
            Expect::Prober { .. } => violations.push(format!("bad events: {:?}", self.bad)),
        }
        if let Expect::Each { beside, explain, .. } = self.expected {
            let late: Vec<_> = self.begun_at_end.iter().filter(|(kind, _)| !beside.contains(&kind.as_str())).collect();
            if !late.is_empty() {
                violations.push(format!("as the faults ended began {late:?}"));
            }
            if !self.explain.is_some_and(|code| explain.contains(&code)) {
                violations.push(format!("explain exited with {:?}, not {explain:?}", self.explain));
            }
        }
        violations
    }

    /// The false findings.
    pub(crate) fn false_findings(&self) -> impl Iterator<Item = &FindingId> {
        self.others.iter().filter(|finding| self.is_false_finding(finding))
    }

    /// Whether a finding that is none of those expected blames something healthy.
    pub(crate) fn is_false_finding(&self, (kind, broker): &FindingId) -> bool {
        let about_itself = blames_the_prober(kind);
        match self.expected {
            Expect::Victim { .. } => broker.is_some_and(|broker| !self.victims.contains(&broker)),
            Expect::Cluster { .. } => broker.is_some(),
            Expect::Each { beside, .. } => broker.is_some() || !beside.contains(&kind.as_str()),
            Expect::Nothing { .. } => true,
            Expect::Prober { .. } => !about_itself,
        }
    }
}

/// The findings that began after this moment. An expected one that only changes its kind goes on.
fn begun_after(samples: &[FindingsSample], moment: Instant, expectations: &[Expectation]) -> Vec<FindingId> {
    let goes_on = |before: &FindingsSample, finding: &FindingOnPage| {
        let expected = || expectations.iter().filter(|one| one.matches(finding));
        before.found().any(|one| one.id == finding.id || expected().any(|expected| expected.matches(one)))
    };
    let pairs = samples.windows(2).filter(|pair| moment < pair[1].at);
    let begun = pairs.flat_map(|pair| pair[1].found().filter(|finding| !goes_on(&pair[0], finding)));
    begun.map(|finding| finding.id.clone()).collect()
}
