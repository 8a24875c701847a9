//! `check` on a real cluster: it passes within seconds on a healthy one, and names a frozen broker.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::prober::Prober;
use crate::harness::shared_cluster;

struct Answer {
    code: Option<i32>,
    report: Value,
    took: Duration,
}

fn check(bootstrap: &str) -> Answer {
    let began = Instant::now();
    let args = ["check", "--bootstrap", bootstrap, "--output", "json"];
    let mut run = Prober::spawn(env!("CARGO_BIN_EXE_kafka-prober"), 0, &args, &[]);
    let exit = run.wait_exit(Duration::from_secs(60));
    let took = began.elapsed();
    let report = serde_json::from_str(&run.stdout()).unwrap_or_else(|error| panic!("{error}: {}", run.stdout()));
    Answer { code: exit.code, report, took }
}

#[test]
fn check_takes_seconds_and_names_the_frozen_broker() {
    let Some(cluster) = shared_cluster() else { return };
    let first = check(&cluster.bootstrap());
    assert_eq!(first.code, Some(0), "{}", first.report);
    assert!(first.took <= Duration::from_secs(15), "{:?} with the topic to create", first.took);
    let second = check(&cluster.bootstrap());
    assert_eq!(second.code, Some(0), "{}", second.report);
    assert!(second.took <= Duration::from_secs(5), "{:?}", second.took);
    assert_eq!(second.report["brokers"].as_array().map(Vec::len), Some(3));

    cluster.broker(3).freeze();
    let third = check(&cluster.bootstrap());
    cluster.broker(3).thaw();
    assert_eq!(third.code, Some(1), "{}", third.report);
    let brokers = third.report["brokers"].as_array().expect("brokers");
    let failing: Vec<&Value> =
        brokers.iter().filter(|row| row["verdict"] == "fail").map(|row| &row["broker"]).collect();
    assert_eq!(failing, [&Value::from(3)], "{}", third.report);
}
