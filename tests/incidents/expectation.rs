//! One expected finding in one run of an incident: which brokers it has to be about, and what the prober reported.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::findings_monitor::FindingsSample;
use crate::incident::{About, ExpectedFinding, Lasting};
use crate::record;
use crate::report::Times;
use crate::support::{FindingId, FindingOnPage};

/// Episodes from which a finding recurs.
const RECURS_FROM: u64 = 3;

/// An expected finding, with the brokers of this run.
#[derive(Debug, Clone)]
pub(crate) struct Expectation {
    expected: ExpectedFinding,
    /// The broker that it has to name; `None`: it must name none.
    broker: Option<i32>,
    /// The brokers that it has to be about together, in order.
    members: Vec<i32>,
    /// The finding as it began, and how long after its fault.
    pub(crate) named: Option<(FindingId, Duration)>,
    /// How long it was not active between its begin and the end of the faults.
    gaps: Duration,
    /// Whether it was active when the faults were undone, and how often it had begun by then.
    at_end: Option<u64>,
}

impl Expectation {
    /// What the samples show of it.
    pub(crate) fn of(
        expected: ExpectedFinding,
        victims: &[i32],
        samples: &[FindingsSample],
        times: &Times,
    ) -> Expectation {
        let (broker, mut members) = match expected.about {
            About::Victim(place) => (Some(victims[place]), Vec::new()),
            About::Together(places) => (None, places.iter().map(|place| victims[*place]).collect()),
            About::Cluster => (None, Vec::new()),
        };
        members.sort_unstable();
        let fault = times.faults.get(expected.fault).copied().unwrap_or(times.undo);
        let mut expectation =
            Expectation { expected, broker, members, named: None, gaps: Duration::ZERO, at_end: None };
        let mut since: Option<Instant> = None;
        for (at, sample) in samples.iter().enumerate().filter(|(_, sample)| fault <= sample.at) {
            let shown = sample.findings.iter().find(|finding| expectation.matches(finding));
            let found = shown.filter(|finding| !finding.is_between);
            if let (None, Some(found)) = (&expectation.named, found) {
                expectation.named = Some((found.id.clone(), sample.at.duration_since(fault)));
                since = Some(sample.at);
            }
            let until = samples.get(at + 1).map_or(times.undo, |next| next.at).min(times.undo);
            if since.is_some() && found.is_none() {
                expectation.gaps += until.saturating_duration_since(sample.at);
            }
            if sample.at <= times.undo {
                expectation.at_end = shown.map(|found| found.episodes.unwrap_or(1));
            }
        }
        expectation
    }

    /// Whether this is the expected finding.
    pub(crate) fn matches(&self, finding: &FindingOnPage) -> bool {
        let (kind, broker) = &finding.id;
        let mut members = finding.members.clone();
        members.sort_unstable();
        let is_about = *broker == self.broker
            && match self.expected.about {
                About::Together(_) => members == self.members,
                About::Victim(_) | About::Cluster => true,
            };
        is_about && self.expected.kinds.contains(&kind.as_str())
    }

    /// The time within which it has to begin, if it has to.
    pub(crate) fn within(&self) -> Option<Duration> {
        self.expected.within
    }

    /// As it is written beside a recording.
    pub(crate) fn recorded(&self) -> Value {
        json!({
            "kinds": self.expected.kinds,
            "broker": self.broker,
            "members": self.members,
            "fault": self.expected.fault,
            "within": self.expected.within.map(|within| within.as_millis() as u64),
            "is_required": self.expected.is_required,
            "lasting": record::lasting(self.expected.lasting),
            "live": self.named.as_ref().map(|((kind, _), took)| json!({"kind": kind, "after": took.as_millis() as u64})),
        })
    }

    /// The violations, with `tolerance` times the time to begin.
    pub(crate) fn violations(&self, tolerance: u32) -> Vec<String> {
        let Some((_, took)) = &self.named else {
            return if self.expected.is_required { vec![format!("{self} was not found")] } else { Vec::new() };
        };
        let mut violations = Vec::new();
        if let Some(within) = self.expected.within.map(|within| within * tolerance).filter(|within| within < took) {
            violations.push(format!("{self} after {:.1} s, not {:.1} s", took.as_secs_f64(), within.as_secs_f64()));
        }
        match self.expected.lasting {
            Lasting::UntilUndone if !self.gaps.is_zero() => {
                violations.push(format!("{self} was not active for {:.1} s", self.gaps.as_secs_f64()));
            }
            Lasting::Recurs if self.at_end.is_none_or(|episodes| episodes < RECURS_FROM) => {
                violations.push(format!("{self} at the end: {:?} episodes", self.at_end));
            }
            Lasting::Begins | Lasting::UntilUndone | Lasting::Recurs => {}
        }
        violations
    }
}

impl std::fmt::Display for Expectation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds = self.expected.kinds.join(" or ");
        let members: Vec<String> = self.members.iter().map(i32::to_string).collect();
        let recurring = if self.expected.lasting == Lasting::Recurs { "recurring " } else { "" };
        match (self.expected.about, self.broker) {
            (About::Together(_), _) => write!(f, "brokers {}: {kinds}", members.join(", ")),
            (_, Some(broker)) => write!(f, "broker {broker}: {recurring}{kinds}"),
            (_, None) => write!(f, "{recurring}{kinds}"),
        }
    }
}
