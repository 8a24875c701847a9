//! What can fail in the simulated cluster.

use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::{BrokerId, Partition};
use prober_core::kafka_error::KafkaError;

use crate::port::ClusterClient;

use super::{Broker, LATENCY, Process, SimCluster, metadata};

/// The requests that can be refused and are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// A fresh connection.
    Dial,
    /// Fetch.
    Fetch,
    /// ListOffsets.
    ListOffset,
    /// Metadata.
    Metadata,
    /// OffsetCommit.
    CommitOffset,
    /// OffsetFetch.
    FetchOffset,
    /// InitProducerId.
    InitProducerId,
    /// AddPartitionsToTxn.
    AddPartitionsToTxn,
    /// Produce.
    Produce,
    /// EndTxn.
    EndTxn,
    /// CreateTopics.
    CreateTopics,
    /// DeleteTopics.
    DeleteTopics,
}

impl SimCluster {
    /// SIGSTOP: the broker takes connections and requests, and answers nothing.
    pub fn freeze(&self, broker: i32) {
        self.set(broker, |broker| broker.process = Process::Frozen);
    }

    /// SIGCONT: the broker answers what it has taken.
    pub fn thaw(&self, broker: i32) {
        self.set(broker, |broker| broker.process = Process::Running);
    }

    /// SIGKILL: the broker refuses connections.
    pub fn kill(&self, broker: i32) {
        self.set(broker, |broker| broker.process = Process::Down);
    }

    /// Starts a broker that was killed.
    pub fn start(&self, broker: i32) {
        self.thaw(broker);
    }

    /// Responses take this long.
    pub fn slow(&self, broker: i32, latency: Duration) {
        self.set(broker, |broker| broker.latency = latency);
    }

    /// Responses take [`LATENCY`] again.
    pub fn speed_up(&self, broker: i32) {
        self.slow(broker, LATENCY);
    }

    /// The broker refuses these requests with this error.
    pub fn refuse(&self, broker: i32, verb: Verb, error: KafkaError) {
        self.set(broker, |broker| {
            broker.refusals.insert(verb, error);
        });
    }

    /// The broker serves these requests again.
    pub fn accept(&self, broker: i32, verb: Verb) {
        self.set(broker, |broker| {
            broker.refusals.remove(&verb);
        });
    }

    /// The broker keeps showing its current metadata, whatever changes.
    pub fn isolate_from_controllers(&self, broker: i32) {
        let digest = metadata::digest(&self.lock(), BrokerId(broker));
        self.set(broker, |broker| broker.digest = Some(digest));
    }

    /// The broker shows the cluster's metadata again.
    pub fn rejoin(&self, broker: i32) {
        self.set(broker, |broker| broker.digest = None);
    }

    /// Whether requests that this broker forwards reach the controller.
    pub fn set_forwarding(&self, broker: i32, forwards: bool) {
        self.set(broker, |broker| broker.forwards = forwards);
    }

    /// Whether the controller answers.
    pub fn set_controller_answers(&self, answers: bool) {
        self.lock().controller_answers = answers;
        self.changed.notify_waiters();
    }

    /// Another broker leads this partition of the internal topics, which the metadata show when they are refreshed.
    pub fn move_coordinator(&self, partition: i32, to: i32) {
        let index = usize::try_from(partition).unwrap_or(usize::MAX);
        if let Some(coordinator) = self.lock().coordinators.get_mut(index) {
            *coordinator = BrokerId(to);
        }
    }

    /// The internal topics have this many partitions, spread over the brokers in the order of their ids.
    pub fn set_coordinated(&self, partitions: usize) {
        {
            let mut state = self.lock();
            state.coordinators = state.brokers.keys().copied().cycle().take(partitions).collect();
        }
        self.refresh_metadata();
    }

    /// Whether the coordinator is loading this partition of the internal topics.
    pub fn set_loading(&self, partition: i32, loading: bool) {
        let mut state = self.lock();
        if loading {
            state.loading.insert(Partition(partition));
        } else {
            state.loading.remove(&Partition(partition));
        }
    }

    /// Whether the prober may describe this topic; metadata show it at once.
    pub fn set_may_describe(&self, topic: &str, may: bool) {
        if may {
            self.lock().unauthorized_topics.remove(topic);
        } else {
            self.lock().unauthorized_topics.insert(Arc::from(topic));
        }
        self.refresh_metadata();
    }

    /// Whether commits are acknowledged and not stored.
    pub fn set_lose_commits(&self, lose: bool) {
        self.lock().lose_commits = lose;
    }

    /// Whether readers of committed records are shown aborted ones.
    pub fn set_show_aborted(&self, show: bool) {
        self.lock().show_aborted = show;
    }

    /// Another process commits offset 0 for every group that exists.
    pub fn commit_as_another_process(&self) {
        for committed in self.lock().groups.values_mut() {
            *committed = (0, "another process".to_owned());
        }
    }

    /// Another process takes over every transactional id that exists.
    pub fn fence_transactional_ids(&self) {
        let state = &mut *self.lock();
        for id in state.transactions.ids() {
            state.transactions.init(id, Duration::from_secs(60), &mut state.logs);
        }
    }

    /// The number of groups with a committed offset.
    pub fn groups(&self) -> usize {
        self.lock().groups.len()
    }

    /// The number of open transactions.
    pub fn open_transactions(&self) -> usize {
        self.lock().transactions.open()
    }

    /// Retention deletes everything in a broker's pinned partition, and new records follow.
    pub fn delete_records(&self, broker: i32) {
        if let Some(log) = self.lock().logs.get_mut(&Partition(broker - 1)) {
            log.delete_all();
            log.append(b"a newer record");
        }
    }

    /// The newest record of a broker's pinned partition is damaged on its disk.
    pub fn damage_newest_record(&self, broker: i32) {
        if let Some(log) = self.lock().logs.get_mut(&Partition(broker - 1)) {
            log.delete_all();
            log.append_damaged();
        }
    }

    /// Whether a topic exists.
    pub fn topic_exists(&self, topic: &str) -> bool {
        self.lock().topics.contains(topic)
    }

    fn set(&self, broker: i32, change: impl FnOnce(&mut Broker)) {
        if let Some(broker) = self.lock().brokers.get_mut(&BrokerId(broker)) {
            change(broker);
        }
        self.changed.notify_waiters();
    }
}
