//! The write connection of one broker: pinned produce only, since nothing that may wait on anything else can share a
//! connection with a probe that judges this broker (K3).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::ConnectionRole;
use prober_core::ids::{BrokerId, Partition, Sequence};
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

/// One broker's writer.
pub(super) struct Writer {
    shared: Arc<Shared>,
    _connection: ManagedConnection,
    _flusher: Task,
}

struct Shared {
    context: LaneContext,
    state: watch::Receiver<ConnectionState>,
    /// Records that came while the connection was being dialled; none outlives its deadline.
    waiting: Mutex<VecDeque<Waiting>>,
}

struct Waiting {
    record: RecordToSend,
    since: Time,
}

impl Writer {
    pub(super) fn new(dial_options: DialOptions, context: LaneContext, broker: BrokerId) -> Writer {
        let link = ManagedConnection::open(
            dial_options,
            context.overdue_monitor(broker, ConnectionRole::Produce, Duration::ZERO),
            &context.supervisor,
        );
        let supervisor = context.supervisor.clone();
        let shared = Arc::new(Shared { context, state: link.watch(), waiting: Mutex::default() });
        let flusher = supervisor.spawn("writer", flush_on_change(Arc::clone(&shared)));
        Writer { shared, _connection: link, _flusher: flusher }
    }

    /// Sends a record, or lets it wait for the connection that is being dialled.
    pub(super) fn submit(&self, record: RecordToSend) -> Result<Time, SendError> {
        let shared = &self.shared;
        let mut waiting = shared.waiting();
        shared.flush(&mut waiting);
        let now = shared.context.clock.now();
        // The guard on the state must not outlive this match: sending may change the state.
        let state = shared.state.borrow().clone();
        match state {
            ConnectionState::Down(fault) => Err(SendError { at: now, fault }),
            // It would not be read before the throttle is over (KIP-219); a client that goes on is not told apart from a flood.
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
                // It ended, and its keeper has not noticed yet: as good as being dialled.
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

    /// Sends, fails or forgets what waits, by the state of the link.
    fn flush(&self, waiting: &mut VecDeque<Waiting>) {
        let now = self.context.clock.now();
        // Past its deadline it was counted long ago; writing it now would only make it `unacked_but_seen`.
        waiting.retain(|waits| now < waits.since + self.context.deadline);
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

    /// Errors that a fresh connection to the same broker would meet again.
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
                        // What was sent before this was known waits behind it.
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
    // The link was dropped; so is this task, by the same owner.
    std::future::pending::<()>().await;
}
