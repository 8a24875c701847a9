//! Evidence about the coordinators: for each partition of the internal topics its leader and replicas, and how the attempts at it
//! have ended.
//!
//! The failures of one partition are counted apart from those of its broker, because a broker may lead many: one that fails among
//! twenty that are well is never a row of failures of the broker.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::coordinator::{InternalPartition, InternalTopic};
use crate::event::Event;
use crate::ids::BrokerId;
use crate::time::Time;
use crate::topology::TopicSeen;

use super::super::dependencies::of_coordinator;
use super::broker_tracker::continued;
use super::facts::{
    BrokerEvidence, CoordinatorEvidence, PartitionFailures, PeersCutOff, ReplicaState, failing_alone, others_at,
};

/// Every partition of the internal topics, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Coordinators(Arc<BTreeMap<InternalPartition, CoordinatorEvidence>>);

impl Coordinators {
    /// The leaders and replicas of an internal topic, by metadata that were requested at `asked`.
    pub(super) fn on_topic(&mut self, topic: InternalTopic, asked: Time, seen: &TopicSeen) {
        let partitions = Arc::make_mut(&mut self.0);
        partitions.retain(|id, _| id.topic != topic || seen.partitions.iter().any(|one| one.partition == id.partition));
        for one in &seen.partitions {
            let id = InternalPartition { topic, partition: one.partition };
            let replicas = ReplicaState::from(one);
            let evidence = partitions.entry(id).or_default();
            if evidence.replicas != replicas {
                (evidence.replicas, evidence.changed) = (replicas, asked);
            }
        }
    }

    /// An event of the coordinator view was counted.
    pub(super) fn on_event(&mut self, event: &Event) {
        let (Some(id), Some(broker)) = (event.internal_partition, event.broker.id()) else { return };
        let Some(before) = self.0.get(&id).map(|evidence| evidence.row) else { return };
        let after = continued(event, before.map(|before| before.streak));
        if after == before.map(|before| before.streak) && after.is_some() {
            return;
        }
        let row = after.map(|streak| PartitionFailures {
            streak,
            broker,
            newest: event.due,
            is_contrasted: before.is_some_and(|before| before.is_contrasted)
                || self.is_another_good(id, broker, streak.since, event.due),
        });
        if let Some(evidence) = Arc::make_mut(&mut self.0).get_mut(&id) {
            evidence.row = row;
            match row {
                Some(_) => evidence.last_bad = Some(event.due),
                None => evidence.last_good = Some(event.ended),
            }
        }
    }

    /// What else explains failures now: a leader that is cut off from its followers, or a broker in doubt, or brokers that come and go.
    /// Those of a partition that was found to fail before brokers came or went are not explained by that.
    pub(super) fn follow(
        &mut self,
        now: Time,
        brokers: &[BrokerEvidence],
        cut_off: &BTreeMap<BrokerId, PeersCutOff>,
        is_churning: bool,
    ) {
        let is_in_doubt =
            |id: BrokerId| brokers.iter().find(|broker| broker.id == id).is_none_or(BrokerEvidence::is_in_doubt);
        let is_explained = |id: InternalPartition, evidence: &CoordinatorEvidence| {
            let is_known = || failing_alone(&self.0, id).is_some();
            let is_cut_off = || evidence.replicas.leader.is_some_and(|leader| cut_off.contains_key(&leader));
            let is_by_brokers = || of_coordinator(evidence).any(is_in_doubt) || is_cut_off();
            evidence.row.is_some() && (is_churning && !is_known() || is_by_brokers())
        };
        let explained = self.0.iter().filter(|(id, evidence)| is_explained(**id, evidence)).map(|(id, _)| *id);
        for id in explained.collect::<Vec<_>>() {
            if let Some(evidence) = Arc::make_mut(&mut self.0).get_mut(&id) {
                evidence.explained = Some(now);
            }
        }
    }

    pub(super) fn at_present(&self) -> Arc<BTreeMap<InternalPartition, CoordinatorEvidence>> {
        Arc::clone(&self.0)
    }

    /// Whether another partition of this broker has succeeded within this time.
    fn is_another_good(&self, id: InternalPartition, broker: BrokerId, from: Time, to: Time) -> bool {
        let is_good =
            |evidence: &CoordinatorEvidence| evidence.last_good.is_some_and(|good| (from..=to).contains(&good));
        others_at(&self.0, id, broker).any(is_good)
    }
}
