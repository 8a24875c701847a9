//! The writer and reader of each partition: started and stopped as partitions and addresses change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Partition};
use prober_core::time::Time;
use prober_core::topology::{TopicSeen, Topology};
use prober_probes::clock::Clock;
use prober_probes::port::{RecordToSend, SendError};

use crate::kafka::lanes::topic::ownership::Ownership;
use crate::kafka::lanes::topic::{LaneContext, TopicHandler};

use super::reader::Reader;
use super::writer::Writer;

/// The workers of each partition. Clones share the state.
#[derive(Clone)]
pub(super) struct WorkerTable {
    clock: Clock,
    by_partition: Arc<Mutex<BTreeMap<Partition, PartitionWorkers>>>,
}

/// The workers of one partition.
enum PartitionWorkers {
    /// A writer and a reader at its broker.
    Running { assignment: Assignment, writer: Box<Writer>, _reader: Box<Reader> },
    /// The broker is known only from a replica list; its address is unknown.
    NoAddress,
}

/// The broker of a partition, and its address.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Assignment {
    broker: BrokerId,
    address: Arc<str>,
}

impl WorkerTable {
    pub(super) fn new(clock: Clock) -> WorkerTable {
        WorkerTable { clock, by_partition: Arc::default() }
    }

    /// Sends a record by the writer of its partition.
    pub(super) fn submit(&self, record: RecordToSend) -> Result<Time, SendError> {
        match self.lock().get(&record.partition) {
            Some(PartitionWorkers::Running { writer, .. }) => writer.submit(record),
            Some(PartitionWorkers::NoAddress) => Err(SendError { at: self.clock.now(), fault: Fault::NoAddress }),
            None => Err(SendError { at: self.clock.now(), fault: Fault::NoPartition }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Partition, PartitionWorkers>> {
        self.by_partition.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts and stops workers by the layout of the topic.
pub(super) struct WorkerAssigner {
    workers: WorkerTable,
    context: LaneContext,
    fetch_max_wait: Duration,
}

impl WorkerAssigner {
    pub(super) fn new(workers: WorkerTable, context: LaneContext, fetch_max_wait: Duration) -> WorkerAssigner {
        WorkerAssigner { workers, context, fetch_max_wait }
    }

    fn start_workers(
        &self,
        partition: Partition,
        assignment: Assignment,
        topic_id: Option<[u8; 16]>,
        ownership: &Ownership,
    ) -> PartitionWorkers {
        let (broker, address) = (assignment.broker.0, &*assignment.address);
        tracing::info!(broker, address, partition = partition.0, "probing broker");
        let idle_timeout = self.context.deadline;
        let writing = self.context.dial_options(Arc::clone(&assignment.address), idle_timeout);
        // The broker may hold a long poll for its whole wait before the response is due.
        let reading = self.context.dial_options(Arc::clone(&assignment.address), idle_timeout + self.fetch_max_wait);
        let (context, ownership) = (self.context.clone(), ownership.clone());
        let reader =
            Reader::new(reading, context, assignment.broker, ownership, partition, topic_id, self.fetch_max_wait);
        let writer = Writer::new(writing, self.context.clone(), assignment.broker);
        PartitionWorkers::Running { assignment, writer: Box::new(writer), _reader: Box::new(reader) }
    }
}

impl TopicHandler for WorkerAssigner {
    /// A partition whose broker and address are unchanged keeps its connections and its read position.
    fn on_layout(&mut self, topology: &Topology, topic: &TopicSeen, ownership: &Ownership) {
        let assignments = assignments(topology, topic);
        let mut by_partition = self.workers.lock();
        by_partition.retain(|partition, workers| {
            let wanted = assignments.get(partition).and_then(Option::as_ref);
            matches!((workers, wanted), (PartitionWorkers::Running { assignment, .. }, Some(wanted)) if *assignment == *wanted)
        });
        for (partition, assignment) in assignments {
            by_partition.entry(partition).or_insert_with(|| match assignment {
                None => PartitionWorkers::NoAddress,
                Some(assignment) => self.start_workers(partition, assignment, topic.id, ownership),
            });
        }
    }

    fn on_gone(&mut self) {
        self.workers.lock().clear();
    }
}

/// The broker of each partition's one replica, at its last known address; `None` if that is unknown.
fn assignments(topology: &Topology, topic: &TopicSeen) -> BTreeMap<Partition, Option<Assignment>> {
    topic
        .partitions
        .iter()
        .filter_map(|seen| {
            let broker = *seen.replicas.first()?;
            let address = topology.brokers.get(&broker).and_then(|seen| seen.address.as_ref());
            let assignment = address.map(|address| Assignment { broker, address: Arc::from(address.to_string()) });
            Some((seen.partition, assignment))
        })
        .collect()
}
