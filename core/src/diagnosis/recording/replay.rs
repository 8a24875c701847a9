//! Judge, ledger and diagnosis over a recording: the same counts and findings again, or those of another configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::buckets::Edges;
use crate::counts::{ObjectiveCounts, SeriesCounts};
use crate::diagnosis::evidence::Evidence;
use crate::diagnosis::input::Input;
use crate::event::Event;
use crate::finding::Finding;
use crate::ids::{Probe, View};
use crate::ledger::Ledger;
use crate::objective::Objective;
use crate::observed::{Observed, PartitionLimits};
use crate::time::Time;

use super::timeline::{Episode, Timeline};
use super::{Entry, Header, Line, are_changed};

/// Differences from the recorded findings that are kept; all are counted.
const DIFFERENCES_KEPT: usize = 5;

/// Time from the beginning of a recording that does not go back to the start of the prober until its findings are compared: the
/// longest window of the evidence.
pub const WARM_UP: Duration = Duration::from_secs(60);

/// Another configuration than the recorded one.
#[derive(Clone, Debug, PartialEq)]
pub struct Overrides {
    /// Objectives to judge by.
    pub objectives: Vec<Objective>,
    /// Thresholds from which a success is slow. Others stay as recorded; deadlines always do, since no answer after them is known.
    pub thresholds: BTreeMap<(View, Probe), Duration>,
    /// Limits of the number of partitions.
    pub limits: PartitionLimits,
    /// Address of the reference control, if there is one.
    pub reference: Option<Arc<str>>,
}

/// A replay in progress.
#[derive(Debug)]
pub struct Replay {
    evidence: Evidence,
    ledger: Ledger,
    objectives: Arc<[Objective]>,
    overrides: Option<Overrides>,
    /// The findings by the newest evaluation.
    active: Vec<Finding>,
    timeline: Timeline,
    is_complete: bool,
    recorded: Vec<Finding>,
    comparison: Comparison,
    evaluations: u64,
    events: u64,
    span: Option<(Time, Time)>,
}

/// The findings of a replay against the recorded ones.
///
/// Those of a recording that goes back to the start of the prober have to be equal in everything, sentences included. Of another one
/// those are compared that began later than [`WARM_UP`] after its beginning, by kind, broker and blame: the usual latencies of earlier
/// minutes, and what was found in them, are unknown to the replay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Evaluations that were compared.
    pub compared: u64,
    /// Evaluations with other findings than recorded.
    pub differing: u64,
    /// The first of them.
    pub first: Vec<Difference>,
}

/// One evaluation with other findings than recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// When.
    pub at: Time,
    /// The findings that were recorded.
    pub recorded: Vec<Finding>,
    /// Those of the replay.
    pub replayed: Vec<Finding>,
}

/// The result of a replay.
#[derive(Debug)]
pub struct Replayed {
    /// When each finding began and ended.
    pub episodes: Vec<Episode>,
    /// How the findings compare with the recorded ones; with another configuration they need not be equal.
    pub comparison: Comparison,
    /// The objectives, which [`ObjectiveCounts::objective`] is an index of.
    pub objectives: Arc<[Objective]>,
    /// Counts of each series.
    pub series: Vec<SeriesCounts>,
    /// Counts of each objective.
    pub objective_counts: Vec<ObjectiveCounts>,
    /// Evaluations.
    pub evaluations: u64,
    /// Events.
    pub events: u64,
    /// Times of the first and the last line.
    pub span: Option<(Time, Time)>,
}

impl Replay {
    /// Nothing replayed yet. Without overrides the recorded configuration is in force.
    pub fn new(header: &Header, overrides: Option<Overrides>) -> Replay {
        let objectives = overrides.as_ref().map_or(&header.objectives, |overrides| &overrides.objectives);
        let objectives: Arc<[Objective]> = objectives.clone().into();
        let mut settings = header.settings.clone();
        if let Some(overrides) = &overrides {
            settings.reference.clone_from(&overrides.reference);
        }
        Replay {
            evidence: Evidence::new(settings),
            ledger: Ledger::new(Arc::clone(&objectives), Edges::with(&[])),
            objectives,
            overrides,
            active: Vec::new(),
            timeline: Timeline::default(),
            is_complete: header.is_complete,
            recorded: Vec::new(),
            comparison: Comparison::default(),
            evaluations: 0,
            events: 0,
            span: None,
        }
    }

    /// Replays one line.
    pub fn take(&mut self, line: Line) {
        let from = self.span.map_or(line.at, |(from, _)| from);
        self.span = Some((from, line.at));
        match line.entry {
            Entry::Input(input) => self.on_input(input),
            Entry::Evaluation { findings } => self.on_evaluation(line.at, findings),
        }
    }

    /// The findings that are active by the newest evaluation.
    pub fn findings(&self) -> &[Finding] {
        &self.active
    }

    /// The result.
    pub fn end(mut self) -> Replayed {
        let end = self.span.map_or(Time::ORIGIN, |(_, to)| to);
        Replayed {
            episodes: self.timeline.into_episodes(),
            comparison: self.comparison,
            objectives: self.objectives,
            series: self.ledger.series(end),
            objective_counts: self.ledger.objectives(),
            evaluations: self.evaluations,
            events: self.events,
            span: self.span,
        }
    }

    fn on_input(&mut self, input: Input) {
        let input = match self.overrides.as_ref() {
            Some(overrides) => overrides.apply(input),
            None => input,
        };
        if let Input::Event(event) = &input {
            self.events += 1;
            self.ledger.record(event);
        }
        self.evidence.observe(&input);
    }

    fn on_evaluation(&mut self, at: Time, recorded: Option<Vec<Finding>>) {
        self.evaluations += 1;
        let replayed = self.evidence.evaluate(at).findings;
        self.timeline.follow(at, &replayed);
        self.active.clone_from(&replayed);
        let is_equal = match recorded {
            Some(recorded) => {
                self.recorded = recorded;
                self.is_equal(at, &replayed, |recorded, replayed| recorded == replayed)
            }
            None => self.is_equal(at, &replayed, |recorded, replayed| !are_changed(recorded, replayed)),
        };
        if is_equal {
            return;
        }
        self.comparison.differing += 1;
        if self.comparison.first.len() < DIFFERENCES_KEPT {
            self.comparison.first.push(Difference { at, recorded: self.recorded.clone(), replayed });
        }
    }

    /// Compares an evaluation with the recorded findings, by `is_equal` if the recording is complete.
    fn is_equal(&mut self, at: Time, replayed: &[Finding], is_equal: impl Fn(&[Finding], &[Finding]) -> bool) -> bool {
        if self.is_complete {
            self.comparison.compared += 1;
            return is_equal(&self.recorded, replayed);
        }
        let known_from = self.span.map_or(at, |(from, _)| from) + WARM_UP;
        if at < known_from {
            return true;
        }
        self.comparison.compared += 1;
        let key = |finding: &Finding| (finding.kind, finding.broker, finding.blame);
        let earlier = self.recorded.iter().filter(|finding| finding.since < known_from);
        let earlier: BTreeSet<_> = earlier.map(|finding| (finding.kind, finding.broker)).collect();
        let later = |findings: &[Finding]| -> Vec<_> {
            let began = findings.iter().filter(|finding| !earlier.contains(&(finding.kind, finding.broker)));
            began.filter(|finding| known_from <= finding.since).map(key).collect()
        };
        later(&self.recorded) == later(replayed)
    }
}

impl Overrides {
    fn apply(&self, input: Input) -> Input {
        match input {
            Input::Event(event) => Input::Event(self.with_threshold(event)),
            Input::Observed { at, observed } => {
                let observed = Observed { limits: self.limits, ..Observed::clone(&observed) };
                Input::Observed { at, observed: Arc::new(observed) }
            }
            other => other,
        }
    }

    fn with_threshold(&self, mut event: Event) -> Event {
        if let Some(threshold) = self.thresholds.get(&(event.series.view, event.series.probe)) {
            event.limits.threshold = *threshold;
        }
        event
    }
}
