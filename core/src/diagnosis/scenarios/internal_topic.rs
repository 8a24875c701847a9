//! `__consumer_offsets` in a scenario: which broker leads each partition, what the prober knows of that, and how an attempt at one
//! ends.

use std::collections::{BTreeMap, BTreeSet};

use super::State;
use super::traffic::GOOD;
use super::world::Brokers;
use crate::coordinator::{InternalPartition, InternalTopic, Rotation};
use crate::diagnosis::evidence::facts::ReplicaState;
use crate::diagnosis::input::Input;
use crate::event::RawOutcome;
use crate::fault::Fault;
use crate::ids::{BrokerId, Partition};
use crate::kafka_error::KafkaError;
use crate::time::Time;
use crate::topology::{PartitionSeen, TopicSeen};

#[derive(Default)]
pub(super) struct SimulatedInternalTopic {
    /// Partitions whose log is damaged: their coordinator never gets to serve them.
    sick: BTreeSet<i32>,
    /// Partitions whose coordinator reads them and answers nothing else meanwhile.
    loading: BTreeSet<i32>,
    /// Partitions of which only the leader is in sync.
    lone: BTreeSet<i32>,
    /// Partitions that another broker than the preferred one leads.
    moved: BTreeMap<i32, i32>,
    /// The newest metadata that the prober has.
    known: TopicSeen,
    rotation: Rotation,
}

impl SimulatedInternalTopic {
    /// Whether it was an act of this kind. A partition that moves is `PARTITION:BROKER`.
    pub(super) fn act(&mut self, what: &str, argument: &str) -> bool {
        let partitions = || argument.split(',').map(|one| one.parse::<i32>().expect("a partition"));
        match what {
            "sick_partition" => self.sick.extend(partitions()),
            "loading_partition" => self.loading.extend(partitions()),
            "lone_partition" => self.lone.extend(partitions()),
            "move_partition" => {
                let (partition, broker) = argument.split_once(':').expect("a partition and a broker");
                self.moved.insert(partition.parse().expect("a partition"), broker.parse().expect("a broker"));
            }
            "well_partition" => partitions().for_each(|one| {
                self.sick.remove(&one);
                self.loading.remove(&one);
                self.lone.remove(&one);
            }),
            _ => return false,
        }
        true
    }

    /// The prober's metadata are requested: `replicated` are the leader and the in-sync replicas of a partition that prefers each
    /// broker.
    pub(super) fn metadata(&mut self, now: u64, count: i32, replicated: &BTreeMap<BrokerId, ReplicaState>) -> Input {
        let partitions = (0..count).map(|partition| self.partition(partition, replicated)).collect();
        self.known = TopicSeen { id: None, partitions };
        let (topic, asked, seen) = (InternalTopic::ConsumerOffsets, Time::from_millis(now), self.known.clone());
        Input::InternalTopic { topic, asked, seen }
    }

    /// The partition whose turn it is at a broker, by what the prober knows.
    pub(super) fn next(&mut self, broker: i32) -> Option<Partition> {
        let leads = |seen: &&PartitionSeen| seen.leader == Some(BrokerId(broker));
        self.rotation.next(self.known.partitions.iter().filter(leads).map(|seen| seen.partition))
    }

    /// The answer to a commit at a partition; `None`: none yet.
    pub(super) fn committed(
        &self,
        partition: Partition,
        broker: i32,
        brokers: &Brokers,
        replicated: &BTreeMap<BrokerId, ReplicaState>,
    ) -> Option<RawOutcome> {
        let refused = |error| Some(RawOutcome::Failed(Fault::Kafka(error)));
        match brokers[&broker].0 {
            State::Up => {}
            State::Frozen | State::Dropped => return None,
            State::Killed | State::Left | State::Starting => return Some(RawOutcome::Failed(Fault::ConnectionRefused)),
        }
        let seen = self.partition(partition.0, replicated);
        if seen.leader != Some(BrokerId(broker)) || self.sick.contains(&partition.0) {
            return refused(KafkaError::NOT_COORDINATOR);
        }
        if self.loading.contains(&partition.0) {
            return refused(KafkaError::COORDINATOR_LOAD_IN_PROGRESS);
        }
        if seen.in_sync.len() < 2 && 2 <= seen.replicas.len() {
            return refused(KafkaError::COORDINATOR_NOT_AVAILABLE);
        }
        seen.in_sync.iter().all(|id| brokers[&id.0].0 == State::Up).then_some(GOOD)
    }

    /// An attempt at a partition has ended.
    pub(super) fn on_end(&mut self, partition: Partition, raw_outcome: RawOutcome) {
        self.rotation.on_end(partition, matches!(raw_outcome, RawOutcome::Success(_)));
    }

    fn partition(&self, partition: i32, replicated: &BTreeMap<BrokerId, ReplicaState>) -> PartitionSeen {
        let place = usize::try_from(partition).expect("not negative") % replicated.len();
        let (_, state) = replicated.iter().nth(place).expect("within");
        let moved = self.moved.get(&partition).copied().map(BrokerId).filter(|id| state.in_sync.contains(id));
        let leader = moved.or(state.leader);
        let in_sync = if self.lone.contains(&partition) { leader.into_iter().collect() } else { state.in_sync.clone() };
        let (replicas, leader_epoch) = (state.replicas.clone(), None);
        PartitionSeen { partition: Partition(partition), leader, leader_epoch, replicas, in_sync }
    }
}

/// The id of a partition in events.
pub(super) fn id(partition: Partition) -> InternalPartition {
    InternalPartition { topic: InternalTopic::ConsumerOffsets, partition }
}
