//! Which hypotheses together explain the slow and failing cells best, and how much better than the next ones.
//!
//! Each hypothesis predicts which cells are bad; a set of them predicts the union. The likelihood of a set is the product, over the
//! cells, of the probability of the observed flag under that prediction. With a prior for how rare each failure is, the best set
//! is searched for (`search`): two slow brokers are two hypotheses that explain more than either alone. Given the others of the
//! set, the posterior of each hypothesis is its finding's confidence, and the second best is its runner-up. "Nothing is wrong" is
//! one of the alternatives, so a single odd cell finds nothing.

mod finding;
pub mod hypothesis;
mod search;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;
use crate::ids::BrokerId;

use crate::diagnosis::dependencies::Explained;
use crate::diagnosis::evidence::cells::{CellFlags, Column, Table};
use crate::diagnosis::evidence::facts::{Facts, ReplicaState};
use crate::diagnosis::rules::settled::is_settled;
use crate::diagnosis::thresholds::{hypotheses, latency};

use hypothesis::Hypothesis;
pub use search::explain;

/// One hypothesis of the best set, and its alternatives.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The hypothesis.
    pub best: Ranked,
    /// Alternatives for the same cells, the most probable first.
    pub others: Vec<Ranked>,
}

/// One hypothesis and how probable it is, given the cells and the other hypotheses of the set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// The hypothesis.
    pub hypothesis: Hypothesis,
    /// Its posterior probability, between 0 and 1.
    pub probability: f64,
}

/// The findings that explain the cells: as few as do, each about another broker or none. Cells that a failing broker explains are
/// left out.
pub fn find(facts: &Facts, explained: &Explained) -> Vec<Finding> {
    // The common case, without copying the table.
    if !facts.table.cells.values().any(CellFlags::is_bad) {
        return Vec::new();
    }
    let is_left_out = |column, broker| !is_settled(facts, broker) || explained.covers(facts, column, broker);
    let table = facts.table.without(is_left_out);
    let explanations = explain(&table, &facts.replicated);
    let sure = explanations.iter().filter(|one| hypotheses::NAMED_FROM.get() <= confidence(&table, &explanations, one));
    sure.map(|explanation| finding::finding(facts, &table, explanation)).collect()
}

/// Confidence that the finding names the right broker: which broker it is may be certain before what is wrong with it. Not while
/// single connections to other brokers stall too, because then one broker may look worse than the others by chance; unless `set`,
/// of which the explanation is one, names these as well.
fn confidence(table: &Table, set: &[Explanation], explanation: &Explanation) -> f64 {
    let Explanation { best, others } = explanation;
    let named = best.hypothesis.broker();
    let is_named = |broker: BrokerId| set.iter().any(|one| one.best.hypothesis.broker() == Some(broker));
    if table.single_connection_stalls.iter().any(|(broker, stalls)| stalls.is_ongoing && !is_named(*broker)) {
        return best.probability;
    }
    let about_the_same = others.iter().filter(|other| other.hypothesis.broker() == named);
    best.probability + about_the_same.map(|other| other.probability).sum::<f64>()
}

/// A cell with the replicas of its partition; `None` for cells outside the replicated lane.
struct PlacedCell<'a> {
    column: Column,
    broker: BrokerId,
    bits: &'a CellFlags,
    partition: Option<&'a ReplicaState>,
}

impl PlacedCell<'_> {
    /// Whether a hypothesis predicts that it is bad.
    fn is_predicted_by(&self, hypothesis: Hypothesis) -> bool {
        hypothesis.predicts(self.column, self.broker, self.partition)
    }
}

/// Looks up the partition of each cell once, for all hypotheses.
fn placed<'a>(table: &'a Table, replicated: &'a BTreeMap<BrokerId, ReplicaState>) -> Vec<PlacedCell<'a>> {
    let place = |((column, broker), bits): (&(Column, BrokerId), &'a CellFlags)| {
        let partition = replicated.get(broker).filter(|_| *column == Column::Replicated);
        PlacedCell { column: *column, broker: *broker, bits, partition }
    };
    table.cells.iter().map(place).collect()
}

/// The cells that a hypothesis predicts bad.
fn predicted<'a>(hypothesis: Hypothesis, cells: &'a [PlacedCell<'a>]) -> impl Iterator<Item = &'a PlacedCell<'a>> {
    cells.iter().filter(move |cell| cell.is_predicted_by(hypothesis))
}

/// Log-likelihood ratio that a cell contributes to a hypothesis which predicts it bad.
fn weight(column: Column, bits: &CellFlags) -> f64 {
    let chance = match (bits.stats.failing, bits.stats.slow, bits.is_bad_outlier) {
        (true, ..) => hypotheses::FAILS_BY_CHANCE.get(),
        (_, true, true) => hypotheses::SLOW_BY_CHANCE.get(),
        (_, true, false) => hypotheses::SLOW_WITH_OTHERS.get(),
        // Fresh connections are rare (one in 10 s): that the last was good says nothing about now.
        _ if column == Column::Connect => return 0.0,
        // Some late answers: more frequent where something is wrong, but not conclusive.
        _ if !bits.stats.is_enough() => return 0.0,
        _ if !bits.stats.well => return hypotheses::HALF_FACTOR.get().ln(),
        _ => return (hypotheses::MISSED.get() / (1.0 - hypotheses::FAILS_BY_CHANCE.get())).ln(),
    };
    ((1.0 - hypotheses::MISSED.get()) / chance).ln()
}

/// Conditions that a hypothesis must meet besides its likelihood: a broker is slow only if its most frequent probe is a bad outlier
/// among its peers and the path to it does not lose packets, and the cluster is overloaded only if most brokers are late by the stricter
/// limit.
fn is_plausible(hypothesis: Hypothesis, table: &Table, cells: &[PlacedCell<'_>]) -> bool {
    let writes = || table.cells.iter().filter(|((column, _), _)| *column == Column::Write).map(|(_, bits)| bits);
    match hypothesis {
        Hypothesis::ClusterOverloaded => {
            let late = writes().filter(|bits| latency::SLOW_FROM.get() <= bits.stats.very_late).count();
            hypotheses::OVERLOADED_MIN.get() <= late && hypotheses::MOST.get() * writes().count() as f64 <= late as f64
        }
        // The follower's own row is well, and a replicated write may wait for others too: it must wait most of the time, and
        // wherever the follower is in sync. Where all writes to a single leader fail, none of its followers may reach that leader.
        Hypothesis::FollowerSlow(_) => {
            let waiting: Vec<&PlacedCell<'_>> = predicted(hypothesis, cells).collect();
            let leaders: BTreeSet<BrokerId> = waiting.iter().filter_map(|cell| cell.partition?.leader).collect();
            let is_failing = |cell: &&PlacedCell<'_>| cell.bits.stats.failing;
            let is_waiting = |cell: &&PlacedCell<'_>| {
                let stats = &cell.bits.stats;
                stats.failing || stats.slow && hypotheses::MOST.get() <= stats.late
            };
            waiting.iter().all(is_waiting) && !(leaders.len() < 2 && waiting.iter().all(is_failing))
        }
        // A process that pauses by turns looks the same to the rarer probes: the broker must have answered something in between.
        Hypothesis::DiskSlow(broker) => table.at(Column::Write, broker).is_some_and(|bits| {
            bits.is_bad_outlier
                && (bits.stats.failing || hypotheses::ANSWERED_ELSEWHERE_MIN.get() <= bits.stats.answered_elsewhere)
        }),
        // A process that is slow delays all connections, while the loss of packets delays one at a time.
        Hypothesis::BrokerSlow(broker) if table.is_path_lossy(broker) => false,
        // The most frequent probe decides, by default the write: three short pauses may hit three of eight fetches by chance.
        Hypothesis::BrokerSlow(broker) | Hypothesis::PathDegraded(broker) => {
            let own = [Column::Metadata, Column::Fetch, Column::Write].into_iter();
            let most_frequent = own.filter_map(|column| table.at(column, broker)).max_by_key(|bits| bits.stats.answers);
            most_frequent.is_some_and(|bits| bits.is_bad_outlier)
        }
        Hypothesis::NewConnectionsFailing(_) => true,
    }
}
