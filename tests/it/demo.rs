//! `demo --plain`: every step in both views, and the summary.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::program::run;

/// Under a minute, also on a machine that is busy with the other tests.
const LONGEST: Duration = Duration::from_secs(60);

#[test]
fn demo_names_the_frozen_broker_and_no_other() {
    let ended = run(&["demo", "--plain"], &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    assert!(ended.took < LONGEST, "{:?}", ended.took);
    assert!(!ended.stdout.contains(['\u{1b}', '\r']), "plain means no control codes");

    let stamped = || ended.stdout.lines().filter_map(|line| line.strip_prefix('[')?.split_once("s] "));
    let steps: Vec<&str> =
        stamped().map(|(_, text)| text).filter(|text| text.starts_with(|c: char| c.is_ascii_digit())).collect();
    let expected = [
        "1 Three healthy brokers: ten records a second to each, in both views.",
        "2 Broker 2 freezes: it accepts connections and requests, and answers none.",
        "3 Broker 3 becomes the leader of partition 1 instead. Broker 2 stays frozen.",
        "4 Broker 2 is restarted, and answers again.",
        "5 Broker 2 becomes the leader of partition 1 again.",
    ];
    assert_eq!(steps, expected);

    // Both views report it while it happens, and the broker is suspect within two seconds.
    let when = |what: &str| {
        let text = stamped().find(|(_, text)| text.contains(what));
        let Some((at, _)) = text else { panic!("no line with {what:?}:\n{}", ended.stdout) };
        at.trim().parse::<f64>().unwrap_or_else(|error| panic!("{error}: {at}"))
    };
    let frozen = when("2 Broker 2 freezes");
    assert!(when("broker 2 is suspect") - frozen <= 2.1, "{}", ended.stdout);
    assert!(frozen < when("broker 2 is failing") && frozen < when("client view: partition 1 is failing"));
    // Times at three times the goal, on a machine that is busy with the other tests.
    assert!(when("finding broker_stalled: broker 2 ") - frozen <= 3.0 * 2.2, "{}", ended.stdout);
    let findings: Vec<&str> =
        stamped().map(|(_, text)| text.trim()).filter(|text| text.starts_with("finding ")).collect();
    assert!(findings.iter().all(|text| text.contains(": broker 2 ")), "{findings:?}");
    let recovered = when("client view: partition 1 is ok again");
    assert!(when("3 Broker 3 becomes") < recovered && recovered < when("broker 2 is ok again"), "{}", ended.stdout);

    let rows: Vec<Row> = ended.stdout.lines().filter_map(row).collect();
    assert_eq!(rows.len(), 5 * 2 * 3, "both views of three brokers, after each step:\n{}", ended.stdout);
    let bad: BTreeSet<&str> =
        rows.iter().filter(|row| row.view == "broker" && row.is_bad()).map(|row| row.broker).collect();
    assert_eq!(bad, BTreeSet::from(["2"]), "{}", ended.stdout);
    assert!(rows.iter().rev().take(6).all(|row| row.state == "ok"), "every row is ok in the end:\n{}", ended.stdout);

    let closing: Vec<&str> = ended.stdout.lines().rev().take(7).collect();
    let [next_command, balance, recovery, failover, client_failures, detection, blame] = closing[..] else {
        panic!("no ending:\n{}", ended.stdout)
    };
    assert!(blame.starts_with("Broker view: ") && blame.ends_with(" at broker 2, 0 at other brokers."), "{blame}");
    assert!(number(blame, 0).is_some_and(|count| 0 < count), "{blame}");
    assert!(detection.starts_with("Broker 2 was suspect "), "{detection}");
    assert!(client_failures.starts_with("Client view: ") && number(client_failures, 0).is_some_and(|count| 0 < count));
    assert!(failover.ends_with(" after its leader moved; broker 2 still failed."), "{failover}");
    assert!(
        recovery.starts_with("Broker 2 leads again, ok ") && recovery.contains(" after its restart; "),
        "{recovery}"
    );
    let [due, counted] = [number(balance, 0), number(balance, 1)];
    assert!(due.is_some() && due == counted, "{balance}");
    assert_eq!(next_command, "To probe your own cluster: kafka-prober run --bootstrap-server HOST:PORT");
}

/// A row of the plain table.
struct Row<'a> {
    view: &'a str,
    broker: &'a str,
    state: &'a str,
    bad: &'a str,
}

impl Row<'_> {
    fn is_bad(&self) -> bool {
        self.state == "failing" || self.bad != "0"
    }
}

fn row(line: &str) -> Option<Row<'_>> {
    let (view, rest) = line.split_once("  ")?;
    let rest = match view {
        "broker" => rest.trim_start().strip_prefix("broker ")?,
        "client" => rest.trim_start().strip_prefix("partition ")?,
        _ => return None,
    };
    // Cells stand at least two spaces apart: `1941 ms` is one.
    let cells: Vec<&str> = rest.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    let [broker, state, _waits, _good, bad, ..] = cells[..] else { return None };
    Some(Row { view, broker, state, bad })
}

/// The `at`-th number of a sentence.
fn number(sentence: &str, at: usize) -> Option<u64> {
    sentence.split_whitespace().filter_map(|word| word.parse().ok()).nth(at)
}
