//! The topics of both lanes, created by the harness.

use std::time::Duration;

use super::{REPLICATED, TOPIC};
use crate::harness::{Cluster, raw, wait_until};

const CREATED_WITHIN: Duration = Duration::from_secs(20);

/// Creates the topics of both lanes as the prober would, and waits until every broker lists them with their leaders.
///
/// The prober waits 3 s for brokers that have not registered yet before it creates a topic. A test that is not about a first start
/// need not wait for that. Those of a first start are `healthy`, `check_command`, `cluster_down`, `permissions` and `secured`.
#[track_caller]
pub(crate) fn create_lane_topics(cluster: &Cluster) {
    let ids: Vec<i32> = cluster.brokers().iter().map(|broker| broker.id()).collect();
    let rotated = |by: usize| ids.iter().cycle().skip(by).take(ids.len()).copied().collect();
    let min_insync = (ids.len() - 1).max(1).to_string();
    let topics: [(&str, Vec<Vec<i32>>, &str); 2] = [
        (TOPIC, ids.iter().map(|id| vec![*id]).collect(), "1"),
        (REPLICATED, (0..ids.len()).map(rotated).collect(), &min_insync),
    ];
    for (topic, assignment, min_insync) in &topics {
        let configs = [("min.insync.replicas", *min_insync), ("message.timestamp.type", "LogAppendTime")];
        raw::create_topic(cluster.any_internal_address(), topic, assignment, &configs).expect("there is no such topic");
    }
    wait_until(CREATED_WITHIN, "every broker lists the topics of both lanes", || {
        cluster.brokers().iter().all(|broker| {
            let seen = raw::metadata(broker.internal_address(), &[TOPIC, REPLICATED]).unwrap_or_default();
            topics.iter().all(|(topic, assignment, _)| {
                (0..).zip(assignment).all(|(partition, replicas)| {
                    seen.partition(topic, partition).is_some_and(|found| found.leader == replicas[0])
                })
            })
        })
    });
}
