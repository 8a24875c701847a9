//! The finding that a hypothesis becomes: its sentence, what to do, and the cells that support it.

use std::sync::Arc;

use crate::fault::{Blame, Fault};
use crate::finding::{Confidence, Finding, FindingKind};
use crate::ids::BrokerId;

use super::hypothesis::Hypothesis;
use super::{Explanation, Ranked, placed};
use crate::diagnosis::evidence::cells::{CellFlags, Column, Table};
use crate::diagnosis::evidence::facts::Facts;
use crate::diagnosis::thresholds::{hypotheses, latency};

pub(super) fn finding(facts: &Facts, table: &Table, explanation: &Explanation) -> Finding {
    let Explanation { best, others } = explanation;
    let kind = best.hypothesis.kind();
    let runner_up = runner_up(others);
    let mut evidence = evidence(facts, table, best.hypothesis);
    if let Some(Ranked { hypothesis, probability }) = runner_up {
        let about = hypothesis.broker().map(|broker| format!(" at broker {broker}")).unwrap_or_default();
        let kind = hypothesis.kind().as_str();
        evidence.push(format!("the next best explanation: {kind}{about} ({probability:.2})").into());
    }
    let blame = if kind == FindingKind::PathDegraded { Blame::Unclear } else { Blame::Cluster };
    Finding {
        kind,
        cluster: facts.cluster.clone(),
        broker: best.hypothesis.broker(),
        blame,
        since: facts.now - latency::WINDOW.get(),
        confidence: confidence(best.probability),
        summary: summary(best.hypothesis).into(),
        evidence,
        runner_up: runner_up.map(|one| one.hypothesis.kind()),
        members: Vec::new(),
        consequences: Vec::new(),
        recurrence: None,
    }
}

/// The next best explanation, if it is worth mentioning.
fn runner_up(others: &[Ranked]) -> Option<Ranked> {
    others.first().copied().filter(|other| hypotheses::RUNNER_UP_FROM.get() <= other.probability)
}

/// A likelihood is never certain.
fn confidence(probability: f64) -> Confidence {
    if hypotheses::LIKELY_FROM.get() <= probability { Confidence::Likely } else { Confidence::Possible }
}

fn summary(hypothesis: Hypothesis) -> String {
    match hypothesis {
        Hypothesis::BrokerSlow(broker) => format!(
            "broker {broker} answers clients and other brokers slowly: look at its CPU, its \
             garbage collector and its host"
        ),
        Hypothesis::PathDegraded(broker) => format!(
            "the network path from this prober to broker {broker} is slow or loses packets; the other brokers do not notice: look \
             at the network between"
        ),
        Hypothesis::DiskSlow(broker) => {
            format!("broker {broker} writes slowly and answers everything else in time: look at its disks")
        }
        Hypothesis::FollowerSlow(broker) => format!(
            "broker {broker} replicates slowly: acks=all waits for it wherever it is in sync, while the leaders are well"
        ),
        Hypothesis::NewConnectionsFailing(broker) => format!(
            "broker {broker} serves existing connections and accepts no new ones: look at its file descriptors and \
             its connection limits"
        ),
        Hypothesis::ClusterOverloaded => {
            "most brokers are slow at the same time: look for a shared load before you look at any single broker"
                .to_owned()
        }
    }
}

/// The cells that are bad as predicted, and the cells of the named broker that are well as predicted.
fn evidence(facts: &Facts, table: &Table, hypothesis: Hypothesis) -> Vec<Arc<str>> {
    let mut sentences = Vec::new();
    for cell in placed(table, &facts.replicated) {
        let predicted = cell.is_predicted_by(hypothesis);
        if predicted && cell.bits.is_bad() {
            sentences.push(format!("{}: {}", place(cell.column, cell.broker), bad(cell.bits)).into());
        } else if !predicted && Some(cell.broker) == hypothesis.broker() && !cell.bits.is_bad() {
            sentences.push(format!("{}: well", place(cell.column, cell.broker)).into());
        }
    }
    sentences
}

fn place(column: Column, broker: BrokerId) -> String {
    match column {
        Column::Replicated => format!("{} to the partition that prefers broker {broker}", column.as_str()),
        _ => format!("{} at broker {broker}", column.as_str()),
    }
}

fn bad(bits: &CellFlags) -> String {
    let shown = &bits.stats;
    let answers = shown.answers;
    if shown.failing {
        return format!("fails, most recently with {}", shown.fault.map_or("a time-out", Fault::error_type));
    }
    let median = shown.median.map_or(String::new(), |median| format!(", median {} ms", median.as_millis()));
    let (share, limit) = (100.0 * shown.late, shown.limit.as_millis());
    format!("{share:.0} % of the last {answers} answers took {limit} ms or more{median}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finding_is_likely_from_nine_in_ten() {
        assert_eq!([0.8, 0.95].map(confidence), [Confidence::Possible, Confidence::Likely]);
    }

    #[test]
    fn next_explanation_is_mentioned_from_one_in_a_hundred() {
        let is_mentioned =
            |probability| runner_up(&[Ranked { hypothesis: Hypothesis::ClusterOverloaded, probability }]).is_some();
        assert_eq!([0.005, 0.05].map(is_mentioned), [false, true]);
    }
}
