//! `transaction`: commits one transaction and aborts one, at the coordinator of a transactional id; the records go to the
//! pinned partition of the same broker. A reader of committed records must see the first and never the second.
//!
//! No transaction of the prober holds back the readers of the topic for longer than the transaction time-out: an attempt
//! that is given up loses its producer, and the next attempt with that id, which goes before all others, requests a new
//! one, whereupon the coordinator aborts what is open.

mod producer_slot;
mod session;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use prober_core::coordinator::{InternalTopic, Prefix};
use prober_core::fault::Fault;
use prober_core::ids::{Broker, BrokerId, Partition, Sequence};
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;

use crate::coordinators::{CoordinatedId, Coordinators, Turn};
use crate::direct::context::ProbeContext;
use crate::direct::probe::{Attempt, DirectProbe};
use crate::port::{MetadataSnapshot, Pool, ProbeResponse};
use crate::record;

use producer_slot::{IdleProducer, ProducerSlot, WritePartition};
use session::{TransactionSession, Visibility};

/// After this time without an end the coordinator aborts a transaction itself.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(15);

/// A transactional id that another process fenced is not used for this long: two probers of one vantage name must not
/// fence each other all the time.
const FENCED_PAUSE: Duration = Duration::from_secs(60);

/// The `transaction` probe of a cluster.
pub struct TransactionProbe {
    context: ProbeContext,
    coordinators: Coordinators,
    /// One transaction at a time for each broker.
    gates: Mutex<BTreeMap<BrokerId, Gate>>,
    slots: Mutex<BTreeMap<Partition, SharedSlot>>,
    conditions: Mutex<BTreeMap<Partition, Condition>>,
    records_written: AtomicU64,
}

type Gate = Arc<tokio::sync::Mutex<()>>;
type SharedSlot = Arc<tokio::sync::Mutex<ProducerSlot>>;

/// Why a transactional id is not chosen in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    /// A transaction of it was begun at this time, and may be open.
    Open(Time),
    /// Another process fenced it; it is not used until this time.
    Paused(Time),
}

impl TransactionProbe {
    /// The probe.
    pub fn new(context: &ProbeContext) -> TransactionProbe {
        let prefix = Prefix::of_transactions(&context.settings.namespace);
        TransactionProbe {
            context: context.clone(),
            coordinators: Coordinators::new(InternalTopic::TransactionState, prefix, context.clone()),
            gates: Mutex::default(),
            slots: Mutex::default(),
            conditions: Mutex::default(),
            records_written: AtomicU64::new(0),
        }
    }

    /// Returns when the first transaction began, and when the second one was read back.
    async fn run(
        &self,
        turn: &Turn<'_>,
        broker: BrokerId,
        metadata: &MetadataSnapshot,
        within: Duration,
    ) -> Result<(Time, Time), Fault> {
        let gate = self.gate(broker);
        let _gate = gate.lock().await;
        let partition = self.write_partition(broker, metadata).ok_or(Fault::NoPartition)?;
        let coordinated = self.choose(turn, broker, metadata)?;
        let slot = self.slot(coordinated.partition);
        let mut slot = slot.lock().await;
        let session = TransactionSession {
            clock: self.context.clock,
            connection: self.context.cluster.connection(broker, Pool::Transaction).await?,
            transactional_id: Arc::clone(&coordinated.id),
            partition,
            within,
        };
        let done = self.commit_and_abort(broker, &session, &coordinated, &mut slot).await;
        if let Err(Fault::Kafka(error)) = done
            && error.is_fencing()
        {
            self.on_fenced(&coordinated, &mut slot);
        }
        done
    }

    /// If this future is dropped while it waits, the slot is left without a producer, and the id is marked as open as soon
    /// as a transaction may be.
    async fn commit_and_abort(
        &self,
        broker: BrokerId,
        session: &TransactionSession,
        coordinated: &CoordinatedId,
        slot: &mut ProducerSlot,
    ) -> Result<(Time, Time), Fault> {
        let id = coordinated.partition;
        let on_response = |error| self.coordinators.on_response(broker, id, error);
        let mut producer = match slot.take(&session.partition) {
            Some(producer) => producer,
            None => {
                slot.on_request();
                let initialized = session.init_producer(TRANSACTION_TIMEOUT).await?;
                slot.on_response();
                on_response(initialized.error)?;
                self.set(id, None);
                IdleProducer::new(initialized.producer, session.partition.clone())
            }
        };
        let sent = self.context.clock.now();
        for commit in [true, false] {
            self.set(id, Some(Condition::Open(self.context.clock.now())));
            let value = self.record(session.partition.partition);
            let offset = session.run(&mut producer, value.clone(), commit, &on_response).await?;
            self.set(id, None);
            let (visibility, at) = session.read_committed(offset, &value).await?;
            match (commit, visibility) {
                (true, Visibility::Hidden) => return Err(Fault::Mismatch),
                (false, Visibility::Visible) => return Err(Fault::AbortedSeen),
                (true, Visibility::Visible) => {}
                (false, Visibility::Hidden) => {
                    slot.put_back(producer);
                    return Ok((sent, at));
                }
            }
        }
        Err(Fault::Mismatch)
    }

    /// Another process uses the transactional id, unless this prober explains the fencing: its transaction timed out, or an
    /// InitProducerId request of an attempt that was given up reached the coordinator late.
    fn on_fenced(&self, coordinated: &CoordinatedId, slot: &mut ProducerSlot) {
        let now = self.context.clock.now();
        let condition = self.conditions().get(&coordinated.partition).copied();
        let timed_out = matches!(condition, Some(Condition::Open(begun)) if TRANSACTION_TIMEOUT <= now.since(begun));
        if timed_out || slot.take_unanswered() {
            return;
        }
        self.set(coordinated.partition, Some(Condition::Paused(now + FENCED_PAUSE)));
        self.context.report_duplicate_vantage(format!("another process took over transactional id {}", coordinated.id));
    }

    /// Ids with an open transaction first, then each in turn, without those that pause.
    fn choose(&self, turn: &Turn<'_>, broker: BrokerId, metadata: &MetadataSnapshot) -> Result<CoordinatedId, Fault> {
        let now = self.context.clock.now();
        let conditions = self.conditions().clone();
        // After the time-out the coordinator has aborted it, and a failing coordinator must not take the others' turns.
        let is_open =
            |id| matches!(conditions.get(&id), Some(Condition::Open(begun)) if now.since(*begun) < TRANSACTION_TIMEOUT);
        let is_free = |id| !matches!(conditions.get(&id), Some(Condition::Paused(until)) if now < *until);
        turn.choose(broker, metadata, is_open, is_free, Fault::Kafka(KafkaError::PRODUCER_FENCED))
    }

    /// The pinned partition of the broker, once it is known to be the prober's own.
    fn write_partition(&self, broker: BrokerId, metadata: &MetadataSnapshot) -> Option<WritePartition> {
        let pinned = &self.context.settings.pinned;
        let partition = metadata.pinned_partition(pinned, broker)?;
        self.context.log_end_offsets.of(partition)?;
        let topic_id = metadata.topics.get(pinned)?.id;
        Some(WritePartition { topic: Arc::clone(pinned), topic_id, partition })
    }

    fn record(&self, partition: Partition) -> Bytes {
        let sequence = Sequence(self.records_written.fetch_add(1, Ordering::Relaxed));
        let identity = self.context.settings.identity;
        record::encode_transaction(identity, partition, sequence, self.context.clock.wall()).into()
    }

    fn gate(&self, broker: BrokerId) -> Gate {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(broker).or_default())
    }

    fn slot(&self, id: Partition) -> SharedSlot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(id).or_default())
    }

    fn set(&self, id: Partition, condition: Option<Condition>) {
        match condition {
            Some(condition) => self.conditions().insert(id, condition),
            None => self.conditions().remove(&id),
        };
    }

    fn conditions(&self) -> MutexGuard<'_, BTreeMap<Partition, Condition>> {
        self.conditions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DirectProbe for TransactionProbe {
    async fn attempt(self: Arc<Self>, attempt: Attempt) -> ProbeResponse {
        let Some(broker) = attempt.broker.id() else { return self.context.failed(Fault::NoPartition) };
        let turn = self.coordinators.turn(attempt.id);
        let result = self.run(&turn, broker, &attempt.metadata, attempt.within).await;
        turn.end(result)
    }

    fn targets(&self, metadata: &MetadataSnapshot) -> BTreeSet<Broker> {
        let coordinators = self.coordinators.brokers(metadata);
        let writable = self.context.known_pinned_brokers(metadata);
        writable.filter(|broker| coordinators.contains(broker)).map(Broker::Id).collect()
    }

    fn internal_topic(&self) -> Option<&'static str> {
        Some(self.coordinators.topic().as_str())
    }
}
