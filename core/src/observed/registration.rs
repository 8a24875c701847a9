//! Why a broker is not in the metadata: it is fenced and may come back, or unregistered and will not.
//!
//! Kafka never forgets a broker by itself: one that died stays registered and fenced. It is unregistered by an operator,
//! who has decommissioned it (KIP-500, `kafka-cluster unregister`); our replica lists may name it for ever.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::BrokerId;
use crate::time::Time;

/// Time after which an unregistered broker counts as decommissioned.
pub const DECOMMISSIONED_AFTER: Duration = Duration::from_secs(600);

/// Answers older than this are not used.
pub const FRESH_FOR: Duration = Duration::from_secs(120);

/// Registration of a broker at the controllers (K13).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Registration {
    /// Registered, and not fenced.
    Registered,
    /// Registered and fenced: it has not sent a heartbeat for one session, or is still catching up.
    Fenced,
    /// Not registered.
    Unregistered,
    /// Not known: the cluster does not list fenced brokers, or the answer is old.
    #[default]
    Unknown,
}

impl Registration {
    /// The value in pages and labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Registration::Registered => "registered",
            Registration::Fenced => "fenced",
            Registration::Unregistered => "unregistered",
            Registration::Unknown => "unknown",
        }
    }
}

/// A broker in an answer to DescribeCluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredBroker {
    /// Its id.
    pub broker: BrokerId,
    /// Whether it is fenced.
    pub fenced: bool,
    /// Its rack, if it has one.
    pub rack: Option<String>,
}

/// Registered brokers by the newest answer, and those that have left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registrations {
    /// The listed brokers.
    pub brokers: BTreeMap<BrokerId, RegisteredBroker>,
    /// Whether the answer lists fenced brokers too (DescribeCluster v2, KIP-1073). Otherwise a broker that is not listed
    /// may be either.
    pub complete: bool,
    /// When the newest answer came.
    pub at: Time,
    /// When the first of the newest complete answers in a row came.
    since: Time,
    /// When each broker that had been listed was first missing from an answer.
    left: BTreeMap<BrokerId, Time>,
}

impl Registrations {
    /// Takes in an answer to DescribeCluster.
    pub fn observe(&mut self, listed: impl IntoIterator<Item = RegisteredBroker>, complete: bool, at: Time) {
        let before = std::mem::take(&mut self.brokers);
        self.brokers = listed.into_iter().map(|listed| (listed.broker, listed)).collect();
        if !self.complete {
            self.since = at;
            self.left.clear();
        }
        for broker in before.keys().filter(|_| self.complete) {
            self.left.entry(*broker).or_insert(at);
        }
        let brokers = &self.brokers;
        // A broker that left longer ago needs no entry: `since` is older than that.
        self.left.retain(|broker, left| !brokers.contains_key(broker) && at.since(*left) < DECOMMISSIONED_AFTER);
        (self.complete, self.at) = (complete, at);
    }

    /// Registration of a broker at the controllers (K13).
    pub fn of(&self, broker: BrokerId, now: Time) -> Registration {
        if FRESH_FOR < now.since(self.at) {
            return Registration::Unknown;
        }
        match self.brokers.get(&broker) {
            Some(listed) if listed.fenced => Registration::Fenced,
            Some(_) => Registration::Registered,
            None if self.complete => Registration::Unregistered,
            None => Registration::Unknown,
        }
    }

    /// Whether a broker has been unregistered for [`DECOMMISSIONED_AFTER`].
    pub fn is_decommissioned(&self, broker: BrokerId, now: Time) -> bool {
        let left = self.left.get(&broker).copied().unwrap_or(self.since);
        self.of(broker, now) == Registration::Unregistered && DECOMMISSIONED_AFTER <= now.since(left)
    }

    /// Numbers of listed brokers that are not fenced and that are; the latter is `None` if answers leave fenced brokers out.
    pub fn counts(&self) -> (u64, Option<u64>) {
        let fenced = self.brokers.values().filter(|listed| listed.fenced).count() as u64;
        (self.brokers.len() as u64 - fenced, self.complete.then_some(fenced))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(id: i32, fenced: bool) -> RegisteredBroker {
        RegisteredBroker { broker: BrokerId(id), fenced, rack: None }
    }

    fn at(seconds: u64) -> Time {
        Time::from_millis(1000 * seconds)
    }

    #[test]
    fn fenced_and_unregistered_are_distinguished() {
        let mut registrations = Registrations::default();
        registrations.observe([listed(1, false), listed(2, true)], true, at(0));
        let of = |id| registrations.of(BrokerId(id), at(1));
        assert_eq!([of(1), of(2), of(3)], [Registration::Registered, Registration::Fenced, Registration::Unregistered]);
        assert_eq!(registrations.counts(), (1, Some(1)));
    }

    #[test]
    fn broker_missing_from_an_answer_without_fenced_brokers_is_unknown() {
        let mut registrations = Registrations::default();
        registrations.observe([listed(1, false)], false, at(0));
        assert_eq!(registrations.of(BrokerId(2), at(1)), Registration::Unknown);
        assert!(!registrations.is_decommissioned(BrokerId(2), at(1)));
        assert_eq!(registrations.counts(), (1, None));
    }

    #[test]
    fn broker_is_decommissioned_exactly_ten_minutes_after_it_left() {
        let mut registrations = Registrations::default();
        registrations.observe([listed(1, false), listed(2, false)], true, at(0));
        for seconds in (1000..1600).step_by(60) {
            registrations.observe([listed(1, false)], true, at(seconds));
            assert!(!registrations.is_decommissioned(BrokerId(2), at(seconds)), "{seconds}");
        }
        for seconds in (1600..4000).step_by(60) {
            registrations.observe([listed(1, false)], true, at(seconds));
            assert!(registrations.is_decommissioned(BrokerId(2), at(seconds)), "{seconds}");
        }
    }

    #[test]
    fn broker_named_by_replicas_only_is_decommissioned_ten_minutes_after_the_first_answer() {
        let mut registrations = Registrations::default();
        registrations.observe([listed(1, false)], true, at(0));
        registrations.observe([listed(1, false)], true, at(599));
        assert!(!registrations.is_decommissioned(BrokerId(9), at(599)));
        assert!(registrations.is_decommissioned(BrokerId(9), at(600)));
    }

    #[test]
    fn broker_that_registers_again_starts_over() {
        let mut registrations = Registrations::default();
        registrations.observe([listed(1, false), listed(2, false)], true, at(0));
        registrations.observe([listed(1, false)], true, at(100));
        registrations.observe([listed(1, false), listed(2, true)], true, at(600));
        registrations.observe([listed(1, false)], true, at(700));
        assert!(!registrations.is_decommissioned(BrokerId(2), at(800)));
    }

    #[test]
    fn after_an_old_answer_every_registration_is_unknown() {
        let mut registrations = Registrations::default();
        registrations.observe([listed(1, false)], true, at(0));
        assert_eq!(registrations.of(BrokerId(1), at(121)), Registration::Unknown);
        assert!(
            !registrations.is_decommissioned(BrokerId(9), at(5000)),
            "no broker is decommissioned by an old answer"
        );
    }
}
