//! Judge, ledger and diagnosis over a recording: the same counts and findings again, or those of another configuration.

use std::collections::BTreeMap;
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

/// Another configuration than the recorded one.
#[derive(Clone, Debug, PartialEq)]
pub struct Overrides {
    /// Objectives to judge by.
    pub objectives: Vec<Objective>,
    /// Thresholds from which a success is slow. Others stay as recorded; deadlines always do, since no answer after them is known.
    pub thresholds: BTreeMap<(View, Probe), Duration>,
    /// Limits of the number of partitions.
    pub limits: PartitionLimits,
}

/// A replay in progress.
#[derive(Debug)]
pub struct Replay {
    evidence: Evidence,
    ledger: Ledger,
    objectives: Arc<[Objective]>,
    overrides: Option<Overrides>,
    timeline: Timeline,
    recorded: Vec<Finding>,
    comparison: Comparison,
    evaluations: u64,
    events: u64,
    span: Option<(Time, Time)>,
}

/// The findings of a replay against the recorded ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
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
        Replay {
            evidence: Evidence::new(header.settings.clone()),
            ledger: Ledger::new(Arc::clone(&objectives), Edges::with(&[])),
            objectives,
            overrides,
            timeline: Timeline::default(),
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
        let is_equal = match recorded {
            // Sentences included.
            Some(recorded) => {
                self.recorded = recorded;
                self.recorded == replayed
            }
            None => !are_changed(&self.recorded, &replayed),
        };
        if is_equal {
            return;
        }
        self.comparison.differing += 1;
        if self.comparison.first.len() < DIFFERENCES_KEPT {
            self.comparison.first.push(Difference { at, recorded: self.recorded.clone(), replayed });
        }
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
