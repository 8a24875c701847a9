//! What the demo comes to: claims in sentences, each held against what was seen and counted.

use std::time::Duration;

use prober_core::event::Outcome;
use prober_core::ids::{Broker, View};
use prober_core::snapshot::Snapshot;
use prober_core::time::Time;

use crate::cli::exit::Exit;

use super::rows::{bad, total};
use super::story::{FROZEN, STAND_IN};
use super::witness::{Condition, Witness};

/// A broken broker is to be seen this soon.
const SEEN_WITHIN: Duration = Duration::from_secs(2);

/// A sentence, and whether it is the one that should have come out.
struct Claim {
    held: bool,
    words: String,
}

/// What is left to say, from what was seen and the last snapshot, in which everything due is counted.
pub(super) fn conclude(witness: &Witness, last: &Snapshot) -> (Exit, Vec<String>) {
    let [_, frozen, moved, thawed, back] = *witness.chapters() else {
        return (Exit::Fail, vec!["The story was not told to its end.".to_owned()]);
    };
    let claims = [
        blame(last),
        promptness(witness, frozen, thawed),
        suffering(last),
        failover(witness, frozen, moved, thawed),
        healing(witness, thawed, back),
        balance(last),
    ];
    let right = claims.iter().all(|claim| claim.held);
    let mut words: Vec<String> = claims.into_iter().map(|claim| claim.words).collect();
    words.push(if right {
        "To probe a cluster of yours: kafka-prober run --bootstrap HOST:PORT".to_owned()
    } else {
        "This is not what should have come out; was this machine very busy?".to_owned()
    });
    (if right { Exit::Pass } else { Exit::Fail }, words)
}

/// In the broker view bad events carry the id of the broker that froze, and of no other.
fn blame(last: &Snapshot) -> Claim {
    let [blamed, innocent] = bad_in(last, View::Broker);
    Claim {
        held: 0 < blamed && innocent == 0,
        words: format!("Broker view: {blamed} bad events carry broker {FROZEN}, {innocent} any other broker."),
    }
}

fn promptness(witness: &Witness, frozen: Time, thawed: Time) -> Claim {
    let first = |to| witness.first(View::Broker, FROZEN, to, frozen).filter(|at| *at < thawed);
    let failing = first(Condition::Failing);
    let suspect = first(Condition::Waiting).into_iter().chain(failing).min();
    let (Some(suspect), Some(failing)) = (suspect, failing) else {
        return Claim { held: false, words: format!("Broker {FROZEN} was not seen to fail while it was frozen.") };
    };
    let (suspect, failing) = (suspect.since(frozen), failing.since(frozen));
    Claim {
        held: suspect <= SEEN_WITHIN,
        words: format!("It was suspect {} after it froze, and failing after {}.", seconds(suspect), seconds(failing)),
    }
}

fn suffering(last: &Snapshot) -> Claim {
    let [here, elsewhere] = bad_in(last, View::Client);
    Claim {
        held: 0 < here,
        words: format!(
            "Client view: {here} bad events where broker {FROZEN} is preferred leader, {elsewhere} elsewhere."
        ),
    }
}

/// Applications recover with the new leader of their partition, while the broker itself is as frozen as before.
fn failover(witness: &Witness, frozen: Time, moved: Time, thawed: Time) -> Claim {
    let recovered = witness.first(View::Client, FROZEN, Condition::Well, moved).filter(|at| *at < thawed);
    let Some(recovered) = recovered else {
        return Claim { held: false, words: format!("Applications did not recover when broker {STAND_IN} took over.") };
    };
    let felt = seconds(recovered.since(frozen));
    let after = seconds(recovered.since(moved));
    let still = witness.condition_at(View::Broker, FROZEN, recovered) == Condition::Failing;
    let meanwhile = if still { "still failing" } else { "not" };
    Claim {
        held: still,
        words: format!("Applications felt it {felt}, until {after} after the move; broker {FROZEN} {meanwhile}."),
    }
}

/// The broker is well before it leads again, and both views are when it does.
fn healing(witness: &Witness, thawed: Time, back: Time) -> Claim {
    let well = witness.first(View::Broker, FROZEN, Condition::Well, thawed).filter(|at| *at <= back);
    let leads = witness.broker(FROZEN) == Condition::Well && witness.applications() == Condition::Well;
    let Some(well) = well.filter(|_| leads) else {
        return Claim {
            held: false,
            words: format!("Broker {FROZEN} and applications did not both become well again."),
        };
    };
    let felt = witness.worst(View::Client, FROZEN, thawed, Time::NEVER) != Condition::Well;
    let felt = if felt { "applications felt it" } else { "applications felt nothing" };
    let after = seconds(well.since(thawed));
    Claim { held: true, words: format!("Restarted, broker {FROZEN} was ok after {after} and leads; {felt}.") }
}

fn balance(last: &Snapshot) -> Claim {
    let due = total(last, |_| true, |row| row.counts.due);
    let counted = total(last, |_| true, |row| row.counts.outcomes.iter().sum());
    let void = total(last, |_| true, |row| row.counts.of(Outcome::Void) + row.counts.of(Outcome::Missed));
    Claim {
        held: 0 < due && due == counted && last.prober.imbalances == 0,
        words: format!("Of {due} attempts due, {counted} were counted once; {void} void ones accuse nobody."),
    }
}

/// Bad events of a view: those that carry the frozen broker, and all others.
fn bad_in(last: &Snapshot, view: View) -> [u64; 2] {
    [true, false].map(|here| {
        let frozen = |broker: Broker| broker.id() == Some(FROZEN);
        total(last, |row| row.series.view == view && frozen(row.series.broker) == here, bad)
    })
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::demo::fixture::{Told, told};

    #[test]
    fn story_as_it_should_be_passes_in_sentences_of_eighty_columns() {
        let Told { witness, last } = told();
        let (exit, words) = conclude(&witness, &last);
        assert_eq!(exit, Exit::Pass, "{words:#?}");
        assert!(words.iter().all(|line| line.chars().count() < 80), "{words:#?}");
    }

    #[test]
    fn one_bad_event_of_another_broker_fails_it() {
        let Told { witness, mut last } = told();
        let other = |row: &&mut prober_core::snapshot::SeriesCounts| {
            row.series.view == View::Broker && row.series.broker.id() == Some(STAND_IN)
        };
        let row = last.series.iter_mut().find(other).expect("the stand-in has a row");
        row.counts.due += 1;
        row.counts.outcomes[Outcome::Timeout.index()] += 1;
        let (exit, words) = conclude(&witness, &last);
        assert_eq!(exit, Exit::Fail);
        assert!(words[0].ends_with("1 any other broker."), "{words:#?}");
    }

    #[test]
    fn attempt_that_is_not_counted_fails_it() {
        let Told { witness, mut last } = told();
        last.series[0].counts.due += 1;
        assert_eq!(conclude(&witness, &last).0, Exit::Fail);
    }

    #[test]
    fn nothing_seen_passes_nothing() {
        let Told { last, .. } = told();
        assert_eq!(conclude(&Witness::default(), &last).0, Exit::Fail);
    }
}
