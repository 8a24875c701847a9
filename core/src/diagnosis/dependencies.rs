//! Which brokers each cell depends on, and which cells a failing broker therefore explains.
//!
//! | cell | depends on |
//! | --- | --- |
//! | any probe of the broker view | the broker itself |
//! | replicated write | the leader and the in-sync replicas of its partition, by the newest metadata (K2); whether others reach the leader |
//! | commit, transaction | the leader and the in-sync replicas of the internal partition; all of its replicas while too few are in sync |
//!
//! A broker that was fenced has left every in-sync set, so that it explains nothing any more: a host that is off for days hides
//! no other failure.

use std::collections::BTreeSet;

use crate::fault::Fault;
use crate::ids::BrokerId;
use crate::kafka_error::KafkaError;

use super::evidence::cells::Column;
use super::evidence::facts::{CoordinatorEvidence, Facts, ReplicaState};

/// Failing brokers, and with them the cells that need no other cause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explained {
    /// Brokers that fail altogether.
    failing: BTreeSet<BrokerId>,
    /// Brokers that have lost a log directory: writes and reads there fail, and leaders elsewhere wait for them.
    storage_failed: BTreeSet<BrokerId>,
}

impl Explained {
    /// What these brokers explain.
    pub fn by(failing: BTreeSet<BrokerId>, storage_failed: BTreeSet<BrokerId>) -> Explained {
        Explained { failing, storage_failed }
    }

    /// Whether any of these brokers is in a cell's dependencies in the way in which it fails.
    pub fn covers(&self, facts: &Facts, column: Column, broker: BrokerId) -> bool {
        let fails = |id: BrokerId| self.failing.contains(&id);
        let has_lost_log = |id: BrokerId| fails(id) || self.storage_failed.contains(&id);
        match (column, facts.replicated.get(&broker)) {
            (Column::Replicated, Some(partition)) => {
                partition.waited_for().any(has_lost_log)
                    || partition.leader.is_some_and(|leader| facts.cut_off.contains_key(&leader))
            }
            (Column::Replicated, None) | (Column::Write | Column::Fetch, _) => has_lost_log(broker),
            (Column::Metadata | Column::Connect, _) => fails(broker),
        }
    }

    /// Whether any of these brokers is in the dependencies of a partition's coordinator. What its evidence says of brokers in doubt
    /// is not repeated here.
    pub fn covers_coordinator(&self, partition: &CoordinatorEvidence) -> bool {
        of_coordinator(partition).any(|id| self.failing.contains(&id) || self.storage_failed.contains(&id))
    }
}

/// The brokers that the coordinator of a partition depends on.
pub fn of_coordinator(partition: &CoordinatorEvidence) -> impl Iterator<Item = BrokerId> {
    let ReplicaState { leader, replicas, in_sync } = &partition.replicas;
    let lacks_replicas = |fault: Fault| {
        [KafkaError::COORDINATOR_NOT_AVAILABLE, KafkaError::NOT_ENOUGH_REPLICAS].map(Fault::Kafka).contains(&fault)
    };
    let waits_for_all = leader.is_none() || partition.row.is_some_and(|row| lacks_replicas(row.streak.fault));
    leader.iter().chain(if waits_for_all { replicas } else { in_sync }).copied()
}
