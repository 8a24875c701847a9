//! The summary of the demo: sentences, each an assertion about what was observed and counted.

use std::time::Duration;

use prober_core::event::Outcome;
use prober_core::ids::{Broker, View};
use prober_core::snapshot::Snapshot;
use prober_core::time::Time;

use crate::cli::exit::Exit;

use super::brokers::{FROZEN, NEW_LEADER, PARTITION};
use super::observer::{Condition, Observer};
use super::rows::{bad, total};

/// Time within which a frozen broker must be suspect.
const SEEN_WITHIN: Duration = Duration::from_secs(2);

/// A sentence, and whether it is the expected one.
struct Assertion {
    holds: bool,
    sentence: String,
}

/// The exit code and the sentences, from what was observed and the last snapshot, in which every attempt due is counted.
pub(super) fn conclude(observer: &Observer, last: &Snapshot) -> (Exit, Vec<String>) {
    let [_, frozen, moved, restarted, back] = *observer.steps() else {
        return (Exit::Fail, vec!["The demo did not run to its end.".to_owned()]);
    };
    let claims = [
        blame(last),
        detection(observer, frozen, restarted),
        client_failures(last),
        failover(observer, moved, restarted),
        recovery(observer, restarted, back),
        balance(last),
    ];
    let right = claims.iter().all(|claim| claim.holds);
    let mut sentences: Vec<String> = claims.into_iter().map(|claim| claim.sentence).collect();
    sentences.push(if right {
        "To probe your own cluster: kafka-prober run --bootstrap-server HOST:PORT".to_owned()
    } else {
        "The demo did not go as expected; was this machine very busy?".to_owned()
    });
    (if right { Exit::Pass } else { Exit::Fail }, sentences)
}

/// In the broker view only the frozen broker has bad events.
fn blame(last: &Snapshot) -> Assertion {
    let [of_frozen, of_others] = bad_in(last, View::Broker);
    Assertion {
        holds: 0 < of_frozen && of_others == 0,
        sentence: format!("Broker view: {of_frozen} bad events at broker {FROZEN}, {of_others} at other brokers."),
    }
}

fn detection(observer: &Observer, frozen: Time, restarted: Time) -> Assertion {
    let first = |to| observer.first(View::Broker, FROZEN, to, frozen).filter(|at| *at < restarted);
    let failing = first(Condition::Failing);
    let suspect = first(Condition::Waiting).into_iter().chain(failing).min();
    let (Some(suspect), Some(failing)) = (suspect, failing) else {
        return Assertion {
            holds: false,
            sentence: format!("Broker {FROZEN} did not become failing while it was frozen."),
        };
    };
    let (suspect, failing) = (suspect.since(frozen), failing.since(frozen));
    Assertion {
        holds: suspect <= SEEN_WITHIN,
        sentence: format!(
            "Broker {FROZEN} was suspect {} after it froze, and failing after {}.",
            seconds(suspect),
            seconds(failing)
        ),
    }
}

fn client_failures(last: &Snapshot) -> Assertion {
    let [of_frozen, of_others] = bad_in(last, View::Client);
    Assertion {
        holds: 0 < of_frozen,
        sentence: format!(
            "Client view: {of_frozen} bad events at partition {PARTITION}, {of_others} at other partitions."
        ),
    }
}

/// The partition recovers with its new leader, while the broker is still frozen.
fn failover(observer: &Observer, moved: Time, restarted: Time) -> Assertion {
    let recovered = observer.first(View::Client, FROZEN, Condition::Healthy, moved).filter(|at| *at < restarted);
    let Some(recovered) = recovered else {
        return Assertion {
            holds: false,
            sentence: format!("Partition {PARTITION} did not recover when broker {NEW_LEADER} became its leader."),
        };
    };
    let after = seconds(recovered.since(moved));
    let still = observer.condition_at(View::Broker, FROZEN, recovered) == Condition::Failing;
    let state = if still { "still failed" } else { "did not fail" };
    Assertion {
        holds: still,
        sentence: format!("Partition {PARTITION} recovered {after} after its leader moved; broker {FROZEN} {state}."),
    }
}

/// The broker recovers before it leads again, and both views are good afterwards.
fn recovery(observer: &Observer, restarted: Time, back: Time) -> Assertion {
    let well = observer.first(View::Broker, FROZEN, Condition::Healthy, restarted).filter(|at| *at <= back);
    let leads = observer.broker(FROZEN) == Condition::Healthy && observer.partition() == Condition::Healthy;
    let Some(well) = well.filter(|_| leads) else {
        return Assertion {
            holds: false,
            sentence: format!("Broker {FROZEN} and partition {PARTITION} did not both recover after the restart."),
        };
    };
    let has_failed = observer.worst(View::Client, FROZEN, restarted, Time::NEVER) != Condition::Healthy;
    let effect = if has_failed { "was affected" } else { "stayed ok" };
    let after = seconds(well.since(restarted));
    Assertion {
        holds: true,
        sentence: format!("Broker {FROZEN} leads again, ok {after} after its restart; partition {PARTITION} {effect}."),
    }
}

fn balance(last: &Snapshot) -> Assertion {
    let due = total(last, |_| true, |row| row.counts.due);
    let counted = total(last, |_| true, |row| row.counts.outcomes.iter().sum());
    let void = total(last, |_| true, |row| row.counts.of(Outcome::Void) + row.counts.of(Outcome::Missed));
    Assertion {
        holds: 0 < due && due == counted && last.prober.imbalances == 0,
        sentence: format!("Of {due} attempts due, {counted} were counted once; {void} are void (not judged)."),
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
        let (exit, sentences) = conclude(&observer, &last);
        assert_eq!(exit, Exit::Pass, "{sentences:#?}");
        assert!(sentences.iter().all(|line| line.chars().count() < 80), "{sentences:#?}");
    }

    #[test]
    fn one_bad_event_of_another_broker_fails_it() {
        let Recorded { observer, mut last } = recorded();
        let other = |row: &&mut prober_core::counts::SeriesCounts| {
            row.series.view == View::Broker && row.broker.id() == Some(NEW_LEADER)
        };
        let row = last.series.iter_mut().find(other).expect("the fixture has a row");
        row.counts.due += 1;
        row.counts.outcomes[Outcome::Timeout.index()] += 1;
        let (exit, sentences) = conclude(&observer, &last);
        assert_eq!(exit, Exit::Fail);
        assert!(sentences[0].ends_with("1 at other brokers."), "{sentences:#?}");
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
