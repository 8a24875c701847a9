//! The summary of the demo: sentences, each an assertion about what was observed and counted.

use std::time::Duration;

use prober_core::event::Outcome;
use prober_core::ids::{Broker, View};
use prober_core::snapshot::Snapshot;
use prober_core::time::Time;

use crate::cli::exit::Exit;

use super::brokers::{FROZEN, NEW_LEADER};
use super::observer::{Condition, Observer};
use super::rows::{bad, total};

/// A frozen broker must be suspect within this time.
const SEEN_WITHIN: Duration = Duration::from_secs(2);

/// A sentence, and whether it is the expected one.
struct Assertion {
    held: bool,
    words: String,
}

/// The exit code and the sentences, from what was observed and the last snapshot, in which every attempt due is counted.
pub(super) fn conclude(observer: &Observer, last: &Snapshot) -> (Exit, Vec<String>) {
    let [_, frozen, moved, thawed, back] = *observer.steps() else {
        return (Exit::Fail, vec!["The demo did not run to its end.".to_owned()]);
    };
    let claims = [
        blame(last),
        promptness(observer, frozen, thawed),
        suffering(last),
        failover(observer, frozen, moved, thawed),
        healing(observer, thawed, back),
        balance(last),
    ];
    let right = claims.iter().all(|claim| claim.held);
    let mut words: Vec<String> = claims.into_iter().map(|claim| claim.words).collect();
    words.push(if right {
        "To probe a cluster of yours: kafka-prober run --bootstrap-server HOST:PORT".to_owned()
    } else {
        "This is not what should have come out; was this machine very busy?".to_owned()
    });
    (if right { Exit::Pass } else { Exit::Fail }, words)
}

/// In the broker view only the frozen broker has bad events.
fn blame(last: &Snapshot) -> Assertion {
    let [blamed, innocent] = bad_in(last, View::Broker);
    Assertion {
        held: 0 < blamed && innocent == 0,
        words: format!("Broker view: {blamed} bad events carry broker {FROZEN}, {innocent} any other broker."),
    }
}

fn promptness(observer: &Observer, frozen: Time, thawed: Time) -> Assertion {
    let first = |to| observer.first(View::Broker, FROZEN, to, frozen).filter(|at| *at < thawed);
    let failing = first(Condition::Failing);
    let suspect = first(Condition::Waiting).into_iter().chain(failing).min();
    let (Some(suspect), Some(failing)) = (suspect, failing) else {
        return Assertion { held: false, words: format!("Broker {FROZEN} was not seen to fail while it was frozen.") };
    };
    let (suspect, failing) = (suspect.since(frozen), failing.since(frozen));
    Assertion {
        held: suspect <= SEEN_WITHIN,
        words: format!("It was suspect {} after it froze, and failing after {}.", seconds(suspect), seconds(failing)),
    }
}

fn suffering(last: &Snapshot) -> Assertion {
    let [here, elsewhere] = bad_in(last, View::Client);
    Assertion {
        held: 0 < here,
        words: format!(
            "Client view: {here} bad events where broker {FROZEN} is preferred leader, {elsewhere} elsewhere."
        ),
    }
}

/// Applications recover with the new leader of their partition, while the broker is still frozen.
fn failover(observer: &Observer, frozen: Time, moved: Time, thawed: Time) -> Assertion {
    let recovered = observer.first(View::Client, FROZEN, Condition::Well, moved).filter(|at| *at < thawed);
    let Some(recovered) = recovered else {
        return Assertion {
            held: false,
            words: format!("Applications did not recover when broker {NEW_LEADER} took over."),
        };
    };
    let felt = seconds(recovered.since(frozen));
    let after = seconds(recovered.since(moved));
    let still = observer.condition_at(View::Broker, FROZEN, recovered) == Condition::Failing;
    let meanwhile = if still { "still failing" } else { "not" };
    Assertion {
        held: still,
        words: format!("Applications felt it {felt}, until {after} after the move; broker {FROZEN} {meanwhile}."),
    }
}

/// The broker recovers before it leads again, and both views are good when it does.
fn healing(observer: &Observer, thawed: Time, back: Time) -> Assertion {
    let well = observer.first(View::Broker, FROZEN, Condition::Well, thawed).filter(|at| *at <= back);
    let leads = observer.broker(FROZEN) == Condition::Well && observer.applications() == Condition::Well;
    let Some(well) = well.filter(|_| leads) else {
        return Assertion {
            held: false,
            words: format!("Broker {FROZEN} and applications did not both become well again."),
        };
    };
    let felt = observer.worst(View::Client, FROZEN, thawed, Time::NEVER) != Condition::Well;
    let felt = if felt { "applications felt it" } else { "applications felt nothing" };
    let after = seconds(well.since(thawed));
    Assertion { held: true, words: format!("Restarted, broker {FROZEN} was ok after {after} and leads; {felt}.") }
}

fn balance(last: &Snapshot) -> Assertion {
    let due = total(last, |_| true, |row| row.counts.due);
    let counted = total(last, |_| true, |row| row.counts.outcomes.iter().sum());
    let void = total(last, |_| true, |row| row.counts.of(Outcome::Void) + row.counts.of(Outcome::Missed));
    Assertion {
        held: 0 < due && due == counted && last.prober.imbalances == 0,
        words: format!("Of {due} attempts due, {counted} were counted once; {void} void ones accuse nobody."),
    }
}

/// Bad events of a view: those of the frozen broker, and all others.
fn bad_in(last: &Snapshot, view: View) -> [u64; 2] {
    [true, false].map(|here| {
        let frozen = |broker: Broker| broker.id() == Some(FROZEN);
        total(last, |row| row.series.view == view && frozen(row.broker) == here, bad)
    })
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::demo::fixture::{Recorded, recorded};

    #[test]
    fn successful_demo_passes_in_sentences_of_eighty_columns() {
        let Recorded { observer, last } = recorded();
        let (exit, words) = conclude(&observer, &last);
        assert_eq!(exit, Exit::Pass, "{words:#?}");
        assert!(words.iter().all(|line| line.chars().count() < 80), "{words:#?}");
    }

    #[test]
    fn one_bad_event_of_another_broker_fails_it() {
        let Recorded { observer, mut last } = recorded();
        let other = |row: &&mut prober_core::counts::SeriesCounts| {
            row.series.view == View::Broker && row.broker.id() == Some(NEW_LEADER)
        };
        let row = last.series.iter_mut().find(other).expect("the stand-in has a row");
        row.counts.due += 1;
        row.counts.outcomes[Outcome::Timeout.index()] += 1;
        let (exit, words) = conclude(&observer, &last);
        assert_eq!(exit, Exit::Fail);
        assert!(words[0].ends_with("1 any other broker."), "{words:#?}");
    }

    #[test]
    fn attempt_that_is_not_counted_fails_it() {
        let Recorded { observer, mut last } = recorded();
        last.series[0].counts.due += 1;
        assert_eq!(conclude(&observer, &last).0, Exit::Fail);
    }

    #[test]
    fn nothing_observed_fails() {
        let Recorded { last, .. } = recorded();
        assert_eq!(conclude(&Observer::default(), &last).0, Exit::Fail);
    }
}
