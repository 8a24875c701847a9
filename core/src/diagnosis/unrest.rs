//! While a broker goes, comes, falls silent or speaks again, all others are touched: leaders move, acks wait for whoever leaves
//! the in-sync replicas, a cold process warms up. What cells see meanwhile says nothing of anybody's speed.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::ids::BrokerId;
use crate::time::Time;

use super::input::Seen;
use super::{refusal, silence};

/// So long after the last change the cells are read again.
pub const LASTS: Duration = Duration::from_secs(15);

/// When something last changed.
#[derive(Clone, Debug, Default)]
pub struct Unrest {
    there: BTreeSet<BrokerId>,
    well: BTreeSet<BrokerId>,
    until: Time,
}

impl Unrest {
    /// Takes in who is there, and who is well; true while that has just changed.
    pub fn follow(&mut self, brokers: &[Seen], now: Time) -> bool {
        let is_well = |seen: &&Seen| !silence::is_silent(seen, now) && !refusal::is_refusing(seen, now);
        let ids = |seen: &Seen| seen.broker;
        let there: BTreeSet<BrokerId> = brokers.iter().filter(|seen| seen.listed.is_some()).map(ids).collect();
        let well: BTreeSet<BrokerId> = brokers.iter().filter(is_well).map(ids).collect();
        if there != self.there || well != self.well {
            *self = Unrest { there, well, until: now + LASTS };
        }
        now < self.until
    }
}
