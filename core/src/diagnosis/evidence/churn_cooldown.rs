//! A cool-down after brokers joined, left, failed or recovered. Such a change touches all others: leaders move, acks wait for
//! the replica that leaves the ISR, a cold process warms up. Latencies from that time accuse nobody.

use std::collections::BTreeSet;

use crate::diagnosis::thresholds::latency;
use crate::ids::BrokerId;
use crate::time::Time;

use super::facts::BrokerEvidence;

/// Notices changes of the listed and of the responsive brokers.
#[derive(Clone, Debug, Default)]
pub struct ChurnCooldown {
    listed: BTreeSet<BrokerId>,
    responsive: BTreeSet<BrokerId>,
    until: Time,
}

impl ChurnCooldown {
    /// Compares with the brokers of the moment before; true while the cool-down lasts.
    pub fn follow(&mut self, brokers: &[BrokerEvidence], now: Time) -> bool {
        let id = |broker: &BrokerEvidence| broker.id;
        let listed: BTreeSet<BrokerId> = brokers.iter().filter(|broker| broker.listed.is_some()).map(id).collect();
        let responsive: BTreeSet<BrokerId> = brokers.iter().filter(|broker| !broker.is_failing(now)).map(id).collect();
        if listed != self.listed || responsive != self.responsive {
            *self = ChurnCooldown { listed, responsive, until: now + latency::CHURN_COOLDOWN.get() };
        }
        now < self.until
    }
}
