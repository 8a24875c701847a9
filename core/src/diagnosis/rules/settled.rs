//! Whether the latencies of a broker speak for themselves: it has been in the cluster for a while and nothing else is wrong
//! with it.

use std::time::Duration;

use crate::ids::BrokerId;

use crate::diagnosis::evidence::facts::Facts;

/// Time after which a broker that came back counts as settled: until then it loads classes, fills caches and catches up.
pub const SETTLED_AFTER: Duration = Duration::from_secs(15);

/// Whether `broker` has been listed for [`SETTLED_AFTER`], answers, and accepts fresh connections.
pub fn is_settled(facts: &Facts, broker: BrokerId) -> bool {
    facts.brokers.iter().find(|evidence| evidence.id == broker).is_some_and(|evidence| {
        let is_listed = evidence.listed.is_some_and(|listed| SETTLED_AFTER <= facts.now.since(listed.since));
        // One refused connect check may be the first sign of a process that has died.
        let is_refusing = evidence.connect_checks.is_some_and(|checks| !checks.unanswered);
        is_listed && !is_refusing && !evidence.is_unresponsive(facts.now)
    })
}
