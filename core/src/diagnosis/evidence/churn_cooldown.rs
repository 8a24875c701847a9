//! A cool-down after brokers joined, left, failed or recovered. Such a change touches all others: leaders move, acks wait for
//! the replica that leaves the ISR, a cold process warms up. Latencies from that time accuse nobody.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::ids::BrokerId;
use crate::time::Time;

use super::facts::BrokerEvidence;

/// Length of the cool-down after the last change.
pub const COOLDOWN: Duration = Duration::from_secs(15);

/// Changes of one broker within [`FLAPPING_WITHIN`] from which on it flaps: a restart in good order is four (it leaves, refuses, is
/// listed, accepts). Its further changes hide nothing about the others.
const FLAPPING_FROM: usize = 6;

/// Window in which the changes of one broker are counted.
const FLAPPING_WITHIN: Duration = Duration::from_secs(600);

/// Notices changes of the listed and of the responsive brokers.
#[derive(Clone, Debug, Default)]
pub struct ChurnCooldown {
    listed: BTreeSet<BrokerId>,
    responsive: BTreeSet<BrokerId>,
    /// When each broker changed lately.
    changes: BTreeMap<BrokerId, VecDeque<Time>>,
    until: Time,
}

impl ChurnCooldown {
    /// Compares with the brokers of the moment before; true while the cool-down lasts.
    pub fn follow(&mut self, brokers: &[BrokerEvidence], now: Time) -> bool {
        let is_responsive = |broker: &&BrokerEvidence| !broker.is_unresponsive(now) && !broker.is_refusing(now);
        let id = |broker: &BrokerEvidence| broker.id;
        let listed: BTreeSet<BrokerId> = brokers.iter().filter(|broker| broker.listed.is_some()).map(id).collect();
        let responsive: BTreeSet<BrokerId> = brokers.iter().filter(is_responsive).map(id).collect();
        let changed =
            listed.symmetric_difference(&self.listed).chain(responsive.symmetric_difference(&self.responsive));
        for broker in changed.copied().collect::<Vec<_>>() {
            if !self.is_flapping(broker, now) {
                self.until = now + COOLDOWN;
            }
        }
        (self.listed, self.responsive) = (listed, responsive);
        now < self.until
    }

    /// Whether a broker that changes now has done so again and again.
    fn is_flapping(&mut self, broker: BrokerId, now: Time) -> bool {
        self.changes.retain(|_, times| times.back().is_some_and(|last| now.since(*last) < FLAPPING_WITHIN));
        let times = self.changes.entry(broker).or_default();
        times.push_back(now);
        while times.front().is_some_and(|first| FLAPPING_WITHIN <= now.since(*first)) || FLAPPING_FROM < times.len() {
            times.pop_front();
        }
        FLAPPING_FROM <= times.len()
    }
}
