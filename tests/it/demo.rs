//! `demo --plain`: the whole story, with the right ending.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::program::run;

/// Half a minute of story, and a machine that is busy with the other tests.
const LONGEST: Duration = Duration::from_secs(45);

#[test]
fn demo_names_the_frozen_broker_and_nobody_else() {
    let ended = run(&["demo", "--plain"], &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    assert!(ended.took < LONGEST, "{:?}", ended.took);
    assert!(!ended.stdout.contains('\u{1b}'), "plain means no colours");

    let announced: Vec<&str> = ended
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix('[')?.split_once("s] "))
        .map(|(_, said)| said)
        .collect();
    let story = [
        "Three brokers, all well. Each is written to and read from ten times a second.",
        "Broker 2 freezes: it takes requests, and answers none.",
        "Broker 2 answers again.",
    ];
    assert_eq!(announced, story);

    let accused: BTreeSet<&str> = ended.stdout.lines().filter_map(accused).collect();
    assert_eq!(accused, BTreeSet::from(["2"]), "{}", ended.stdout);

    let closing: Vec<&str> = ended.stdout.lines().rev().take(4).collect();
    let [way_on, recovery, balance, blame] = closing[..] else { panic!("no ending:\n{}", ended.stdout) };
    let blamed = blame.strip_prefix("Broker 2 was frozen for 12 s: ");
    let blamed = blamed.and_then(|rest| rest.strip_suffix(" bad events carry its id, 0 any other's."));
    assert!(blamed.and_then(|count| count.parse::<u64>().ok()).is_some_and(|count| 0 < count), "{blame}");
    let [due, counted] = [number(balance, 0), number(balance, 1)];
    assert!(due.is_some() && due == counted, "{balance}");
    assert_eq!(recovery, "After it was healed, its events are good again.");
    assert_eq!(way_on, "To probe a cluster of yours: kafka-prober run --bootstrap HOST:PORT");
}

/// The broker of a table's row that says `failing`, or has slow, error or timeout in it.
fn accused(line: &str) -> Option<&str> {
    let cells: Vec<&str> = line.split_whitespace().collect();
    let [broker, state, "produce" | "consume" | "end_to_end", _good, slow, error, timeout, ..] = cells[..] else {
        return None;
    };
    let bad = [slow, error, timeout].iter().any(|count| *count != "0");
    (state == "failing" || bad).then_some(broker)
}

/// The `at`-th number of a sentence.
fn number(sentence: &str, at: usize) -> Option<u64> {
    sentence.split_whitespace().filter_map(|word| word.parse().ok()).nth(at)
}
