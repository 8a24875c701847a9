//! Writes the records of one partition, on a connection that carries only the produce requests of the pinned lane
//! (docs/kafka-facts.md K3).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, ConnectionRole, Partition, Sequence};
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;
use prober_core::track::Written;
use prober_probes::port::{LaneInput, RecordToSend, SendError};
use tokio::sync::watch;

use crate::kafka::lanes::topic::LaneContext;
use crate::kafka::session::dial_options::DialOptions;
use crate::kafka::session::fault;
use crate::kafka::session::managed_connection::{ConnectionState, ManagedConnection};
use crate::kafka::wire::{Acks, Call, Connection, Produce, Produced, WireError};
use crate::supervisor::Task;

/// The writer of one partition; dropping it stops it.
pub(super) struct Writer {
    shared: Arc<Shared>,
    _connection: ManagedConnection,
    _flusher: Task,
}

struct Shared {
    context: LaneContext,
    state: watch::Receiver<ConnectionState>,
    /// Records that arrived while the connection was being dialled; each is dropped at its deadline.
    waiting: Mutex<VecDeque<Waiting>>,
}

struct Waiting {
    record: RecordToSend,
    since: Time,
}

impl Writer {
    pub(super) fn new(dial_options: DialOptions, context: LaneContext, broker: BrokerId) -> Writer {
        let connection = ManagedConnection::open(
            dial_options,
            context.overdue_monitor(broker, ConnectionRole::Produce, Duration::ZERO),
            &context.supervisor,
        );
        let supervisor = context.supervisor.clone();
        let shared = Arc::new(Shared { context, state: connection.watch(), waiting: Mutex::default() });
        let flusher = supervisor.spawn("writer", flush_on_change(Arc::clone(&shared)));
        Writer { shared, _connection: connection, _flusher: flusher }
    }

    /// Sends a record, or queues it while the connection is being dialled.
    pub(super) fn submit(&self, record: RecordToSend) -> Result<Time, SendError> {
        let shared = &self.shared;
        let mut waiting = shared.waiting();
        shared.flush(&mut waiting);
        let now = shared.context.clock.now();
        // Cloned, because sending may change the state while this match holds its lock.
        let state = shared.state.borrow().clone();
        match state {
            ConnectionState::Down(fault) => Err(SendError { at: now, fault }),
            // The broker does not read from a throttled connection until the throttle ends (KIP-219).
            ConnectionState::Up(connection) if connection.is_throttled() => {
                Err(SendError { at: now, fault: Fault::Quota })
            }
            ConnectionState::Up(connection) if waiting.is_empty() => match shared.call(&connection, &record) {
                Ok(call) => {
                    let sent = shared.context.clock.at(call.sent());
                    shared.await_ack(record.partition, record.sequence, call);
                    Ok(sent)
                }
                Err(WireError::Backlog { .. }) => Err(SendError { at: now, fault: Fault::QueueFull }),
                Err(error) if shared.is_permanent(&error) => Err(SendError { at: now, fault: fault::of(&error) }),
                // It ended, and the managed connection has not noticed yet: the record waits for the next one.
                Err(_) => Ok(shared.wait(&mut waiting, record, now)),
            },
            ConnectionState::Up(_) | ConnectionState::Connecting => Ok(shared.wait(&mut waiting, record, now)),
        }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, waiting: &mut VecDeque<Waiting>, record: RecordToSend, since: Time) -> Time {
        waiting.push_back(Waiting { record, since });
        since
    }

    /// Sends or fails the waiting records, by the state of the connection, and drops those past their deadline.
    fn flush(&self, waiting: &mut VecDeque<Waiting>) {
        let now = self.context.clock.now();
        // Past its deadline the attempt is counted already; writing the record would only make it `unacked_but_seen`.
        waiting.retain(|waiting| now < waiting.since + self.context.deadline);
        let state = self.state.borrow().clone();
        match state {
            ConnectionState::Connecting => {}
            ConnectionState::Down(fault) => {
                for waits in waiting.drain(..) {
                    self.fail(waits.record.partition, waits.record.sequence, now, fault, Written::No);
                }
            }
            ConnectionState::Up(connection) => {
                while let Some(waits) = waiting.pop_front() {
                    match self.call(&connection, &waits.record) {
                        Ok(call) => self.await_ack(waits.record.partition, waits.record.sequence, call),
                        Err(error) if self.is_permanent(&error) => {
                            let fault = fault::of(&error);
                            self.fail(waits.record.partition, waits.record.sequence, now, fault, Written::No);
                        }
                        Err(_) => {
                            waiting.push_front(waits);
                            return;
                        }
                    }
                }
            }
        }
    }

    /// Whether a fresh connection to the same broker would fail in the same way.
    fn is_permanent(&self, error: &WireError) -> bool {
        matches!(error, WireError::UnsupportedVersion { .. } | WireError::Unencodable { .. })
    }

    fn call(&self, connection: &Connection, record: &RecordToSend) -> Result<Call<Produced>, WireError> {
        connection.call(Produce {
            topic: Arc::clone(&self.context.topic),
            partition: record.partition.0,
            value: record.value.clone().into(),
            timestamp_ms: record.due.as_millis(),
            acks: Acks::Leader,
            timeout: self.context.deadline,
            transaction: None,
        })
    }

    fn await_ack(&self, partition: Partition, sequence: Sequence, call: Call<Produced>) {
        let context = self.context.clone();
        self.context.supervisor.spawn_brief("ack", async move {
            let answer = call.await;
            let (at, result) = match answer {
                Ok(reply) => {
                    let at = context.clock.at(reply.at);
                    if !reply.throttle.is_zero() {
                        // Records that were sent before this response wait until the throttle ends.
                        context.emit(LaneInput::Refuses { partition, at, fault: Some(Fault::Quota) });
                    }
                    match KafkaError::of(reply.body.error) {
                        None => (at, Ok(reply.body.base_offset)),
                        Some(error) => {
                            if fault::is_stale_metadata(error) {
                                context.stale.notify_one();
                            }
                            (at, Err((Fault::Kafka(error), fault::written(error))))
                        }
                    }
                }
                Err(error) => (context.clock.now(), Err((fault::of(&error), Written::Maybe))),
            };
            context.emit(match result {
                Ok(offset) => LaneInput::Acked { partition, sequence, at, offset },
                Err((fault, written)) => LaneInput::Failed { partition, sequence, at, fault, written },
            });
        });
    }

    fn fail(&self, partition: Partition, sequence: Sequence, at: Time, fault: Fault, written: Written) {
        self.context.emit(LaneInput::Failed { partition, sequence, at, fault, written });
    }
}

async fn flush_on_change(shared: Arc<Shared>) {
    let mut state = shared.state.clone();
    while state.changed().await.is_ok() {
        state.mark_unchanged();
        shared.flush(&mut shared.waiting());
    }
    // The connection was dropped; its owner aborts this task too.
    std::future::pending::<()>().await;
}
