//! Trouble that is slow rather than silent: which of the things that could be wrong explains the bad cells best, and how much
//! better than the next.
//!
//! Each hypothesis predicts the bits of all cells. Its likelihood is the product, over the cells, of how probable the bit that
//! is seen is if the prediction holds; with a prior for how seldom each happens, the posterior of the best is the finding's
//! confidence and the second is its runner-up. With "nothing is wrong" among them, a single odd cell finds nothing. The sums
//! are small enough to be done by brute force: a hypothesis touches a dozen cells.

pub mod hypothesis;
mod report;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;
use crate::ids::BrokerId;

use super::cells::{CellFlags, Column, Table};
use super::input::{Input, ReplicaState};

use hypothesis::Hypothesis;

/// A cell that should be bad is not seen to be.
const MISSED: f64 = 0.1;

/// A cell is bad for no reason: more than its share of failures, which is a sum of many answers already…
const FAILS_BY_CHANCE: f64 = 1e-6;

/// …slow while its peers are not…
const SLOW_BY_CHANCE: f64 = 3e-4;

/// …or slow as its peers are.
const SLOW_WITH_OTHERS: f64 = 0.05;

/// A cell is neither well nor slow, though it should be bad…
const HALF_SEEN: f64 = 0.3;

/// …or though nothing is wrong, while its peers are well…
const HALF_BY_CHANCE: f64 = 0.15;

/// …or are not either.
const HALF_WITH_OTHERS: f64 = 0.2;

/// Before anything is seen: one broker in trouble of one of these kinds.
const PRIOR: f64 = 1e-4;

/// Below this nothing is said: of one broker, whatever is wrong with it.
const CONFIDENT_FROM: f64 = 0.9;

/// A hypothesis below this is ruled out.
const RULED_OUT_BELOW: f64 = 0.01;

/// Most: of the brokers, at an overload, and two at least; of the time, where a follower is waited for.
const MOST: f64 = 0.6;

/// So many writes waited while their broker answered something else, before its disk is suspected.
const ANSWERED_ELSEWHERE_MIN: usize = 2;

/// One hypothesis and how probable it is, given the cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Which.
    pub hypothesis: Hypothesis,
    /// Between 0 and 1.
    pub probability: f64,
}

/// The finding that explains the cells, if one does.
pub fn find(input: &Input) -> Option<Finding> {
    // Nearly always: then nothing is copied.
    if !input.table.cells.values().any(CellFlags::is_bad) {
        return None;
    }
    let table = input.table.without(|broker| !input.is_settled(broker));
    if !table.cells.values().any(CellFlags::is_bad) {
        return None;
    }
    let ranked = rank(&table, &input.replicated);
    let (best, others) = ranked.split_first()?;
    (CONFIDENT_FROM <= confidence(&table, *best, others)).then(|| report::finding(input, &table, *best, others))
}

/// Whom it is about may be certain before what it is. Not while connections to others wait one at a time, too: then the row of
/// one may look worse than the others' by chance.
fn confidence(table: &Table, best: Ranked, others: &[Ranked]) -> f64 {
    let whom = best.hypothesis.broker();
    if table.single_connection_stalls.iter().any(|(broker, stalls)| whom != Some(*broker) && 0 < stalls.stalls) {
        return best.probability;
    }
    let about_the_same = others.iter().filter(|other| other.hypothesis.broker() == whom);
    best.probability + about_the_same.map(|other| other.probability).sum::<f64>()
}

/// All hypotheses that the table bears out, the most probable first.
pub fn rank(table: &Table, replicated: &BTreeMap<BrokerId, ReplicaState>) -> Vec<Ranked> {
    let cells = placed(table, replicated);
    let brokers: BTreeSet<BrokerId> = cells.iter().map(|cell| cell.broker).collect();
    let about = brokers.into_iter().flat_map(Hypothesis::about);
    let hypotheses = about.chain([Hypothesis::ClusterOverloaded]).filter(|one| is_borne_out(*one, table, &cells));
    // Relative to "nothing is wrong", which predicts no bad cell: only what a hypothesis predicts makes a difference.
    let gain = |hypothesis: Hypothesis| -> f64 {
        predicted(hypothesis, &cells).map(|cell| weight(cell.column, cell.bits)).sum::<f64>() + PRIOR.ln()
    };
    let mut ranked: Vec<Ranked> =
        hypotheses.map(|hypothesis| Ranked { hypothesis, probability: gain(hypothesis).exp() }).collect();
    let total = 1.0 + ranked.iter().map(|one| one.probability).sum::<f64>();
    ranked.iter_mut().for_each(|one| one.probability /= total);
    ranked.sort_by(|one, other| other.probability.total_cmp(&one.probability));
    ranked
}

/// A cell, and where the partition is that it is about, if it is about one.
struct Placed<'a> {
    column: Column,
    broker: BrokerId,
    bits: &'a CellFlags,
    partition: Option<&'a ReplicaState>,
}

impl Placed<'_> {
    /// Whether a hypothesis turns it bad.
    fn is_predicted_by(&self, hypothesis: Hypothesis) -> bool {
        hypothesis.predicts(self.column, self.broker, self.partition)
    }
}

/// Each cell is placed once, not once for each hypothesis.
fn placed<'a>(table: &'a Table, replicated: &'a BTreeMap<BrokerId, ReplicaState>) -> Vec<Placed<'a>> {
    let place = |((column, broker), bits): (&(Column, BrokerId), &'a CellFlags)| {
        let partition = replicated.get(broker).filter(|_| *column == Column::Replicated);
        Placed { column: *column, broker: *broker, bits, partition }
    };
    table.cells.iter().map(place).collect()
}

/// The cells that a hypothesis turns bad.
fn predicted<'a>(hypothesis: Hypothesis, cells: &'a [Placed<'a>]) -> impl Iterator<Item = &'a Placed<'a>> {
    cells.iter().filter(move |cell| cell.is_predicted_by(hypothesis))
}

/// How much a cell speaks for a hypothesis that predicts it bad.
fn weight(column: Column, bits: &CellFlags) -> f64 {
    let chance = match (bits.stats.failing, bits.stats.slow, bits.is_bad_outlier) {
        (true, ..) => FAILS_BY_CHANCE,
        (_, true, true) => SLOW_BY_CHANCE,
        (_, true, false) => SLOW_WITH_OTHERS,
        // A fresh connection is seldom asked for: that the last was good says nothing of now.
        _ if column == Column::Connect => return 0.0,
        // Late now and then: it may be on its way to either, and is more often so where something is wrong.
        _ if !bits.stats.well => {
            let chance = if bits.is_outlier { HALF_BY_CHANCE } else { HALF_WITH_OTHERS };
            return if bits.stats.is_enough() { (HALF_SEEN / chance).ln() } else { 0.0 };
        }
        _ => return (MISSED / (1.0 - FAILS_BY_CHANCE)).ln(),
    };
    ((1.0 - MISSED) / chance).ln()
}

/// What must be true besides: a broker is slow only if what it is asked most often stands out among its peers, and the cluster
/// only if most brokers are so late that a load is worth a word.
fn is_borne_out(hypothesis: Hypothesis, table: &Table, cells: &[Placed<'_>]) -> bool {
    let writes = || table.cells.iter().filter(|((column, _), _)| *column == Column::Write).map(|(_, bits)| bits);
    match hypothesis {
        Hypothesis::ClusterOverloaded => {
            let late = writes().filter(|bits| super::cells::latency_window::SLOW_FROM <= bits.stats.very_late).count();
            2 <= late && MOST * writes().count() as f64 <= late as f64
        }
        // Its own row is well, and a replicated write also waits for what others do by turns: it must wait most of the time, and
        // wherever it follows.
        Hypothesis::FollowerSlow(_) => {
            let mut waiting = predicted(hypothesis, cells).map(|cell| cell.bits).peekable();
            waiting.peek().is_some()
                && waiting.all(|bits| bits.stats.failing || bits.stats.slow && MOST <= bits.stats.late)
        }
        // A process that stands still by turns looks like that to whoever asks seldom: it must have answered in between.
        Hypothesis::DiskSlow(broker) => table.at(Column::Write, broker).is_some_and(|bits| {
            bits.is_bad_outlier && (bits.stats.failing || ANSWERED_ELSEWHERE_MIN <= bits.stats.answered_elsewhere)
        }),
        // Writes are asked for most often: three pauses may well meet three of eight fetches.
        Hypothesis::BrokerSlow(broker) | Hypothesis::PathDegraded(broker) => {
            let own = [Column::Write, Column::Fetch, Column::Metadata].into_iter();
            own.filter_map(|column| table.at(column, broker)).next().is_some_and(|bits| bits.is_bad_outlier)
        }
        Hypothesis::NewConnectionsFailing(_) => true,
    }
}
