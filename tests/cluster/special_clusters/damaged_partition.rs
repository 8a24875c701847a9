//! One partition of `__consumer_offsets` is damaged on the disk of its preferred leader, as after a bad sector: the coordinator
//! cannot load it and refuses its groups for good, while it serves all others.

use std::time::Duration;

use serde_json::Value;

use crate::harness::kafka::shared::give_back_leadership;
use crate::harness::raw::coordination::{CoordinatorType, create_internal_topics};
use crate::harness::{Cluster, Options, raw, skip_without_kafka, wait_for};
use crate::support::{RunningProber, TOLERANCE};

const LEADER: i32 = 2;

const KIND: &str = "coordinator_partition_failing";

/// Attempts that fail while brokers come and go are explained by that, for 15 s. Then each of the two partitions of a broker is
/// committed to every four seconds, and three failures are needed.
const FOUND_WITHIN: Duration = Duration::from_secs(15 + 3 * 4 + 1);

/// Another broker leads after a moment; metadata are requested every five seconds, and a finding is held for two.
const ENDED_WITHIN: Duration = Duration::from_secs(15);

#[test]
fn damaged_partition_is_named_with_leader_and_replicas_although_the_others_are_well() {
    if skip_without_kafka() {
        return;
    }
    let cluster = Cluster::start(Options { name: "damaged".to_owned(), ..Options::default() });
    create_internal_topics(&cluster);
    give_back_leadership(&cluster);
    let partition = led_by(&cluster, LEADER);
    let mut probing = RunningProber::start(&cluster.bootstrap(), None, &[], &[]);
    probing.wait_good(&[1, 2, 3]);
    probing.wait_status(Duration::from_secs(60), "every partition has been committed to", |status| {
        [1, 2, 3].iter().all(|broker| 6 <= status.coordinator().outcome(*broker, "commit", "good"))
    });

    let broker = cluster.broker(LEADER);
    assert!(broker.stop(), "it stops in good order, so that its log is not checked at the start");
    broker.corrupt_log(CoordinatorType::Group.topic(), partition);
    broker.start();
    cluster.await_ready();
    give_back_leadership(&cluster);
    let found = wait_for(TOLERANCE * FOUND_WITHIN, "the finding", || finding(&probing));
    let summary = found["summary"].as_str().unwrap_or_default();
    let place = format!("partition {partition} of __consumer_offsets (leader {LEADER}, in sync 1, 2, 3)");
    assert!(summary.starts_with(&place), "{found:#}");
    assert_eq!((&found["blame"], &found["broker"]), (&"cluster".into(), &Value::Null), "{found:#}");
    let good = |status: &crate::support::Status| status.coordinator().outcome(LEADER, "commit", "good");
    let before = good(&probing.status());
    probing.wait_status(Duration::from_secs(15), "its other partition is served", |status| before < good(status));

    broker.stop();
    wait_for(TOLERANCE * ENDED_WITHIN, "its end, as another broker leads", || {
        finding(&probing).is_none().then_some(())
    });
    probing.assert_no_broker_named();
    let other: Vec<_> = probing.findings_so_far().into_iter().filter(|(kind, _)| kind != KIND).collect();
    assert_eq!(other, [], "{}", probing.prober.stderr());
    probing.stop();
}

/// A partition of `__consumer_offsets` that this broker leads.
fn led_by(cluster: &Cluster, leader: i32) -> i32 {
    let topic = CoordinatorType::Group.topic();
    let seen = raw::metadata(cluster.any_internal_address(), &[topic]).expect("a broker answers");
    let led = seen.partitions.iter().find(|partition| partition.leader == leader);
    led.expect("each broker leads two of six").partition
}

/// The finding about partitions, if it is active.
fn finding(probing: &RunningProber) -> Option<Value> {
    let page = probing.prober.http_get("/api/v1/findings").filter(|page| page.status == 200)?;
    let rows: Vec<Value> = serde_json::from_str(&page.body).ok()?;
    rows.into_iter().find(|row| row["kind"] == KIND)
}
