//! The steps of the demo. A step lasts until its effect is observed, and then long enough to be read.

use std::time::Duration;

use prober_core::ids::{BrokerId, View};

use super::brokers::{BROKERS, FROZEN, NEW_LEADER};
use super::observer::{Condition, Observer};

/// A step of the demo.
pub(super) struct Step {
    /// Printed when it begins.
    pub(super) announcement: &'static str,
    /// The action on the cluster.
    pub(super) action: Action,
    /// Whether its effect is observed.
    effect: fn(&Observer) -> bool,
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
    /// This broker becomes the leader of [`PARTITION`](super::brokers::PARTITION).
    Lead(BrokerId),
    /// [`FROZEN`] is restarted, and answers at once.
    Restart,
}

/// The steps, which take less than a minute even if no effect is ever observed.
pub(super) const SCRIPT: &[Step] = &[
    Step {
        announcement: "Three healthy brokers: ten records a second to each, in both views.",
        action: Action::Nothing,
        effect: all_healthy,
        stays: Duration::from_secs(4),
        at_most: Duration::from_secs(9),
    },
    Step {
        announcement: "Broker 2 freezes: it accepts connections and requests, and answers none.",
        action: Action::Freeze,
        effect: |observer| observer.broker(FROZEN) == Condition::Failing && observer.partition() == Condition::Failing,
        stays: Duration::from_millis(2500),
        at_most: Duration::from_secs(9),
    },
    Step {
        announcement: "Broker 3 becomes the leader of partition 1 instead. Broker 2 stays frozen.",
        action: Action::Lead(NEW_LEADER),
        effect: |observer| observer.partition() == Condition::Healthy,
        stays: Duration::from_secs(4),
        at_most: Duration::from_secs(18),
    },
    Step {
        announcement: "Broker 2 is restarted, and answers again.",
        action: Action::Restart,
        effect: all_healthy,
        // Clients have backed off; in real clusters the leadership returns minutes later.
        stays: Duration::from_secs(5),
        at_most: Duration::from_secs(13),
    },
    Step {
        announcement: "Broker 2 becomes the leader of partition 1 again.",
        action: Action::Lead(FROZEN),
        effect: all_healthy,
        stays: Duration::from_secs(5),
        at_most: Duration::from_secs(7),
    },
];

impl Step {
    /// Whether the effect is observed.
    pub(super) fn is_effect_observed(&self, observer: &Observer) -> bool {
        (self.effect)(observer)
    }
}

fn all_healthy(observer: &Observer) -> bool {
    let healthy = |view, id| observer.condition(view, BrokerId(id)) == Condition::Healthy;
    (1..=BROKERS).all(|id| healthy(View::Broker, id) && healthy(View::Client, id))
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
