//! Whether the other brokers answer: only then is the network path from here to the cluster known to be open.

use super::input::{BrokerEvidence, Input};
use super::sentences::seconds;

/// Whether a broker other than this one has answered within the liveness time-out.
pub(super) fn another_answers(input: &Input, broker: &BrokerEvidence) -> bool {
    answering(input, broker) != 0
}

/// How many of the other brokers answer, as a sentence of evidence.
pub(super) fn others_answer(input: &Input, broker: &BrokerEvidence) -> String {
    let (count, within) = (input.brokers.len() - 1, seconds(input.liveness_timeout));
    format!("{} of {count} other brokers answered within the last {within}", answering(input, broker))
}

fn answering(input: &Input, broker: &BrokerEvidence) -> usize {
    let others = input.brokers.iter().filter(|other| other.id != broker.id);
    others.filter(|other| other.answered_within(input.now, input.liveness_timeout)).count()
}
