//! What happens in the demo, chapter by chapter. A chapter goes on until it is seen to have had its effect, and then for
//! long enough to be read.

use std::time::Duration;

use prober_core::ids::{BrokerId, View};

use super::witness::{Condition, Witness};

/// Brokers of the simulated cluster, `1..=BROKERS`.
pub(super) const BROKERS: i32 = 3;

/// The one that freezes.
pub(super) const FROZEN: BrokerId = BrokerId(2);

/// The one that leads for it meanwhile.
pub(super) const STAND_IN: BrokerId = BrokerId(3);

/// A part of the story.
pub(super) struct Chapter {
    /// What is announced.
    pub(super) words: &'static str,
    /// What is done to the cluster.
    pub(super) act: Act,
    /// Whether it has had its effect.
    seen: fn(&Witness) -> bool,
    /// How long it stays on the stage after that.
    pub(super) stays: Duration,
    /// How long it lasts if the effect is never seen.
    pub(super) at_most: Duration,
}

/// What is done to the cluster.
pub(super) enum Act {
    Nothing,
    /// Answers of [`FROZEN`] take longer than anybody waits.
    Freeze,
    /// This broker leads the partition that prefers [`FROZEN`].
    Lead(BrokerId),
    /// [`FROZEN`] is restarted, and answers at once.
    Restart,
}

/// Under a minute, even if nothing is ever seen.
pub(super) const STORY: &[Chapter] = &[
    Chapter {
        words: "Three brokers, all well: ten records a second to each, in both views.",
        act: Act::Nothing,
        seen: all_well,
        stays: Duration::from_secs(4),
        at_most: Duration::from_secs(9),
    },
    Chapter {
        words: "Broker 2 freezes: it takes requests, and answers none.",
        act: Act::Freeze,
        seen: |witness| witness.broker(FROZEN) == Condition::Failing && witness.applications() == Condition::Failing,
        stays: Duration::from_millis(2500),
        at_most: Duration::from_secs(9),
    },
    Chapter {
        words: "Broker 3 leads its partition instead. Broker 2 stays frozen.",
        act: Act::Lead(STAND_IN),
        seen: |witness| witness.applications() == Condition::Well,
        stays: Duration::from_secs(4),
        at_most: Duration::from_secs(18),
    },
    Chapter {
        words: "Broker 2 is restarted, and answers again.",
        act: Act::Restart,
        seen: all_well,
        // Clients have backed off; in real clusters the lead comes back minutes later.
        stays: Duration::from_secs(5),
        at_most: Duration::from_secs(13),
    },
    Chapter {
        words: "Broker 2 leads its partition again.",
        act: Act::Lead(FROZEN),
        seen: all_well,
        stays: Duration::from_secs(5),
        at_most: Duration::from_secs(7),
    },
];

impl Chapter {
    /// Whether it has had its effect.
    pub(super) fn is_seen(&self, witness: &Witness) -> bool {
        (self.seen)(witness)
    }
}

fn all_well(witness: &Witness) -> bool {
    let well = |view, id| witness.condition(view, BrokerId(id)) == Condition::Well;
    (1..=BROKERS).all(|id| well(View::Broker, id) && well(View::Client, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn story_is_told_in_under_a_minute() {
        let longest: Duration = STORY.iter().map(|chapter| chapter.at_most).sum();
        assert!(longest < Duration::from_secs(60), "{longest:?}");
        assert!(STORY.iter().all(|chapter| chapter.stays < chapter.at_most));
    }
}
