//! What commits and transactions have in common: each partition of an internal topic has a coordinator, the broker that
//! leads it, and ids of ours that hash to it. Nobody is asked who coordinates an id: asking would create the topic (K16).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prober_core::coordinator::{Loading, LoadingChange, Prefix, Rotation};
use prober_core::fault::Fault;
use prober_core::ids::{Broker, BrokerId, Partition, Phase, Probe};
use prober_core::kafka_error::KafkaError;
use prober_core::topology::{PartitionSeen, TopicSeen};
use prober_probes::port::ProbeInput;
use prober_probes::record::Identity;
use tokio::sync::Notify;

use super::Context;
use super::known::Known;
use super::line::Lines;
use super::rest::Rests;
use super::scout::Scouted;

/// What a probe of coordinators is told.
pub(super) struct Coordinating {
    pub(super) context: Context,
    pub(super) rests: Rests,
    pub(super) lines: Lines,
    pub(super) known: Known,
    /// Told when an answer says that the picture of the cluster is old.
    pub(super) hint: Arc<Notify>,
    /// The topic of the pinned lane.
    pub(super) pinned: Arc<str>,
    /// What our groups and transactional ids begin with.
    pub(super) namespace: Arc<str>,
    pub(super) identity: Identity,
    /// Of one attempt.
    pub(super) deadline: Duration,
}

/// The coordinators of one internal topic.
pub(super) struct Coordinators {
    probe: Probe,
    topic: &'static str,
    prefix: Prefix,
    context: Context,
    rests: Rests,
    hint: Arc<Notify>,
    turns: Mutex<Rotation>,
    loading: Mutex<Loading>,
    timed: Mutex<BTreeSet<Partition>>,
}

/// An id of ours, and the partition of the internal topic that coordinates it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Coordinated {
    pub(super) partition: Partition,
    pub(super) id: Arc<str>,
}

impl Coordinators {
    pub(super) fn new(
        probe: Probe,
        topic: &'static str,
        prefix: Prefix,
        context: Context,
        rests: Rests,
        hint: Arc<Notify>,
    ) -> Coordinators {
        Coordinators {
            probe,
            topic,
            prefix,
            context,
            rests,
            hint,
            turns: Mutex::default(),
            loading: Mutex::default(),
            timed: Mutex::default(),
        }
    }

    /// The id whose turn it is at a broker. `urgent` goes before all others that are `free`.
    ///
    /// # Errors
    /// The broker coordinates nothing any more, or nothing that is free: `busy` says why.
    pub(super) fn next(
        &self,
        broker: BrokerId,
        scouted: &Scouted,
        urgent: impl Fn(Partition) -> bool,
        free: impl Fn(Partition) -> bool,
        busy: Fault,
    ) -> Result<Coordinated, Fault> {
        let topic = scouted.topics.get(self.topic).ok_or(Fault::NoPartition)?;
        let led: Vec<Partition> = led_by(broker, topic).collect();
        if led.is_empty() {
            return Err(Fault::NoPartition);
        }
        let free: Vec<Partition> = led.into_iter().filter(|partition| free(*partition)).collect();
        let urgent: Vec<Partition> = free.iter().copied().filter(|partition| urgent(*partition)).collect();
        let count = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
        let mut turns = self.turns();
        turns.retain(count);
        let partition = turns.next(if urgent.is_empty() { free } else { urgent }).ok_or(busy)?;
        // Partitions of a topic are numbered without gaps, so that this one has an id.
        let id = self.prefix.id_for(partition, count).ok_or(Fault::NoPartition)?;
        Ok(Coordinated { partition, id: id.into() })
    }

    /// The error in a coordinator's answer. Where it says that the picture of the cluster is old, the scout is told; how
    /// long a coordinator loads is timed.
    ///
    /// # Errors
    /// There was one.
    pub(super) fn answered(&self, broker: BrokerId, partition: Partition, code: i16) -> Result<(), Fault> {
        let error = KafkaError::of(code);
        self.observe_loading(broker, partition, error == Some(KafkaError::COORDINATOR_LOAD_IN_PROGRESS));
        let Some(error) = error else { return Ok(()) };
        if error == KafkaError::NOT_COORDINATOR || error == KafkaError::COORDINATOR_NOT_AVAILABLE {
            self.hint.notify_one();
        }
        if error.is_authorization() {
            self.rests.begin(self.probe, self.permission(error));
        }
        Err(Fault::Kafka(error))
    }

    /// All that an attempt needs is permitted: one came through.
    pub(super) fn permitted(&self) {
        self.rests.permitted(self.probe);
    }

    fn permission(&self, error: KafkaError) -> String {
        let (prefix, name) = (self.prefix.as_str(), error.name());
        match (self.probe, error) {
            (_, KafkaError::TOPIC_AUTHORIZATION_FAILED) => {
                format!("grant READ and WRITE on the pinned topic: a {} was refused with {name}", self.probe.as_str())
            }
            (Probe::Transaction, _) => {
                format!("grant WRITE on transactional ids that begin with {prefix}: refused with {name}")
            }
            _ => format!("grant READ on groups that begin with {prefix}: refused with {name}"),
        }
    }

    /// Whether this partition is loading, as far as was seen.
    pub(super) fn is_loading(&self, partition: Partition) -> bool {
        self.loading().now().any(|(loading, _)| loading == partition)
    }

    /// Whether somebody times this partition's loading from now on who did not before; until [`Coordinators::end_timing`].
    pub(super) fn begin_timing(&self, partition: Partition) -> bool {
        self.timed().insert(partition)
    }

    pub(super) fn end_timing(&self, partition: Partition) {
        self.timed().remove(&partition);
    }

    fn timed(&self) -> MutexGuard<'_, BTreeSet<Partition>> {
        self.timed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn observe_loading(&self, broker: BrokerId, partition: Partition, loading: bool) {
        let change = self.loading().observe(partition, self.context.clock.now(), loading);
        match change {
            Some(LoadingChange::Began) => {
                tracing::warn!(
                    topic = self.topic,
                    partition = partition.0,
                    broker = broker.0,
                    "the coordinator is loading"
                );
            }
            Some(LoadingChange::Ended(took)) => {
                tracing::info!(topic = self.topic, partition = partition.0, broker = broker.0, ?took, "loaded");
                (self.context.tell)(ProbeInput::Phase { broker: Broker::Id(broker), phase: Phase::Load, took });
            }
            None => {}
        }
    }

    /// Asks for a look around unless it is told that the coordinator has answered: silence may mean that another one is in
    /// its place, or soon will be.
    pub(super) fn hint_on_silence(&self) -> HintOnSilence {
        HintOnSilence { hint: Arc::clone(&self.hint), answered: false }
    }

    fn turns(&self) -> MutexGuard<'_, Rotation> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn loading(&self) -> MutexGuard<'_, Loading> {
        self.loading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Coordinators::hint_on_silence`].
pub(super) struct HintOnSilence {
    hint: Arc<Notify>,
    answered: bool,
}

impl HintOnSilence {
    /// The attempt ended like this.
    pub(super) fn ended(&mut self, result: Result<(), Fault>) {
        self.answered = matches!(result, Ok(()) | Err(Fault::Kafka(_)));
    }
}

impl Drop for HintOnSilence {
    fn drop(&mut self) {
        if !self.answered {
            self.hint.notify_one();
        }
    }
}

/// Another prober was met under our vantage's name.
pub(super) fn tell_twin(context: &Context, evidence: String) {
    (context.tell)(ProbeInput::DuplicateVantage { at: context.clock.now(), evidence: evidence.into() });
}

/// The brokers that coordinate something by the internal topic of this name; none while it does not exist.
pub(super) fn brokers(topic: &str, scouted: &Scouted) -> BTreeSet<BrokerId> {
    let topic = scouted.topics.get(topic);
    topic.into_iter().flat_map(|topic| &topic.partitions).filter_map(coordinator).collect()
}

/// Where the pinned partition of `broker` is, or else any whose end is known: what to commit as an offset.
pub(super) fn known_end(pinned: &str, known: &Known, scouted: &Scouted, broker: BrokerId) -> Option<(Partition, i64)> {
    let with_end = |partition: Partition| known.end_of(partition).map(|end| (partition, end));
    let own = scouted.pinned(pinned).find(|(id, _)| *id == broker).and_then(|(_, partition)| with_end(partition));
    own.or_else(|| scouted.pinned(pinned).find_map(|(_, partition)| with_end(partition)))
}

fn led_by(broker: BrokerId, topic: &TopicSeen) -> impl Iterator<Item = Partition> + '_ {
    topic.partitions.iter().filter(move |seen| coordinator(seen) == Some(broker)).map(|seen| seen.partition)
}

/// Who coordinates by this partition. While nobody leads it, the one who should: a coordinator that is down stays due.
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

    fn scouted(partitions: Vec<PartitionSeen>) -> Scouted {
        let mut scouted = Scouted::default();
        scouted.topics.insert("internal".into(), TopicSeen { id: None, partitions });
        scouted
    }

    #[test]
    fn coordinator_without_a_leader_is_the_preferred_one() {
        let scouted = scouted(vec![seen(0, Some(2), &[1, 2]), seen(1, None, &[3, 2]), seen(2, None, &[])]);
        assert_eq!(brokers("internal", &scouted), BTreeSet::from([BrokerId(2), BrokerId(3)]));
    }

    #[test]
    fn topic_that_does_not_exist_has_no_coordinator() {
        assert_eq!(brokers("other", &scouted(vec![seen(0, Some(2), &[2])])), BTreeSet::new());
    }
}
