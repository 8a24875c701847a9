//! The observation of the cluster, compared with the harness's own metadata: healthy, with broker 2 frozen, and healthy again.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::raw::{self, Metadata};
use crate::harness::shared_cluster;
use crate::support::{PREFIX, RunningProber, Status, create_lane_topics};

/// The shortest interval.
const OFTEN: [(&str, &str); 1] = [("KAFKA_PROBER__OBSERVATION__INTERVAL", "1s")];

/// `min.insync.replicas` of the harness's clusters of three brokers.
const MIN_ISR: usize = 2;

/// Time limit for the page to show a change: a broker session of 9 s, the time-out of a request to the frozen broker, and the
/// next round.
const SHOWN_WITHIN: Duration = Duration::from_secs(90);

/// Replicas, leaders and preferred leaders by broker.
fn placed(truth: &Metadata) -> BTreeMap<i32, [u64; 3]> {
    let mut brokers: BTreeMap<i32, [u64; 3]> = BTreeMap::new();
    for partition in &truth.partitions {
        partition.replicas.iter().for_each(|id| brokers.entry(*id).or_default()[0] += 1);
        brokers.entry(partition.leader).or_default()[1] += 1;
        brokers.entry(partition.replicas[0]).or_default()[2] += 1;
    }
    brokers.remove(&-1);
    brokers
}

fn reported(status: &Status) -> BTreeMap<i32, [u64; 3]> {
    let rows = status.observation("/by_broker").as_array().cloned().unwrap_or_default();
    let of = |row: &Value, field: &str| row["partitions"][field].as_u64().unwrap_or(u64::MAX);
    let numbers = |row: &Value| ["replica", "leader", "preferred_leader"].map(|field| of(row, field));
    rows.iter().filter_map(|row| Some((i32::try_from(row["broker"].as_i64()?).ok()?, numbers(row)))).collect()
}

/// Partitions that are under-replicated, at and under the minimum of in-sync replicas, and offline, without the prober's
/// topics.
fn health(truth: &Metadata) -> [u64; 4] {
    let others = || truth.partitions.iter().filter(|partition| !partition.topic.starts_with(PREFIX));
    let count = |of: &dyn Fn(usize, usize, i32) -> bool| {
        others().filter(|one| of(one.isr.len(), one.replicas.len(), one.leader)).count() as u64
    };
    [
        count(&|isr, replicas, _| isr < replicas),
        count(&|isr, replicas, _| isr == MIN_ISR.min(replicas)),
        count(&|isr, replicas, _| isr < MIN_ISR.min(replicas)),
        count(&|_, _, leader| leader == -1),
    ]
}

fn reported_health(status: &Status) -> [Option<u64>; 4] {
    ["under_replicated", "at_min_isr", "under_min_isr", "offline"]
        .map(|name| status.observation(&format!("/partitions/{name}/count")).as_u64())
}

#[test]
fn observation_equals_the_metadata_without_the_topics_of_the_prober() {
    let Some(cluster) = shared_cluster() else { return };
    let address = cluster.any_internal_address();
    let replicas = [vec![1, 2, 3], vec![2, 3, 1], vec![3, 1, 2], vec![2, 1, 3]];
    raw::create_topic(address, "orders", &replicas, &[]).expect("the topic is created");
    raw::create_topic(address, "single", &[vec![2]], &[]).expect("the topic is created");
    create_lane_topics(&cluster);
    let mut probing = RunningProber::start(&cluster.bootstrap(), None, &[], &OFTEN);
    probing.wait_good(&[1, 2, 3]);

    let truth = || raw::metadata_of_all(cluster.any_internal_address()).expect("metadata");
    probing.wait_status(SHOWN_WITHIN, "the page equals the metadata", |status| {
        let truth = truth();
        reported(status) == placed(&truth) && reported_health(status) == health(&truth).map(Some)
    });
    let settled = probing.wait_status(SHOWN_WITHIN, "every part is answered", |status| {
        let parts = status.observation("/parts").as_array().cloned().unwrap_or_default();
        parts.len() == 6 && parts.iter().all(|part| part["state"] == "on" && part["message"].is_null())
    });
    for part in settled.observation("/parts").as_array().into_iter().flatten() {
        eprintln!("observation: {} took {} ms, {} requests", part["part"], part["took_ms"], part["requests"]);
    }
    let controller = raw::active_controller(cluster.any_internal_address()).expect("a quorum");
    assert_eq!(settled.observation("/active_controller"), &json!(controller));
    assert_eq!(settled.observation("/brokers"), &json!({"registered": 3, "fenced": 0}));
    assert_eq!(settled.observation("/versions/differing"), &json!([]));
    assert_eq!(settled.observation("/name_collisions/count"), &json!(0));
    assert_eq!(settled.observation("/reassignments/count"), &json!(0));
    assert_eq!([1, 2, 3].map(|broker| settled.registration(broker)), [Some("registered"); 3]);
    assert_eq!(settled.observation("/by_broker").as_array().map(Vec::len), Some(3));
    for row in settled.observation("/by_broker").as_array().into_iter().flatten() {
        assert!(0 < row["log_dirs"]["usable_bytes"].as_u64().unwrap_or(0), "{row}");
    }

    cluster.broker(2).freeze();
    let frozen = probing.wait_status(
        SHOWN_WITHIN,
        "broker 2 is fenced, and partitions with no other replica are offline",
        |status| status.registration(2) == Some("fenced") && reported_health(status)[3] == Some(1),
    );
    assert_eq!(frozen.observation("/partitions/offline/first"), &json!(["single-0"]));
    probing.wait_status(SHOWN_WITHIN, "the counts of missing in-sync replicas equal the metadata", |status| {
        let expected = health(&truth());
        3 < expected[0] && reported_health(status) == expected.map(Some)
    });
    assert_eq!([1, 3].map(|broker| frozen.registration(broker)), [Some("registered"); 2]);

    cluster.broker(2).thaw();
    probing.wait_status(SHOWN_WITHIN, "every count is healthy again", |status| {
        let [short, _, below, offline] = reported_health(status);
        status.registration(2) == Some("registered") && [short, below, offline] == [Some(0); 3]
    });
    probing.stop();
}
