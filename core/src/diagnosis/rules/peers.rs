//! Whether brokers answer: only if others do is the network path from here to the cluster known to be open.

use super::sentences::seconds;
use crate::diagnosis::evidence::facts::{BrokerEvidence, Facts};

/// Whether a broker other than this one has answered within the liveness time-out.
pub(super) fn another_answers(facts: &Facts, broker: &BrokerEvidence) -> bool {
    others_answering(facts, broker) != 0
}

/// How many of the other brokers answer, as a sentence of evidence.
pub(super) fn others_answer(facts: &Facts, broker: &BrokerEvidence) -> String {
    let (count, within) = (facts.brokers.len() - 1, seconds(facts.liveness_timeout));
    format!("{} of {count} other brokers answered within the last {within}", others_answering(facts, broker))
}

/// The brokers that answer. One that has failed just now may still have answered within the liveness time-out.
pub(super) fn answering(facts: &Facts) -> impl Iterator<Item = &BrokerEvidence> {
    let well = facts.brokers.iter().filter(|broker| !broker.is_failing(facts.now));
    well.filter(|broker| broker.answered_within(facts.now, facts.liveness_timeout))
}

fn others_answering(facts: &Facts, broker: &BrokerEvidence) -> usize {
    answering(facts).filter(|other| other.id != broker.id).count()
}
