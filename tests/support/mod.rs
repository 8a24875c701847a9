//! What the tests on real clusters share: a prober in front of a cluster, its status page read as counts, and what its topics
//! and exports hold.
//!
//! | module | what |
//! | --- | --- |
//! | [`running_prober`] | the prober as a process, its pages and its findings |
//! | [`status`] | one status page, read as counts |
//! | [`lane_topics`] | the topics of both lanes, created by the harness |
//! | [`topic_records`] | the prober's records in a topic, read by the harness |
//! | [`export`] | checks that the exported counts add up |
#![allow(dead_code, unused_imports, reason = "each crate that includes this module uses a part of it")]
#![expect(clippy::disallowed_methods, reason = "a test measures real time")]

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::prober::Scrape;
use crate::harness::wait_until;

pub(crate) mod export;
pub(crate) mod lane_topics;
pub(crate) mod running_prober;
pub(crate) mod status;
pub(crate) mod topic_records;

pub(crate) use export::{assert_export_balances, subject_label};
pub(crate) use lane_topics::create_lane_topics;
pub(crate) use running_prober::{FindingId, FindingOnPage, RunningProber, parse_findings};
pub(crate) use status::{Status, broker_of};
pub(crate) use topic_records::{TopicRecords, read_topic};

/// What the names of the prober's topics, groups and transactional ids begin with, by default.
pub(crate) const PREFIX: &str = "__kafka-prober-";

/// The topic of the pinned lane.
pub(crate) const TOPIC: &str = "__kafka-prober-pinned";

/// The topic of the replicated lane.
pub(crate) const REPLICATED: &str = "__kafka-prober-replicated";

/// The topic that the controller probe creates and deletes.
pub(crate) const CANARY: &str = "__kafka-prober-canary";

/// Every anomaly of a record.
pub(crate) const ANOMALIES: [&str; 7] =
    ["lost", "duplicate", "reordered", "corrupt", "late", "foreign", "unacked_but_seen"];

/// The three probes of one record.
pub(crate) const PROBES: [&str; 3] = ["produce", "consume", "end_to_end"];

/// The probes of the broker view that send a request directly to one broker.
pub(crate) const DIRECT: [&str; 3] = ["fetch", "metadata", "connect"];

/// The probes of the coordinator view.
pub(crate) const COORDINATOR: [&str; 2] = ["commit", "transaction"];

/// In place of a broker, in the rows of the cluster view.
pub(crate) const CLUSTER: Value = Value::Null;

/// `script/test` asserts times at three times the goal, because its machine may be busy; `script/bench` and `script/incidents`
/// measure the goals themselves.
pub(crate) const TOLERANCE: u32 = 3;

/// The p99 of `end_to_end` at one broker between two scrapes, in seconds.
#[track_caller]
pub(crate) fn p99(later: &Scrape, earlier: &Scrape, broker: &str) -> f64 {
    let labels = [("view", "broker"), ("broker", broker), ("probe", "end_to_end")];
    let found = later.since(earlier).histogram_quantile("kafka_prober_duration_seconds", &labels, 0.99);
    found.unwrap_or_else(|| panic!("broker {broker} has good events between the scrapes"))
}

/// Waits for `time`. The elapsed time is the condition itself, not an estimate of how long something else takes.
pub(crate) fn elapse(time: Duration) {
    let until = Instant::now() + time;
    wait_until(time + Duration::from_secs(5), "the time has elapsed", || until <= Instant::now());
}
