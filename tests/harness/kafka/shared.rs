//! One cluster for consecutive tests that need the same settings and leave it usable.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Cluster, Options};
use crate::harness::raw::{self, RawError};
use crate::harness::{skip_without_kafka, wait_until};

/// The running cluster and its options. Never dropped at the end: its guard processes end it with the test process.
static SHARED: Mutex<Option<(Options, Cluster)>> = Mutex::new(None);

/// Deleting a few topics on three brokers takes some 100 ms.
const EMPTY_WITHIN: Duration = Duration::from_secs(20);

/// Time limit to move leadership: a broker that was down catches up first, and leaders check the ISR every 15 s (half of
/// replica.lag.time.max.ms).
const LED_WITHIN: Duration = Duration::from_secs(60);

/// The shared cluster, to one test at a time.
pub(crate) struct SharedCluster(MutexGuard<'static, Option<(Options, Cluster)>>);

/// Three plain brokers, as [`shared_cluster_with`] gives them.
#[track_caller]
pub(crate) fn shared_cluster() -> Option<SharedCluster> {
    shared_cluster_with(Options { name: "shared".to_owned(), ..Options::default() })
}

/// A cluster with these options: all brokers are running and listed, each partition is led by its preferred leader, and there is
/// no topic except Kafka's own.
///
/// The cluster of the previous test is used again if it has the same options; otherwise it ends and a new one starts. What that
/// test froze, killed or created is undone first, also after it panicked. `None` is a counted skip: the machine cannot run Kafka,
/// see [`skip_without_kafka`].
#[track_caller]
pub(crate) fn shared_cluster_with(options: Options) -> Option<SharedCluster> {
    if skip_without_kafka() {
        return None;
    }
    let mut slot = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if slot.as_ref().is_none_or(|(running, _)| *running != options) {
        // The previous one ends first: two clusters at a time do not fit on a small machine.
        *slot = None;
        *slot = Some((options.clone(), Cluster::start(options)));
    }
    let shared = SharedCluster(slot);
    shared.heal();
    delete_all_topics(&shared);
    give_back_leadership(&shared);
    Some(shared)
}

#[track_caller]
fn delete_all_topics(cluster: &Cluster) {
    wait_until(EMPTY_WITHIN, "the shared cluster has no topics of earlier tests", || {
        let Ok(left) = topics(cluster) else {
            return false;
        };
        for topic in &left {
            // Tried again on the next poll if it failed.
            let _ = raw::delete_topic(cluster.any_internal_address(), topic);
        }
        left.is_empty()
    });
}

/// Moves leadership back to the preferred leaders. Kafka would do it five minutes after a test froze or killed a broker, in the
/// middle of another test, whose commits would fail with NOT_COORDINATOR.
#[track_caller]
pub(crate) fn give_back_leadership(cluster: &Cluster) {
    wait_until(LED_WITHIN, "every partition is led by its preferred leader, and every broker knows", || {
        let seen = cluster.brokers().iter().map(|broker| raw::metadata_of_all(broker.internal_address()));
        let Ok(seen) = seen.collect::<Result<Vec<_>, _>>() else {
            return false;
        };
        let Some(moved) = seen.into_iter().map(raw::Metadata::moved).find(|moved| !moved.is_empty()) else {
            return true;
        };
        // Tried again on the next poll where the preferred leader is not in sync yet.
        let _ = raw::elect_preferred(cluster.any_internal_address(), &moved);
        false
    });
}

/// Kafka's own topics, which tests leave alone. Those of the prober may begin with `__` as well.
const INTERNAL_TOPICS: [&str; 3] = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// Topics that any broker still lists, without Kafka's own.
fn topics(cluster: &Cluster) -> Result<BTreeSet<String>, RawError> {
    let mut topics = BTreeSet::new();
    for broker in cluster.brokers() {
        topics.extend(raw::metadata_of_all(broker.internal_address())?.topic_names());
    }
    topics.retain(|name| !INTERNAL_TOPICS.contains(&name.as_str()));
    Ok(topics)
}

impl Deref for SharedCluster {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        let (_, cluster) = self.0.as_ref().expect("the guard is made from a started cluster");
        cluster
    }
}

impl Drop for SharedCluster {
    fn drop(&mut self) {
        self.keep_logs();
    }
}
