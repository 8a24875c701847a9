//! One three-broker cluster for all tests of a binary that leave it as they found it.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Cluster, Options};
use crate::harness::raw::{self, RawError};
use crate::harness::{skip_without_kafka, wait_until};

/// Never dropped: its processes and folder are on a leash and go with the test process.
static SHARED: Mutex<Option<Cluster>> = Mutex::new(None);

/// Deleting a few topics on three brokers takes some 100 ms.
const EMPTY_WITHIN: Duration = Duration::from_secs(20);

/// A broker that was away catches up, and is in sync again at the latest when the ISR is looked at, every 15 s.
const LED_WITHIN: Duration = Duration::from_secs(60);

/// The shared cluster, to one test at a time.
pub(crate) struct SharedCluster(MutexGuard<'static, Option<Cluster>>);

/// The shared cluster with all brokers running and listed, and no topic but Kafka's own, which its preferred leaders lead.
///
/// Started on first use. What the test before left frozen, dead or created is mended first, also after
/// it panicked. `None` is a counted skip: the machine cannot run Kafka, see [`skip_without_kafka`].
#[track_caller]
pub(crate) fn shared_cluster() -> Option<SharedCluster> {
    if skip_without_kafka() {
        return None;
    }
    let mut slot = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let cluster = slot.get_or_insert_with(start);
    cluster.heal();
    delete_all_topics(cluster);
    give_back_leadership(cluster);
    Some(SharedCluster(slot))
}

fn start() -> Cluster {
    Cluster::start(Options { name: "shared".to_owned(), ..Options::default() })
}

#[track_caller]
fn delete_all_topics(cluster: &Cluster) {
    wait_until(EMPTY_WITHIN, "the shared cluster has no topics of earlier tests", || {
        let Ok(left) = topics(cluster) else {
            return false;
        };
        for topic in &left {
            // Asked again on the next turn if it did not work.
            let _ = raw::delete_topic(cluster.any_internal_address(), topic);
        }
        left.is_empty()
    });
}

/// What moved away from a broker that a test had frozen or killed, Kafka moves back after five minutes: in the middle of
/// another test, whose commits are then refused with NOT_COORDINATOR.
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
        // Asked again on the next turn where the preferred leader is not in sync yet.
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
        self.0.as_ref().expect("the guard is made of a started cluster")
    }
}

impl Drop for SharedCluster {
    fn drop(&mut self) {
        self.keep_logs();
    }
}
