//! While a broker goes, comes, falls silent or speaks again, all others are touched: leaders move, acks wait for whoever leaves
//! the in-sync replicas, a cold process warms up. What cells see meanwhile says nothing of anybody's speed.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::ids::BrokerId;
use crate::time::Time;

use super::input::BrokerEvidence;
use super::{connection_refused, unresponsive};

/// So long after the last change the cells are read again.
pub const COOLDOWN: Duration = Duration::from_secs(15);

/// When something last changed.
#[derive(Clone, Debug, Default)]
pub struct ChurnCooldown {
    listed: BTreeSet<BrokerId>,
    responsive: BTreeSet<BrokerId>,
    until: Time,
}

impl ChurnCooldown {
    /// Takes in who is there, and who is well; true while that has just changed.
    pub fn follow(&mut self, brokers: &[BrokerEvidence], now: Time) -> bool {
        let is_responsive = |seen: &&BrokerEvidence| {
            !unresponsive::is_unresponsive(seen, now) && !connection_refused::is_refusing(seen, now)
        };
        let ids = |seen: &BrokerEvidence| seen.id;
        let listed: BTreeSet<BrokerId> = brokers.iter().filter(|seen| seen.listed.is_some()).map(ids).collect();
        let responsive: BTreeSet<BrokerId> = brokers.iter().filter(is_responsive).map(ids).collect();
        if listed != self.listed || responsive != self.responsive {
            *self = ChurnCooldown { listed, responsive, until: now + COOLDOWN };
        }
        now < self.until
    }
}
