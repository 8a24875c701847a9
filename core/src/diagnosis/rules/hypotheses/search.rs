//! The search for the set of hypotheses that explains the cells best.
//!
//! The gain of a set is its log-likelihood ratio to "nothing is wrong": the weights of the cells that any of its hypotheses
//! predicts, and a prior for each hypothesis. From the empty set, and from the best pair, the hypothesis that gains most is added,
//! or exchanged for another one about the same cells, until nothing gains. A hypothesis predicts about a dozen cells, so that a
//! hundred brokers of which half are slow take less than a millisecond (`core/benches/diagnosis.rs`).

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnosis::evidence::cells::Table;
use crate::diagnosis::evidence::facts::ReplicaState;
use crate::diagnosis::thresholds::{bounds, hypotheses};
use crate::ids::BrokerId;

use super::hypothesis::Hypothesis;
use super::{Explanation, Ranked, is_plausible, placed, weight};

/// The best set, each hypothesis with its alternatives.
pub fn explain(table: &Table, replicated: &BTreeMap<BrokerId, ReplicaState>) -> Vec<Explanation> {
    let problem = Problem::new(table, replicated);
    let greedy = problem.grow(Set::empty(&problem));
    let paired = problem.best_pair().map(|pair| problem.grow(pair));
    let best = match paired {
        Some(paired) if greedy.gain < paired.gain => paired,
        _ => greedy,
    };
    best.members.iter().map(|member| problem.explanation(&best, *member)).collect()
}

/// The weights of the cells, and which of them each plausible hypothesis predicts.
struct Problem {
    weights: Vec<f64>,
    candidates: Vec<Candidate>,
    /// The candidates that predict each cell.
    predicting: Vec<Vec<usize>>,
}

struct Candidate {
    hypothesis: Hypothesis,
    /// Cells that it predicts to be bad, ascending.
    predicted: Vec<usize>,
    /// Other candidates that predict a bad cell which this one predicts too.
    rivals: Vec<usize>,
}

/// A set of candidates.
#[derive(Clone)]
struct Set {
    members: BTreeSet<usize>,
    /// How many members predict each cell.
    covered: Vec<u16>,
    gain: f64,
}

impl Problem {
    fn new(table: &Table, replicated: &BTreeMap<BrokerId, ReplicaState>) -> Problem {
        let cells = placed(table, replicated);
        let weights: Vec<f64> = cells.iter().map(|cell| weight(cell.column, cell.bits)).collect();
        // Only where something is bad is anything to be explained.
        let suspects: BTreeSet<BrokerId> = cells
            .iter()
            .filter(|cell| cell.bits.is_bad())
            .flat_map(|cell| cell.partition.into_iter().flat_map(ReplicaState::waited_for).chain([cell.broker]))
            .collect();
        let about = suspects.into_iter().flat_map(Hypothesis::about).chain([Hypothesis::ClusterOverloaded]);
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut predicting: Vec<Vec<usize>> = vec![Vec::new(); weights.len()];
        for hypothesis in about.filter(|one| is_plausible(*one, table, &cells)) {
            let is_predicted = |index: &usize| cells[*index].is_predicted_by(hypothesis);
            let predicted: Vec<usize> = (0..cells.len()).filter(is_predicted).collect();
            predicted.iter().for_each(|cell| predicting[*cell].push(candidates.len()));
            candidates.push(Candidate { hypothesis, predicted, rivals: Vec::new() });
        }
        for (index, candidate) in candidates.iter_mut().enumerate() {
            let bad = candidate.predicted.iter().filter(|cell| 0.0 < weights[**cell]);
            let rivals: BTreeSet<usize> = bad.flat_map(|cell| predicting[*cell].iter().copied()).collect();
            candidate.rivals = rivals.into_iter().filter(|rival| *rival != index).collect();
        }
        Problem { weights, candidates, predicting }
    }

    /// What a candidate adds to a set, or to the set less one member.
    fn marginal(&self, set: &Set, less: Option<usize>, candidate: usize) -> f64 {
        let is_less =
            |cell: &usize| less.is_some_and(|less| self.candidates[less].predicted.binary_search(cell).is_ok());
        let is_new = |cell: &&usize| set.covered[**cell] == u16::from(is_less(cell));
        let new = self.candidates[candidate].predicted.iter().filter(is_new);
        new.map(|cell| self.weights[*cell]).sum::<f64>() + hypotheses::PRIOR.get().ln()
    }

    /// Adds what gains, then exchanges what gains, until nothing does.
    fn grow(&self, mut set: Set) -> Set {
        let mut gains: Vec<f64> = (0..self.candidates.len()).map(|one| self.marginal(&set, None, one)).collect();
        while set.members.len() < bounds::SET_MAX.get() {
            let outside = gains.iter().enumerate().filter(|(candidate, _)| !set.members.contains(candidate));
            let added = outside.map(|(candidate, gain)| (*gain, candidate));
            let added = added
                .max_by(|one, other| one.0.total_cmp(&other.0))
                .filter(|(gain, _)| bounds::LEAST_GAIN.get() < *gain);
            let changed = match (added, added.is_none().then(|| self.best_exchange(&set)).flatten()) {
                (Some((_, candidate)), _) => {
                    set = set.with(self, candidate);
                    vec![candidate]
                }
                (None, Some((out, into))) => {
                    set = set.without(self, out).with(self, into);
                    vec![out, into]
                }
                (None, None) => break,
            };
            for candidate in self.that_share_cells(&changed) {
                gains[candidate] = self.marginal(&set, None, candidate);
            }
        }
        set
    }

    /// The candidates that predict a cell which one of these predicts: only what they add to a set changes with these.
    fn that_share_cells(&self, changed: &[usize]) -> BTreeSet<usize> {
        let cells = changed.iter().flat_map(|candidate| &self.candidates[*candidate].predicted);
        cells.flat_map(|cell| &self.predicting[*cell]).copied().collect()
    }

    /// The exchange of a member for a rival that gains most, if one gains anything.
    fn best_exchange(&self, set: &Set) -> Option<(usize, usize)> {
        let exchanges = set.members.iter().flat_map(|out| {
            let lost = self.marginal(set, Some(*out), *out);
            let rivals = self.candidates[*out].rivals.iter().filter(|rival| !set.members.contains(rival));
            rivals.map(move |into| (self.marginal(set, Some(*out), *into) - lost, *out, *into))
        });
        let best = exchanges.max_by(|one, other| one.0.total_cmp(&other.0));
        best.filter(|(gain, ..)| bounds::LEAST_GAIN.get() < *gain).map(|(_, out, into)| (out, into))
    }

    /// The best two of the candidates that gain most alone, if there are two.
    fn best_pair(&self) -> Option<Set> {
        let empty = Set::empty(self);
        let mut ordered: Vec<(f64, usize)> =
            (0..self.candidates.len()).map(|candidate| (self.marginal(&empty, None, candidate), candidate)).collect();
        ordered.sort_by(|one, other| other.0.total_cmp(&one.0));
        ordered.truncate(bounds::PAIRED_MAX.get());
        let firsts = ordered.iter().map(|(_, first)| empty.with(self, *first));
        let pairs = firsts.enumerate().flat_map(|(at, first)| {
            let seconds = ordered[at + 1..].iter();
            seconds.map(move |(_, second)| first.with(self, *second)).collect::<Vec<_>>()
        });
        pairs.max_by(|one, other| one.gain.total_cmp(&other.gain))
    }

    /// A member beside its alternatives, given the rest of the set.
    fn explanation(&self, set: &Set, member: usize) -> Explanation {
        let rivals = self.candidates[member].rivals.iter().filter(|rival| !set.members.contains(rival));
        let ranked = rivals.chain([&member]).map(|candidate| Ranked {
            hypothesis: self.candidates[*candidate].hypothesis,
            probability: self.marginal(set, Some(member), *candidate).exp(),
        });
        let mut ranked: Vec<Ranked> = ranked.collect();
        let total = 1.0 + ranked.iter().map(|one| one.probability).sum::<f64>();
        ranked.iter_mut().for_each(|one| one.probability /= total);
        ranked.sort_by(|one, other| other.probability.total_cmp(&one.probability));
        let best = ranked.remove(0);
        Explanation { best, others: ranked }
    }
}

impl Set {
    fn empty(problem: &Problem) -> Set {
        Set { members: BTreeSet::new(), covered: vec![0; problem.weights.len()], gain: 0.0 }
    }

    fn with(&self, problem: &Problem, candidate: usize) -> Set {
        let mut set = self.clone();
        set.gain += problem.marginal(self, None, candidate);
        set.members.insert(candidate);
        problem.candidates[candidate].predicted.iter().for_each(|cell| set.covered[*cell] += 1);
        set
    }

    fn without(&self, problem: &Problem, candidate: usize) -> Set {
        let mut set = self.clone();
        set.gain -= problem.marginal(self, Some(candidate), candidate);
        set.members.remove(&candidate);
        problem.candidates[candidate].predicted.iter().for_each(|cell| set.covered[*cell] -= 1);
        set
    }
}
