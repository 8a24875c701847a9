//! `__consumer_offsets` grows without limit, as in the incident where one of its partitions reached tens of GB: the cleaner is
//! off, and one group commits in a tight loop. The observation shows the partition's growth while every broker is healthy.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::options;
use crate::harness::{raw, shared_cluster_with, wait_for};
use crate::support::{RunningProber, Status, create_lane_topics};

const GROUP: &str = "runaway";
const TOPIC: &str = "orders";
const PARTITIONS: i32 = 20;

/// Kafka's default limit of a commit's metadata is 4096 bytes.
const METADATA_BYTES: usize = 4000;

/// `offsets.topic.num.partitions` of the harness's clusters.
const OFFSETS_PARTITIONS: i32 = 6;

/// Bytes a second. The incident took months to reach tens of GB; this growth shows within a few rounds.
const FAST: f64 = 50_000.0;

/// The partition that Kafka gives the group: the hash of its name, as Java's String.hashCode computes it.
fn partition_of(group: &str) -> i32 {
    let hash = group.bytes().fold(0_i32, |hash, byte| hash.wrapping_mul(31).wrapping_add(i32::from(byte)));
    (hash & i32::MAX) % OFFSETS_PARTITIONS
}

/// The rows of the group's partition: one for each replica.
fn rows(status: &Status) -> Vec<Value> {
    let rows = status.observation("/largest_internal_partitions").as_array().cloned().unwrap_or_default();
    let ours = |row: &Value| row["topic"] == "__consumer_offsets" && row["partition"] == partition_of(GROUP);
    rows.into_iter().filter(ours).collect()
}

#[test]
fn growing_offsets_partition_is_named_before_anything_fails() {
    let Some(cluster) = shared_cluster_with(options()) else { return };
    let address = cluster.any_internal_address();
    raw::create_topic(address, TOPIC, &vec![vec![1]; PARTITIONS as usize], &[]).expect("the topic is created");
    let coordinator = wait_for(Duration::from_secs(30), "the group has a coordinator", || {
        raw::coordinator_address(address, GROUP).ok()
    });
    create_lane_topics(&cluster);
    let mut probing =
        RunningProber::start(&cluster.bootstrap(), None, &[], &[("KAFKA_PROBER__OBSERVATION__INTERVAL", "1s")]);
    probing.wait_good(&[1, 2]);

    let (stop, committed) = (AtomicBool::new(false), AtomicU64::new(0));
    let (grown, page) = std::thread::scope(|scope| {
        scope.spawn(|| commit_until(&stop, &committed, &coordinator));
        let grown =
            probing.wait_status(Duration::from_secs(60), "both brokers' copies are reported to grow", |status| {
                let fast = |row: &&Value| FAST <= row["growth_bytes_per_second"].as_f64().unwrap_or(0.0);
                rows(status).iter().filter(fast).count() == 2
            });
        let page = probing.prober.metrics();
        stop.store(true, Ordering::Relaxed);
        (grown, page)
    });

    let largest = grown.observation("/largest_internal_partitions/0");
    assert_eq!((&largest["topic"], &largest["partition"]), (&"__consumer_offsets".into(), &partition_of(GROUP).into()));
    eprintln!("growth: {largest}");
    for broker in ["1", "2"] {
        let labels = [("broker", broker), ("topic", "__consumer_offsets")];
        let size = page.sum("kafka_prober_broker_internal_topic_size_bytes", &labels);
        let growth = page.sum("kafka_prober_broker_internal_topic_growth_bytes_per_second", &labels);
        assert!(0.0 < size && 0.0 < growth, "broker {broker}: {size} bytes, {growth} bytes/s");
    }
    for broker in [1, 2] {
        for outcome in ["error", "timeout", "lost"] {
            assert_eq!(grown.outcome(broker, "produce", outcome), 0, "broker {broker} has no failure");
        }
    }

    let committed = committed.load(Ordering::Relaxed);
    let settled = probing.wait_status(Duration::from_secs(30), "the final size is measured", |status| {
        let whole = |row: &Value| committed <= row["bytes"].as_u64().unwrap_or(0);
        rows(status).len() == 2 && rows(status).iter().all(whole)
    });
    for row in rows(&settled) {
        let bytes = row["bytes"].as_u64().unwrap_or(0);
        assert!(bytes <= committed + committed / 2 + 100_000, "{bytes} bytes for {committed} committed");
    }
    probing.stop();
}

/// Commits in a tight loop and adds up the bytes of successful commits.
fn commit_until(stop: &AtomicBool, committed: &AtomicU64, coordinator: &str) {
    let metadata = "m".repeat(METADATA_BYTES);
    let mut connection = raw::Connection::open(coordinator, raw::REQUEST_TIMEOUT).expect("the coordinator listens");
    while !stop.load(Ordering::Relaxed) {
        // The coordinator may still be loading its partition; then the next commit succeeds.
        if raw::commit_on(&mut connection, GROUP, TOPIC, PARTITIONS, &metadata, raw::REQUEST_TIMEOUT).is_ok() {
            committed.fetch_add(PARTITIONS as u64 * METADATA_BYTES as u64, Ordering::Relaxed);
        }
    }
}
