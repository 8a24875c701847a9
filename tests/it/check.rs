//! `check`: the exit code, the sentence and the report, for healthy and faulty clusters, and servers that are not Kafka.

use std::time::Duration;

use serde_json::Value;

use kafka_prober::kafka::mock::Mock;
use prober_core::kafka_error::KafkaError;

use crate::harness::authority::Authority;
use crate::harness::ports::free_port;
use crate::impostor;
use crate::program::{Ended, MOCK_SETTINGS, PINNED, REPLICATED, mock, run};

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

/// The last line of the text, which is the answer in one sentence.
#[track_caller]
fn sentence(ended: &Ended) -> &str {
    ended.stdout.lines().last().unwrap_or_else(|| panic!("nothing on stdout: {}", ended.stderr))
}

/// `check` of one bootstrap server with these variables: its exit code and the sentence.
fn checked(server: &str, env: &[(&str, &str)]) -> (Option<i32>, String) {
    let ended = run(&["check", "--bootstrap-server", server, "--timeout", "20s"], env);
    assert!(ended.took < Duration::from_secs(20), "it waited for the time limit: {ended:?}");
    (ended.code, sentence(&ended).to_owned())
}

#[test]
fn refused_connection_is_inconclusive_before_the_timeout() {
    let (code, sentence) = checked(&format!("127.0.0.1:{}", free_port()), &[]);
    let expected = "inconclusive: cluster default: no broker answered: no bootstrap server answers: connection refused";
    assert_eq!((code, sentence.as_str()), (Some(3), expected));
}

#[test]
fn bootstrap_name_that_does_not_resolve_is_a_usage_error() {
    let (code, sentence) = checked("nobody.invalid:9092", &[]);
    assert_eq!(code, Some(2), "{sentence}");
    let expected = "usage: cluster default: no bootstrap server can be resolved: nobody.invalid:9092 (";
    assert!(sentence.starts_with(expected), "{sentence}");
}

#[test]
fn http_server_as_bootstrap_is_inconclusive() {
    let (code, sentence) = checked(&impostor::http().to_string(), &[]);
    assert_eq!(code, Some(3), "{sentence}");
    assert!(
        sentence.starts_with("inconclusive: cluster default: no broker answered: no bootstrap server answers: "),
        "{sentence}"
    );
}

#[test]
fn certificate_of_another_ca_is_inconclusive_and_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ca = folder.path().join("ca.pem").display().to_string();
    std::fs::write(&ca, Authority::named("expected").pem()).expect("it is ours");
    let server = impostor::tls(&Authority::named("another").issue(&["127.0.0.1"]));
    let env = [
        ("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__PROTOCOL", "ssl"),
        ("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__CA", ca.as_str()),
    ];
    let (code, sentence) = checked(&server.to_string(), &env);
    assert_eq!(code, Some(3), "{sentence}");
    assert!(sentence.contains("certificate"), "{sentence}");
}

#[test]
fn refused_password_is_inconclusive_and_named() {
    let env = [
        ("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__PROTOCOL", "sasl_plaintext"),
        ("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__SASL_MECHANISM", "PLAIN"),
        ("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__USERNAME", "prober"),
        ("KAFKA_PROBER__CLUSTERS__DEFAULT__SECURITY__PASSWORD", "wrong"),
    ];
    let (code, sentence) = checked(&impostor::refusing_passwords().to_string(), &env);
    assert_eq!(code, Some(3), "{sentence}");
    assert!(sentence.contains("SASL_AUTHENTICATION_FAILED"), "{sentence}");
}

#[test]
fn missing_permission_to_write_is_inconclusive_and_named() {
    let mock = mock();
    let topic_authorization_failed = KafkaError(29);
    assert!(mock.refuse_writes(topic_authorization_failed, 10_000));
    let ended = run(&["check", "--bootstrap-server", &mock.bootstrap().join(",")], &MOCK_SETTINGS);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(sentence(&ended).contains("TOPIC_AUTHORIZATION_FAILED"), "{ended:?}");
}

#[test]
fn broker_without_a_pinned_partition_is_named_and_does_not_pass() {
    let mock = Mock::with_topics(3, &[(PINNED, 2), (REPLICATED, 3)]).expect("the mock cluster starts");
    let ended = run(&["check", "--bootstrap-server", &mock.bootstrap().join(",")], &MOCK_SETTINGS);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(
        sentence(&ended),
        "inconclusive: 2 of 3 brokers can be written to and read from; not probed: broker 3 (no partition of topic \
         __kafka-prober-pinned)"
    );
}

#[test]
fn check_with_too_short_a_time_limit_is_inconclusive() {
    let mock = mock();
    for broker in 1..=3 {
        mock.delay(broker, Duration::from_secs(60)).expect("the mock has this broker");
    }
    let ended = run(&["check", "--bootstrap-server", &mock.bootstrap().join(","), "--timeout", "1s"], &[]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let sentence = sentence(&ended);
    assert!(sentence.starts_with("inconclusive: ") && sentence.ends_with("(gave up after 1 s)"), "{sentence}");
}

#[test]
fn json_report_has_the_errors() {
    let closed_port = format!("127.0.0.1:{}", free_port());
    let ended = run(&["check", "--bootstrap-server", &closed_port, "--timeout", "10s", "--output", "json"], &[]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let report = report(&ended);
    assert_eq!(report["verdict"], "inconclusive");
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
    assert!(!probes.is_empty(), "{report}");
    assert!(probes.iter().all(|probe| 3 <= probe["good"].as_u64().unwrap_or(0)), "{report}");
    let times = |probe: &Value| [&probe["p50_ms"], &probe["max_ms"]].map(|time| time.as_f64().unwrap_or(0.0));
    assert!(probes.iter().all(|probe| times(probe).iter().all(|time| 0.0 < *time)), "{report}");
}

#[test]
fn only_the_frozen_broker_fails_and_is_named() {
    let mock = mock();
    mock.delay(2, Duration::from_secs(60)).expect("the mock has this broker");
    let bootstrap = mock.bootstrap().join(",");
    let ended = run(&["check", "--bootstrap-server", &bootstrap, "--output", "json"], &MOCK_SETTINGS);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let report = report(&ended);
    assert_eq!(verdicts(&report), [(1, "pass"), (2, "fail"), (3, "pass")]);
    assert_eq!(report["clients"][0]["verdict"], "fail", "the mock elects no other leader for its partition");
    let summary = report["summary"].as_str().unwrap_or_default();
    assert!(summary.starts_with("failing: broker 2 ("), "{summary}");
    assert!(!summary.contains("broker 1") && !summary.contains("broker 3"), "{summary}");
}
