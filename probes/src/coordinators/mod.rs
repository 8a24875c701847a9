//! What `commit` and `transaction` share. Each partition of an internal topic has a coordinator, the broker that leads it,
//! and an id of the prober's own that hashes to it. No broker is asked who coordinates an id: FindCoordinator would create
//! the internal topic (K16).

mod turn;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prober_core::coordinator::{InternalTopic, Loading, LoadingChange, Prefix, Rotation};
use prober_core::fault::Fault;
use prober_core::ids::{Broker, BrokerId, Partition, Phase, Probe};
use prober_core::kafka_error::KafkaError;
use prober_core::topology::{PartitionSeen, TopicSeen};

use crate::direct::context::ProbeContext;
use crate::port::requests::Refusal;
use crate::port::{MetadataSnapshot, ProbeInput, RequestId};

pub use turn::Turn;

/// The coordinators of one internal topic.
pub struct Coordinators {
    topic: InternalTopic,
    prefix: Prefix,
    context: ProbeContext,
    rotation: Mutex<Rotation>,
    loading: Mutex<Loading>,
    timed: Mutex<BTreeSet<Partition>>,
}

/// An id of the prober's own, and the partition of the internal topic that coordinates it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoordinatedId {
    /// The partition.
    pub partition: Partition,
    /// The id: a group's or a transactional id.
    pub id: Arc<str>,
}

impl Coordinators {
    /// The coordinators by `topic`, asked with ids that begin with `prefix`.
    pub fn new(topic: InternalTopic, prefix: Prefix, context: ProbeContext) -> Coordinators {
        Coordinators {
            topic,
            prefix,
            context,
            rotation: Mutex::default(),
            loading: Mutex::default(),
            timed: Mutex::default(),
        }
    }

    /// The internal topic.
    pub fn topic(&self) -> InternalTopic {
        self.topic
    }

    /// The attempt of a request: chooses one partition, and takes in how it ends.
    pub fn turn(&self, id: RequestId) -> Turn<'_> {
        Turn::new(self, id)
    }

    /// The brokers that coordinate a partition; none while the internal topic does not exist.
    pub fn brokers(&self, metadata: &MetadataSnapshot) -> BTreeSet<BrokerId> {
        brokers(self.topic.as_str(), metadata)
    }

    /// The id whose turn it is at a broker. An `urgent` one goes before all others that are `free`.
    fn next(
        &self,
        broker: BrokerId,
        metadata: &MetadataSnapshot,
        urgent: impl Fn(Partition) -> bool,
        free: impl Fn(Partition) -> bool,
        busy: Fault,
    ) -> Result<CoordinatedId, Fault> {
        let topic = metadata.topics.get(self.topic.as_str()).ok_or(Fault::NoPartition)?;
        let led: Vec<Partition> = led_by(broker, topic).collect();
        if led.is_empty() {
            return Err(Fault::NoPartition);
        }
        let free: Vec<Partition> = led.into_iter().filter(|partition| free(*partition)).collect();
        let urgent: Vec<Partition> = free.iter().copied().filter(|partition| urgent(*partition)).collect();
        let count = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
        let mut rotation = self.rotation();
        rotation.retain(count);
        let partition = rotation.next(if urgent.is_empty() { free } else { urgent }).ok_or(busy)?;
        // The partitions of a topic are numbered without gaps, so this one has an id.
        let id = self.prefix.id_for(partition, count).ok_or(Fault::NoPartition)?;
        Ok(CoordinatedId { partition, id: id.into() })
    }

    /// Takes in the error of a coordinator's response: metadata is refreshed if it is outdated, the probe pauses if a
    /// permission is missing, and the time of loading is measured.
    ///
    /// # Errors
    /// The response has an error.
    pub fn on_response(&self, broker: BrokerId, partition: Partition, error: Refusal) -> Result<(), Fault> {
        self.observe_loading(broker, partition, error == Some(KafkaError::COORDINATOR_LOAD_IN_PROGRESS));
        let Some(error) = error else { return Ok(()) };
        if error == KafkaError::NOT_COORDINATOR || error == KafkaError::COORDINATOR_NOT_AVAILABLE {
            self.context.cluster.refresh_metadata();
        }
        if error.is_authorization() {
            self.context.backoff.on_refused(self.topic.probe(), self.missing_permission(error));
        }
        Err(Fault::Kafka(error))
    }

    fn missing_permission(&self, error: KafkaError) -> String {
        let (prefix, name) = (self.prefix.as_str(), error.name());
        match (self.topic.probe(), error) {
            (_, KafkaError::TOPIC_AUTHORIZATION_FAILED) => {
                format!("grant READ and WRITE on topic {}: refused with {name}", self.context.settings.pinned)
            }
            (Probe::Transaction, _) => {
                format!("grant WRITE on transactional ids that begin with {prefix}: refused with {name}")
            }
            _ => format!("grant READ on groups that begin with {prefix}: refused with {name}"),
        }
    }

    /// Whether this partition was loading at the newest response of its coordinator.
    pub fn is_loading(&self, partition: Partition) -> bool {
        self.loading().now().any(|(loading, _)| loading == partition)
    }

    /// Claims the measurement of a partition's loading; false if it is measured already. See [`Coordinators::end_timing`].
    pub fn begin_timing(&self, partition: Partition) -> bool {
        self.timed().insert(partition)
    }

    /// Gives the claim of [`Coordinators::begin_timing`] back.
    pub fn end_timing(&self, partition: Partition) {
        self.timed().remove(&partition);
    }

    fn observe_loading(&self, broker: BrokerId, partition: Partition, loading: bool) {
        let change = self.loading().observe(partition, self.context.clock.now(), loading);
        let (topic, id) = (self.topic.as_str(), partition.0);
        match change {
            Some(LoadingChange::Began) => {
                tracing::warn!(topic, partition = id, broker = broker.0, "the coordinator is loading this partition");
            }
            Some(LoadingChange::Ended(took)) => {
                tracing::info!(
                    topic,
                    partition = id,
                    broker = broker.0,
                    ?took,
                    "the coordinator has loaded this partition"
                );
                (self.context.report)(ProbeInput::Phase { broker: Broker::Id(broker), phase: Phase::Load, took });
            }
            None => {}
        }
    }

    fn timed(&self) -> MutexGuard<'_, BTreeSet<Partition>> {
        self.timed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rotation(&self) -> MutexGuard<'_, Rotation> {
        self.rotation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn loading(&self) -> MutexGuard<'_, Loading> {
        self.loading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn brokers(topic: &str, metadata: &MetadataSnapshot) -> BTreeSet<BrokerId> {
    let topic = metadata.topics.get(topic);
    topic.into_iter().flat_map(|topic| &topic.partitions).filter_map(coordinator).collect()
}

fn led_by(broker: BrokerId, topic: &TopicSeen) -> impl Iterator<Item = Partition> + '_ {
    topic.partitions.iter().filter(move |seen| coordinator(seen) == Some(broker)).map(|seen| seen.partition)
}

/// The coordinator by this partition. Without a leader it is the preferred one: a coordinator that is down stays due.
fn coordinator(seen: &PartitionSeen) -> Option<BrokerId> {
    seen.leader.or_else(|| seen.replicas.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(partition: i32, leader: Option<i32>, replicas: &[i32]) -> PartitionSeen {
        let replicas: Vec<_> = replicas.iter().copied().map(BrokerId).collect();
        let in_sync = replicas.clone();
        let leader = leader.map(BrokerId);
        PartitionSeen { partition: Partition(partition), leader, leader_epoch: None, replicas, in_sync }
    }

    fn metadata(partitions: Vec<PartitionSeen>) -> MetadataSnapshot {
        let mut metadata = MetadataSnapshot::default();
        metadata.topics.insert("internal".into(), TopicSeen { id: None, partitions });
        metadata
    }

    #[test]
    fn coordinator_without_a_leader_is_the_preferred_one() {
        let metadata = metadata(vec![seen(0, Some(2), &[1, 2]), seen(1, None, &[3, 2]), seen(2, None, &[])]);
        assert_eq!(brokers("internal", &metadata), BTreeSet::from([BrokerId(2), BrokerId(3)]));
    }

    #[test]
    fn topic_that_does_not_exist_has_no_coordinator() {
        assert_eq!(brokers("other", &metadata(vec![seen(0, Some(2), &[2])])), BTreeSet::new());
    }
}
