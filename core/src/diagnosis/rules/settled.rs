//! Whether the latencies of a broker speak for themselves: it is in the cluster and nothing else is wrong with it.

use crate::ids::BrokerId;

use crate::diagnosis::evidence::facts::Facts;

/// Whether `broker` is listed, answers, and accepts fresh connections. That it came back just now is no matter: the cool-down after
/// a change of the brokers has dropped its answers.
pub fn is_settled(facts: &Facts, broker: BrokerId) -> bool {
    facts.brokers.iter().find(|evidence| evidence.id == broker).is_some_and(|evidence| {
        // One refused connect check may be the first sign of a process that has died.
        let is_refusing = evidence.connect_checks.is_some_and(|checks| !checks.unanswered);
        evidence.listed.is_some() && !is_refusing && !evidence.is_unresponsive(facts.now)
    })
}
