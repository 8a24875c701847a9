//! What the baselines have in common with the prober, so that the brokers do the same work at the same times.

use std::time::{Duration, Instant};

use crate::harness::{Cluster, raw, wait_until};

/// The prober's default.
pub(crate) const RECORD_SIZE: usize = 128;

/// The configuration of the prober's own topics, without `min.insync.replicas`.
const CONFIGS: [(&str, &str); 5] = [
    ("cleanup.policy", "delete"),
    ("message.timestamp.type", "LogAppendTime"),
    ("retention.ms", "3600000"),
    ("segment.ms", "600000"),
    ("segment.bytes", "16777216"),
];

/// The prober's phases: the fractional part of ordinal × this.
const GOLDEN_RATIO: f64 = 0.618_033_988_749_895;

const TOPIC_WITHIN: Duration = Duration::from_secs(20);

/// Creates a topic with one partition for each broker, which leads it: the lane of that replication factor.
pub(crate) fn create_topic(cluster: &Cluster, topic: &str, replication_factor: usize) {
    let asked = cluster.any_internal_address();
    let ids: Vec<i32> = cluster.brokers().iter().map(|broker| broker.id()).collect();
    let replicas = |first| ids.iter().cycle().skip(first).take(replication_factor).copied().collect();
    let assignment: Vec<Vec<i32>> = (0..ids.len()).map(replicas).collect();
    let min_insync = (replication_factor - 1).max(1).to_string();
    let configs: Vec<_> = CONFIGS.into_iter().chain([("min.insync.replicas", min_insync.as_str())]).collect();
    raw::create_topic(asked, topic, &assignment, &configs).expect("a fresh cluster takes a topic");
    wait_until(
        TOPIC_WITHIN,
        "every broker knows every leader of the bench's topic and leads its own partition",
        || {
            cluster.brokers().iter().zip(0..).all(|(broker, own)| {
                let asked = broker.internal_address();
                let seen = raw::metadata(asked, &[topic]).unwrap_or_default();
                let in_place = |(partition, leader): (i32, &i32)| {
                    let found = seen.partition(topic, partition);
                    found.is_some_and(|found| found.leader == *leader && found.isr.len() == replication_factor)
                };
                (0..).zip(&ids).all(in_place) && raw::latest_offset(asked, topic, own).is_ok()
            })
        },
    );
}

/// When the `ordinal`-th broker's first record is due.
pub(crate) fn first_due(began: Instant, interval: Duration, ordinal: u32) -> Instant {
    began + interval.mul_f64((f64::from(ordinal) * GOLDEN_RATIO).fract())
}
