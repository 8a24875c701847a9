//! `transaction`: one transaction that is committed and one that is aborted, at the coordinator of a transactional id; the
//! records go to the pinned partition of the same broker. A reader of committed records must see the first and never the
//! second.
//!
//! Nothing of it holds back the readers of the topic for longer than the transaction time-out: an attempt that is given
//! up leaves its producer behind, and the next one of that id, which goes before all others, takes a new one, by which
//! the coordinator aborts what is open.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use prober_core::coordinator::Prefix;
use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Partition, Probe, Sequence};
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;
use prober_probes::port::ProbeResponse;
use prober_probes::record::{self, Identity};

use super::Context;
use super::coordinators::{Coordinated, Coordinating, Coordinators, tell_twin};
use super::exchange::{Exchange, Seen};
use super::known::Known;
use super::line::Lines;
use super::scout::{Scouted, TRANSACTIONS};
use super::seat::{Place, Seat, Writer};

/// After this the coordinator aborts a transaction itself.
pub(super) const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(15);

/// Whoever was fenced leaves the id alone for so long: two probers of one name must not fight.
const REST: Duration = Duration::from_secs(60);

/// Writes in transactions, and reads back.
pub(super) struct Transaction {
    context: Context,
    lines: Lines,
    known: Known,
    pinned: Arc<str>,
    identity: Identity,
    coordinators: Coordinators,
    /// One transaction at a time for each broker.
    gates: Mutex<BTreeMap<BrokerId, Gate>>,
    seats: Mutex<BTreeMap<Partition, SharedSeat>>,
    ids: Mutex<BTreeMap<Partition, Condition>>,
    written: AtomicU64,
}

type Gate = Arc<tokio::sync::Mutex<()>>;
type SharedSeat = Arc<tokio::sync::Mutex<Seat>>;

/// Why an id is not like the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    /// A transaction of it was begun then, and may be open.
    Open(Time),
    /// It was fenced, and rests until then.
    Resting(Time),
}

impl Transaction {
    pub(super) fn new(told: Coordinating) -> Transaction {
        let Coordinating { context, rests, lines, known, hint, pinned, namespace, identity, .. } = told;
        let prefix = Prefix::of_transactions(&namespace);
        let coordinators = Coordinators::new(Probe::Transaction, TRANSACTIONS, prefix, context.clone(), rests, hint);
        Transaction {
            context,
            lines,
            known,
            pinned,
            identity,
            coordinators,
            gates: Mutex::default(),
            seats: Mutex::default(),
            ids: Mutex::default(),
            written: AtomicU64::new(0),
        }
    }

    pub(super) async fn ask(&self, broker: BrokerId, scouted: &Scouted, within: Duration) -> ProbeResponse {
        let mut hint = self.coordinators.hint_on_silence();
        let answer = match self.attempt(broker, scouted, within).await {
            Ok((sent, at)) => ProbeResponse { sent: Some(sent), at, result: Ok(()) },
            Err(fault) => self.context.refused(fault),
        };
        hint.ended(answer.result);
        if answer.result.is_ok() {
            self.coordinators.permitted();
        }
        answer
    }

    /// When the first transaction began, and when the second one was read back.
    async fn attempt(&self, broker: BrokerId, scouted: &Scouted, within: Duration) -> Result<(Time, Time), Fault> {
        let gate = self.gate(broker);
        let _gate = gate.lock().await;
        let place = self.place(broker, scouted).ok_or(Fault::NoPartition)?;
        let coordinated = self.choose(broker, scouted)?;
        let seat = self.seat(coordinated.partition);
        let mut seat = seat.lock().await;
        let connection = self.lines.to(broker).await?;
        let exchange =
            Exchange::new(self.context.clock, connection, Arc::clone(&coordinated.id), place.clone(), within);
        let done = self.exchange(broker, &exchange, &coordinated, &mut seat, &place).await;
        if let Err(Fault::Kafka(error)) = done
            && error.is_fencing()
        {
            self.fenced(&coordinated, &mut seat);
        }
        done
    }

    /// A future that is dropped at any of its waits leaves the seat without a writer and, once a transaction may be open,
    /// the id marked for whoever comes next.
    async fn exchange(
        &self,
        broker: BrokerId,
        exchange: &Exchange,
        coordinated: &Coordinated,
        seat: &mut Seat,
        place: &Place,
    ) -> Result<(Time, Time), Fault> {
        let partition = coordinated.partition;
        let checked = |code| self.coordinators.answered(broker, partition, code);
        let mut writer = match seat.take(place) {
            Some(writer) => writer,
            None => {
                seat.asked();
                let initialized = exchange.initialize(TRANSACTION_TIMEOUT).await?;
                seat.heard();
                checked(initialized.error)?;
                self.set(partition, None);
                Writer::new(initialized.producer, place.clone())
            }
        };
        let sent = self.context.clock.now();
        for commit in [true, false] {
            self.set(partition, Some(Condition::Open(self.context.clock.now())));
            let value = self.record(place.partition);
            let written = exchange.transact(&mut writer, value.clone(), commit, &checked).await?;
            self.set(partition, None);
            let (seen, at) = exchange.read_committed(written, &value).await?;
            match (commit, seen) {
                (true, Seen::No) => return Err(Fault::Mismatch),
                (false, Seen::Yes) => return Err(Fault::AbortedSeen),
                (true, Seen::Yes) => {}
                (false, Seen::No) => {
                    seat.put_back(writer);
                    return Ok((sent, at));
                }
            }
        }
        Err(Fault::Mismatch)
    }

    /// Somebody else took the id over; unless the coordinator did, when our transaction had timed out, or a question of
    /// our own that was given up has reached it after all.
    fn fenced(&self, coordinated: &Coordinated, seat: &mut Seat) {
        let now = self.context.clock.now();
        let begun = self.ids().get(&coordinated.partition).copied();
        let timed_out = matches!(begun, Some(Condition::Open(begun)) if TRANSACTION_TIMEOUT <= now.since(begun));
        if timed_out || seat.take_stray() {
            return;
        }
        self.set(coordinated.partition, Some(Condition::Resting(now + REST)));
        tell_twin(&self.context, format!("another process took over transactional id {}", coordinated.id));
    }

    /// What is left open first, then each in its turn, those that rest left out.
    fn choose(&self, broker: BrokerId, scouted: &Scouted) -> Result<Coordinated, Fault> {
        let now = self.context.clock.now();
        let ids = self.ids().clone();
        // Later the coordinator has aborted it by itself, and a sick one must not take the others' turns.
        let open = |partition| matches!(ids.get(&partition), Some(Condition::Open(begun)) if now.since(*begun) < TRANSACTION_TIMEOUT);
        let free = |partition| !matches!(ids.get(&partition), Some(Condition::Resting(until)) if now < *until);
        self.coordinators.next(broker, scouted, open, free, Fault::Kafka(KafkaError::PRODUCER_FENCED))
    }

    /// The pinned partition of the broker, once it is known to be ours.
    fn place(&self, broker: BrokerId, scouted: &Scouted) -> Option<Place> {
        let (_, partition) = scouted.pinned(&self.pinned).find(|(id, _)| *id == broker)?;
        self.known.end_of(partition)?;
        let topic_id = scouted.topics.get(&self.pinned)?.id;
        Some(Place { topic: Arc::clone(&self.pinned), topic_id, partition })
    }

    fn record(&self, partition: Partition) -> Bytes {
        let sequence = Sequence(self.written.fetch_add(1, Ordering::Relaxed));
        record::encode_transaction(self.identity, partition, sequence, self.context.clock.wall()).into()
    }

    fn gate(&self, broker: BrokerId) -> Gate {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(broker).or_default())
    }

    fn seat(&self, partition: Partition) -> SharedSeat {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(seats.entry(partition).or_default())
    }

    fn set(&self, partition: Partition, condition: Option<Condition>) {
        match condition {
            Some(condition) => self.ids().insert(partition, condition),
            None => self.ids().remove(&partition),
        };
    }

    fn ids(&self) -> MutexGuard<'_, BTreeMap<Partition, Condition>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
