//! The reader of one partition: a long-poll fetch loop on a connection of its own, from an explicit offset, without a
//! consumer group.

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

/// The leader of a partition that has just come back answers with errors for a moment: ask again soon.
const PAUSE_ON_ERROR: Duration = Duration::from_millis(100);

/// One partition's reader; dropping it ends it.
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
        let link = ManagedConnection::open(
            dial_options,
            context.overdue_monitor(broker, ConnectionRole::Fetch, max_wait),
            &context.supervisor,
        );
        let supervisor = context.supervisor.clone();
        let reading = Reading { context, partition, topic_id, max_wait };
        let task = supervisor.spawn("reader", reading.run(ownership, link.watch()));
        Reader { _connection: link, _task: task }
    }
}

/// The reader at work.
struct Reading {
    context: LaneContext,
    partition: Partition,
    topic_id: Option<[u8; 16]>,
    max_wait: Duration,
}

impl Reading {
    async fn run(self, ownership: Ownership, mut link: watch::Receiver<ConnectionState>) {
        let mut offset = read_position::initial(&self.context, &ownership, self.partition, self.topic_id).await;
        self.stand_at(offset, false);
        loop {
            let connection = wait_until_up(&mut link).await;
            match self.context.fetch(&connection, self.partition, self.topic_id, offset, self.max_wait).await {
                Ok(fetched) => offset = self.take(offset, fetched).await,
                Err(_) => {
                    // The link dials again; until it has noticed, asking the ended connection would spin.
                    if connection.is_closed().is_none() {
                        tokio::time::sleep(PAUSE_ON_ERROR).await;
                    } else {
                        let _ = link.changed().await;
                    }
                }
            }
        }
    }

    /// Reports what an answer holds, and returns where to go on.
    async fn take(&self, offset: i64, fetched: (Fetched, Time)) -> i64 {
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
                self.stand_at(offset, true);
                offset
            }
            Some(error) => {
                if fault::is_stale_metadata(error) {
                    self.context.stale.notify_one();
                }
                tokio::time::sleep(PAUSE_ON_ERROR).await;
                offset
            }
        }
    }

    fn stand_at(&self, offset: i64, reset: bool) {
        let at = self.context.clock.now();
        self.context.emit(LaneInput::Position { partition: self.partition, at, offset, reset });
    }
}
