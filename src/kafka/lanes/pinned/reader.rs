//! Reads one partition: a loop of long-poll fetches on a connection of its own, from an explicit offset, without a consumer
//! group.

use std::time::Duration;

use prober_core::ids::ConnectionRole;
use prober_core::ids::{BrokerId, Partition};
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;
use prober_probes::port::LaneInput;
use tokio::sync::watch;

use crate::kafka::lanes::topic::ownership::Ownership;
use crate::kafka::lanes::topic::{LaneContext, read_position};
use crate::kafka::session::dial_options::DialOptions;
use crate::kafka::session::fault;
use crate::kafka::session::managed_connection::{ConnectionState, ManagedConnection, wait_until_up};
use crate::kafka::wire::Fetched;
use crate::supervisor::Task;

/// The wait after an error. It is short because a leader that has just restarted returns errors for a moment only.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// The reader of one partition; dropping it stops it.
pub(super) struct Reader {
    _connection: ManagedConnection,
    _task: Task,
}

impl Reader {
    pub(super) fn new(
        dial_options: DialOptions,
        context: LaneContext,
        broker: BrokerId,
        ownership: Ownership,
        partition: Partition,
        topic_id: Option<[u8; 16]>,
        max_wait: Duration,
    ) -> Reader {
        let connection = ManagedConnection::open(
            dial_options,
            context.overdue_monitor(broker, ConnectionRole::Fetch, max_wait),
            &context.supervisor,
        );
        let supervisor = context.supervisor.clone();
        let reading = FetchLoop { context, partition, topic_id, max_wait };
        let task = supervisor.spawn("reader", reading.run(ownership, connection.watch()));
        Reader { _connection: connection, _task: task }
    }
}

/// What the task of a reader needs.
struct FetchLoop {
    context: LaneContext,
    partition: Partition,
    topic_id: Option<[u8; 16]>,
    max_wait: Duration,
}

impl FetchLoop {
    async fn run(self, ownership: Ownership, mut state: watch::Receiver<ConnectionState>) {
        let mut offset = read_position::initial(&self.context, &ownership, self.partition, self.topic_id).await;
        self.report_position(offset, false);
        loop {
            let connection = wait_until_up(&mut state).await;
            match self.context.fetch(&connection, self.partition, self.topic_id, offset, self.max_wait).await {
                Ok(fetched) => offset = self.on_response(offset, fetched).await,
                Err(_) => {
                    // The managed connection dials again. Until it has noticed the end, another fetch would fail at once.
                    if connection.is_closed().is_none() {
                        tokio::time::sleep(RETRY_INTERVAL).await;
                    } else {
                        let _ = state.changed().await;
                    }
                }
            }
        }
    }

    /// Reports the content of a response, and returns the offset to go on from.
    async fn on_response(&self, offset: i64, fetched: (Fetched, Time)) -> i64 {
        let (fetched, at) = fetched;
        match KafkaError::of(fetched.error) {
            None => {
                for record in &fetched.records {
                    if let Some(input) = self.context.classify(self.partition, at, record) {
                        self.context.emit(input);
                    }
                }
                if offset < fetched.next_offset {
                    self.context.emit(LaneInput::Passed { partition: self.partition, at, next: fetched.next_offset });
                }
                offset.max(fetched.next_offset)
            }
            Some(KafkaError::OFFSET_OUT_OF_RANGE) => {
                let offset = read_position::after_out_of_range(&self.context, self.partition, offset).await;
                self.report_position(offset, true);
                offset
            }
            Some(error) => {
                if fault::is_stale_metadata(error) {
                    self.context.stale.notify_one();
                }
                tokio::time::sleep(RETRY_INTERVAL).await;
                offset
            }
        }
    }

    fn report_position(&self, offset: i64, reset: bool) {
        let at = self.context.clock.now();
        self.context.emit(LaneInput::Position { partition: self.partition, at, offset, reset });
    }
}
