//! Whether the other brokers answer: only then is the network path from here to the cluster known to be open.

use super::sentences::seconds;
use crate::diagnosis::evidence::facts::{BrokerEvidence, Facts};

/// Whether a broker other than this one has answered within the liveness time-out.
pub(super) fn another_answers(facts: &Facts, broker: &BrokerEvidence) -> bool {
    answering(facts, broker) != 0
}

/// How many of the other brokers answer, as a sentence of evidence.
pub(super) fn others_answer(facts: &Facts, broker: &BrokerEvidence) -> String {
    let (count, within) = (facts.brokers.len() - 1, seconds(facts.liveness_timeout));
    format!("{} of {count} other brokers answered within the last {within}", answering(facts, broker))
}

fn answering(facts: &Facts, broker: &BrokerEvidence) -> usize {
    let now = facts.now;
    let others = facts.brokers.iter().filter(|other| other.id != broker.id);
    // One that has failed just now may still have answered within the liveness time-out.
    let well = others.filter(|other| !other.is_unresponsive(now) && !other.is_refusing(now));
    well.filter(|other| other.answered_within(now, facts.liveness_timeout)).count()
}
