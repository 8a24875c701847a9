//! What happens in the demo, and what it comes to in the end.

use std::sync::Arc;
use std::time::Duration;

use prober_core::event::Outcome;
use prober_core::ids::{Broker, BrokerId};
use prober_core::snapshot::{SeriesCounts, Snapshot};

use crate::cli::exit::Exit;

/// Brokers of the simulated cluster.
pub(super) const BROKERS: i32 = 3;

/// The one that freezes.
pub(super) const FROZEN_BROKER: i32 = 2;

/// A part of the story.
pub(super) struct Chapter {
    pub(super) words: &'static str,
    pub(super) length: Duration,
    event: Event,
}

enum Event {
    Nothing,
    Freeze,
    Heal,
}

pub(super) const STORY: &[Chapter] = &[
    Chapter {
        words: "Three brokers, all well. Each is written to and read from ten times a second.",
        length: Duration::from_secs(8),
        event: Event::Nothing,
    },
    Chapter {
        words: "Broker 2 freezes: it takes requests, and answers none.",
        length: Duration::from_secs(12),
        event: Event::Freeze,
    },
    Chapter { words: "Broker 2 answers again.", length: Duration::from_secs(10), event: Event::Heal },
];

impl Chapter {
    /// How long the broker's answers take from here on, if that changes.
    pub(super) fn delay(&self, frozen: Duration) -> Option<Duration> {
        match self.event {
            Event::Nothing => None,
            Event::Freeze => Some(frozen),
            Event::Heal => Some(Duration::ZERO),
        }
    }
}

/// What is left to say, from the snapshots at the start of each chapter and the last one.
pub(super) fn conclude(marks: &[Arc<Snapshot>], last: &Snapshot) -> (Exit, Vec<String>) {
    let healed = marks.last();
    let frozen = Broker::Id(BrokerId(FROZEN_BROKER));
    let at_fault = |row: &&SeriesCounts| row.series.broker == frozen;
    let elsewhere = |row: &&SeriesCounts| row.series.broker != frozen;
    let blamed = total(last, at_fault, bad);
    let innocent = total(last, elsewhere, bad);
    let due = total(last, |_| true, |row| row.counts.due);
    let counted = total(last, |_| true, |row| row.counts.outcomes.iter().sum());
    let void = total(last, |_| true, |row| row.counts.of(Outcome::Void) + row.counts.of(Outcome::Missed));
    let recovered = healed.is_some_and(|mark| total(mark, at_fault, good) < total(last, at_fault, good));
    let right = 0 < blamed && innocent == 0 && due == counted && recovered;
    let words = vec![
        format!("Broker 2 was frozen for 12 s: {blamed} bad events carry its id, {innocent} any other's."),
        format!(
            "{due} attempts came due, {counted} were counted, each once; {void} of them accuse nobody (void or missed)."
        ),
        if recovered {
            "After it was healed, its events are good again.".to_owned()
        } else {
            "After it was healed, it has not recovered.".to_owned()
        },
        if right {
            "To probe a cluster of yours: kafka-prober run --bootstrap HOST:PORT".to_owned()
        } else {
            "This is not what should have come out; was this machine very busy?".to_owned()
        },
    ];
    (if right { Exit::Pass } else { Exit::Fail }, words)
}

fn bad(row: &SeriesCounts) -> u64 {
    use Outcome::{Corrupt, Error, Lost, Slow, Timeout};
    [Slow, Error, Timeout, Lost, Corrupt].into_iter().map(|outcome| row.counts.of(outcome)).sum()
}

fn good(row: &SeriesCounts) -> u64 {
    row.counts.of(Outcome::Good)
}

fn total(snapshot: &Snapshot, of: impl Fn(&&SeriesCounts) -> bool, count: impl Fn(&SeriesCounts) -> u64) -> u64 {
    snapshot.series.iter().filter(of).map(count).sum()
}
