//! The transaction coordinators of the simulated cluster (KIP-98): producer ids, epochs, and which transactions are open.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::Partition;
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;

use crate::port::requests::{Producer, Transaction};

use super::log::Log;

#[derive(Debug)]
struct Entry {
    producer: Producer,
    timeout: Duration,
    open: Option<(Time, BTreeSet<Partition>)>,
}

/// Every transactional id.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    by_id: BTreeMap<Arc<str>, Entry>,
    next_producer: i64,
}

type Logs = BTreeMap<Partition, Log>;

impl Transactions {
    /// InitProducerId: a higher epoch; what is open is aborted.
    pub(super) fn init(&mut self, id: Arc<str>, timeout: Duration, logs: &mut Logs) -> Producer {
        self.decide(&id, false, logs);
        let next_producer = &mut self.next_producer;
        let entry = self.by_id.entry(id).or_insert_with(|| {
            *next_producer += 1;
            Entry { producer: Producer { id: *next_producer, epoch: -1 }, timeout, open: None }
        });
        entry.producer.epoch += 1;
        entry.timeout = timeout;
        entry.producer
    }

    /// AddPartitionsToTxn.
    pub(super) fn add(&mut self, transaction: &Transaction, partition: Partition, now: Time) -> Option<KafkaError> {
        if let Some(error) = self.fencing(transaction) {
            return Some(error);
        }
        if let Some(entry) = self.by_id.get_mut(&transaction.transactional_id) {
            entry.open.get_or_insert((now, BTreeSet::new())).1.insert(partition);
        }
        None
    }

    /// EndTxn.
    pub(super) fn end(&mut self, transaction: &Transaction, commit: bool, logs: &mut Logs) -> Option<KafkaError> {
        let error = self.fencing(transaction);
        if error.is_none() {
            self.decide(&transaction.transactional_id, commit, logs);
        }
        error
    }

    /// The error for a producer that is not the newest of its id.
    pub(super) fn fencing(&self, transaction: &Transaction) -> Option<KafkaError> {
        let newest = self.by_id.get(&transaction.transactional_id).map(|entry| entry.producer);
        (newest != Some(transaction.producer)).then_some(KafkaError::INVALID_PRODUCER_EPOCH)
    }

    /// Aborts transactions past their time-out, as the coordinator does by itself, with a higher epoch.
    pub(super) fn expire(&mut self, now: Time, logs: &mut Logs) {
        for (id, entry) in &mut self.by_id {
            let expired = entry.open.as_ref().is_some_and(|(begun, _)| entry.timeout <= now.since(*begun));
            if expired && let Some((_, partitions)) = entry.open.take() {
                entry.producer.epoch += 1;
                decide_in(logs, &partitions, id, false);
            }
        }
    }

    /// The ids with an open transaction.
    pub(super) fn open(&self) -> usize {
        self.by_id.values().filter(|entry| entry.open.is_some()).count()
    }

    /// Every id that was ever used.
    pub(super) fn ids(&self) -> Vec<Arc<str>> {
        self.by_id.keys().cloned().collect()
    }

    fn decide(&mut self, id: &str, commit: bool, logs: &mut Logs) {
        if let Some((_, partitions)) = self.by_id.get_mut(id).and_then(|entry| entry.open.take()) {
            decide_in(logs, &partitions, id, commit);
        }
    }
}

fn decide_in(logs: &mut Logs, partitions: &BTreeSet<Partition>, id: &str, commit: bool) {
    for partition in partitions {
        if let Some(log) = logs.get_mut(partition) {
            log.decide(id, commit);
        }
    }
}
