//! The steps of the demo. A step lasts until its effect is observed, and then long enough to be read.

use std::time::Duration;

use prober_core::ids::{BrokerId, View};

use super::brokers::{BROKERS, FROZEN, NEW_LEADER};
use super::observer::{Condition, Observer};

/// A step of the demo.
pub(super) struct Step {
    /// The announcement.
    pub(super) words: &'static str,
    /// The action on the cluster.
    pub(super) action: Action,
    /// Whether the effect is observed.
    seen: fn(&Observer) -> bool,
    /// How long it lasts after that.
    pub(super) stays: Duration,
    /// How long it lasts if the effect is never observed.
    pub(super) at_most: Duration,
}

/// An action on the cluster.
pub(super) enum Action {
    Nothing,
    /// [`FROZEN`] answers later than every time-out.
    Freeze,
    /// This broker becomes leader of the partition with [`FROZEN`] as preferred leader.
    Lead(BrokerId),
    /// [`FROZEN`] is restarted, and answers at once.
    Restart,
}

/// Under a minute, even if no effect is ever observed.
pub(super) const SCRIPT: &[Step] = &[
    Step {
        words: "Three brokers, all well: ten records a second to each, in both views.",
        action: Action::Nothing,
        seen: all_well,
        stays: Duration::from_secs(4),
        at_most: Duration::from_secs(9),
    },
    Step {
        words: "Broker 2 freezes: it takes requests, and answers none.",
        action: Action::Freeze,
        seen: |observer| observer.broker(FROZEN) == Condition::Failing && observer.applications() == Condition::Failing,
        stays: Duration::from_millis(2500),
        at_most: Duration::from_secs(9),
    },
    Step {
        words: "Broker 3 leads its partition instead. Broker 2 stays frozen.",
        action: Action::Lead(NEW_LEADER),
        seen: |observer| observer.applications() == Condition::Well,
        stays: Duration::from_secs(4),
        at_most: Duration::from_secs(18),
    },
    Step {
        words: "Broker 2 is restarted, and answers again.",
        action: Action::Restart,
        seen: all_well,
        // Clients have backed off; in real clusters the leadership returns minutes later.
        stays: Duration::from_secs(5),
        at_most: Duration::from_secs(13),
    },
    Step {
        words: "Broker 2 leads its partition again.",
        action: Action::Lead(FROZEN),
        seen: all_well,
        stays: Duration::from_secs(5),
        at_most: Duration::from_secs(7),
    },
];

impl Step {
    /// Whether the effect is observed.
    pub(super) fn is_seen(&self, observer: &Observer) -> bool {
        (self.seen)(observer)
    }
}

fn all_well(observer: &Observer) -> bool {
    let well = |view, id| observer.condition(view, BrokerId(id)) == Condition::Well;
    (1..=BROKERS).all(|id| well(View::Broker, id) && well(View::Client, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_takes_less_than_a_minute() {
        let longest: Duration = SCRIPT.iter().map(|step| step.at_most).sum();
        assert!(longest < Duration::from_secs(60), "{longest:?}");
        assert!(SCRIPT.iter().all(|step| step.stays < step.at_most));
    }
}
