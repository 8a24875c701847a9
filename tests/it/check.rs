//! `check`: an answer, an exit code and a sentence, whether anybody is there or not.

use std::time::Duration;

use serde_json::Value;

use crate::harness::ports::free_port;
use crate::program::{Ended, MOCK_SETTINGS, mock, run};

/// The answer of `check --output json`.
fn report(ended: &Ended) -> Value {
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    assert_eq!(report["schema_version"], 1);
    report
}

/// (broker, verdict) of each broker.
fn verdicts(report: &Value) -> Vec<(i64, &str)> {
    let rows = report["brokers"].as_array().into_iter().flatten();
    rows.filter_map(|row| Some((row["broker"].as_i64()?, row["verdict"].as_str()?))).collect()
}

#[test]
fn nobody_there_fails_before_the_timeout_with_a_sentence() {
    let nobody = format!("127.0.0.1:{}", free_port());
    let ended = run(&["check", "--bootstrap-server", &nobody, "--timeout", "10s"], &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.took < Duration::from_secs(10), "{:?}", ended.took);
    let sentence = ended.stdout.lines().last().unwrap_or_default();
    assert_eq!(
        sentence,
        "fail: failing: cluster default: no broker answered: no bootstrap server answers: connection refused"
    );
}

#[test]
fn time_that_is_too_short_is_inconclusive() {
    let mock = mock();
    for broker in 1..=3 {
        mock.delay(broker, Duration::from_secs(60)).expect("there is such a broker");
    }
    let ended = run(&["check", "--bootstrap-server", &mock.bootstrap().join(","), "--timeout", "1s"], &[]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let sentence = ended.stdout.lines().last().unwrap_or_default();
    assert!(sentence.starts_with("inconclusive: ") && sentence.ends_with("(gave up after 1 s)"), "{sentence}");
}

#[test]
fn json_for_scripts_says_why() {
    let nobody = format!("127.0.0.1:{}", free_port());
    let ended = run(&["check", "--bootstrap-server", &nobody, "--timeout", "10s", "--output", "json"], &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let report = report(&ended);
    assert_eq!(report["verdict"], "fail");
    let broker = &report["brokers"][0];
    assert_eq!((&broker["cluster"], &broker["broker"]), (&Value::from("default"), &Value::Null));
    assert_eq!(broker["probes"][0]["errors"], Value::from(vec!["no_metadata"]));
}

#[test]
fn healthy_cluster_passes_in_seconds() {
    let mock = mock();
    let ended = run(&["check", "--bootstrap-server", &mock.bootstrap().join(","), "--output", "json"], &MOCK_SETTINGS);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
    let report = report(&ended);
    assert_eq!(report["verdict"], "pass");
    assert_eq!(
        report["summary"],
        "3 of 3 brokers can be written to and read from, and applications can write and read"
    );
    assert_eq!(report["clients"][0]["verdict"], "pass");
    assert_eq!(verdicts(&report), [(1, "pass"), (2, "pass"), (3, "pass")]);
    let probes = report["brokers"][0]["probes"].as_array().expect("an array");
    assert!(probes.iter().all(|probe| 3 <= probe["good"].as_u64().unwrap_or(0)), "{report}");
}

#[test]
fn frozen_broker_fails_and_is_named_alone() {
    let mock = mock();
    mock.delay(2, Duration::from_secs(60)).expect("there is such a broker");
    let bootstrap = mock.bootstrap().join(",");
    let ended = run(&["check", "--bootstrap-server", &bootstrap, "--output", "json"], &MOCK_SETTINGS);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let report = report(&ended);
    assert_eq!(verdicts(&report), [(1, "pass"), (2, "fail"), (3, "pass")]);
    assert_eq!(report["clients"][0]["verdict"], "fail", "the mock gives its partition to nobody else");
    let summary = report["summary"].as_str().unwrap_or_default();
    assert!(summary.starts_with("failing: broker 2 ("), "{summary}");
    assert!(!summary.contains("broker 1") && !summary.contains("broker 3"), "{summary}");
}
