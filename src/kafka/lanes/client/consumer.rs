//! The consumer of all partitions, and the thread that stamps the records that it reads. Partitions are assigned with explicit
//! offsets; no group is joined and no offset is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use prober_core::ids::Partition;
use prober_probes::port::LaneInput;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::watch;

use crate::kafka::lanes::topic::LaneContext;

use super::statistics::{ClientRole, StatsCollector};
use super::{Settings, fault, settings};

/// The time-out of one poll. Records are returned as they arrive; the time-out only limits how late a command is executed.
const POLL: Duration = Duration::from_millis(50);

/// The consumer; dropping it stops its thread.
pub(super) struct SharedConsumer {
    commands: Sender<Command>,
    progress: Progress,
    fetching: watch::Receiver<BTreeSet<Partition>>,
    interruptions: watch::Receiver<u64>,
}

/// What the thread is to do.
enum Command {
    /// Read this partition from this offset on, instead of from its current position.
    Read(Partition, i64),
    /// Read nothing.
    UnassignAll,
}

/// The next offset of each partition that is read.
pub(super) type Progress = Arc<Mutex<BTreeMap<Partition, i64>>>;

impl SharedConsumer {
    /// # Errors
    /// librdkafka could not create the client, or the operating system no thread.
    pub(super) fn start(settings: &Settings, context: &LaneContext) -> Result<SharedConsumer, String> {
        let stats_context = StatsContext { stats: StatsCollector::new(ClientRole::Consumer, context) };
        let config = settings::consumer(settings);
        let consumer: BaseConsumer<StatsContext> =
            config.create_with_context(stats_context).map_err(|error| error.to_string())?;
        let (commands, received) = channel();
        let (interrupted, interruptions) = watch::channel(0);
        let (is_fetching, fetching) = watch::channel(BTreeSet::new());
        let progress = Progress::default();
        let reader =
            Reader { consumer, context: context.clone(), progress: Arc::clone(&progress), is_fetching, interrupted };
        let supervisor = context.supervisor.clone();
        let serve = move || {
            let _watch = supervisor.guard_thread("consumer");
            reader.serve(&received);
        };
        thread::Builder::new().name("consumer".into()).spawn(serve).map_err(|error| error.to_string())?;
        Ok(SharedConsumer { commands, progress, fetching, interruptions })
    }

    /// A handle that sets and follows the position of a partition.
    pub(super) fn handle(&self) -> ConsumerHandle {
        ConsumerHandle {
            commands: self.commands.clone(),
            progress: Arc::clone(&self.progress),
            fetching: self.fetching.clone(),
            interruptions: self.interruptions.clone(),
        }
    }

    /// Stops reading all partitions.
    pub(super) fn unassign_all(&self) {
        let _ = self.commands.send(Command::UnassignAll);
    }
}

/// Sets and follows the position of one partition.
pub(super) struct ConsumerHandle {
    commands: Sender<Command>,
    progress: Progress,
    fetching: watch::Receiver<BTreeSet<Partition>>,
    interruptions: watch::Receiver<u64>,
}

impl ConsumerHandle {
    /// Reads from `offset` on. Sending fails only if the thread has ended, which the supervisor reports.
    pub(super) fn read_from(&self, partition: Partition, offset: i64) {
        let _ = self.commands.send(Command::Read(partition, offset));
    }

    /// Waits for the first response to a fetch of this partition. librdkafka takes up to a second from an assignment to the
    /// first fetch, which must not count as latency of Kafka.
    pub(super) async fn wait_until_fetching(&mut self, partition: Partition) {
        if self.fetching.wait_for(|fetching| fetching.contains(&partition)).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until librdkafka has stopped reading some partition, and returns the next offset of this one.
    pub(super) async fn interrupted(&mut self, partition: Partition) -> i64 {
        loop {
            if self.interruptions.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            if let Some(next) = self.progress.lock().unwrap_or_else(PoisonError::into_inner).get(&partition) {
                return *next;
            }
        }
    }
}

/// What the thread owns.
struct Reader {
    consumer: BaseConsumer<StatsContext>,
    context: LaneContext,
    progress: Progress,
    is_fetching: watch::Sender<BTreeSet<Partition>>,
    interrupted: watch::Sender<u64>,
}

impl Reader {
    /// Executes commands and polls, until all senders of commands are dropped.
    fn serve(&self, commands: &Receiver<Command>) {
        loop {
            loop {
                match commands.try_recv() {
                    Ok(command) => self.execute(&command),
                    Err(std::sync::mpsc::TryRecvError::Empty) => break,
                    Err(std::sync::mpsc::TryRecvError::Disconnected) => return,
                }
            }
            match self.consumer.poll(POLL) {
                None => {}
                Some(Ok(message)) => self.take(&message),
                Some(Err(KafkaError::PartitionEOF(partition))) => self.mark_fetching(Partition(partition)),
                Some(Err(error)) if fault::is_out_of_range(&error) => {
                    tracing::debug!(topic = &*self.context.topic, %error, "a read position is out of range");
                    // The offset may be out of range because the leader changed: refresh our own metadata too.
                    self.context.stale.notify_one();
                    self.interrupted.send_modify(|times| *times += 1);
                }
                Some(Err(error)) => self.consumer.context().stats.error(&error, "reading"),
            }
        }
    }

    fn take(&self, message: &BorrowedMessage<'_>) {
        let at = self.context.clock.now();
        let (partition, offset) = (Partition(message.partition()), message.offset());
        if let Some(seen) = self.context.classify_value(partition, at, offset, message.payload().unwrap_or_default()) {
            self.context.emit(seen);
        }
        self.mark_fetching(partition);
        let next = offset + 1;
        self.set_progress(partition, next);
        self.context.emit(LaneInput::Passed { partition, at, next });
    }

    fn mark_fetching(&self, partition: Partition) {
        self.is_fetching.send_if_modified(|fetching| fetching.insert(partition));
    }

    fn execute(&self, command: &Command) {
        let done = match command {
            Command::Read(partition, offset) => self.read_from(*partition, *offset),
            Command::UnassignAll => {
                self.progress.lock().unwrap_or_else(PoisonError::into_inner).clear();
                self.is_fetching.send_modify(BTreeSet::clear);
                self.consumer.unassign()
            }
        };
        if let Err(error) = done {
            self.context.supervisor.report_failure(format!("librdkafka refused an assignment: {error}"));
        }
    }

    fn read_from(&self, partition: Partition, offset: i64) -> KafkaResult<()> {
        self.is_fetching.send_modify(|fetching| {
            fetching.remove(&partition);
        });
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition(&self.context.topic, partition.0);
        if self.set_progress(partition, offset).is_some() {
            self.consumer.incremental_unassign(&list)?;
        }
        list.set_partition_offset(&self.context.topic, partition.0, Offset::Offset(offset))?;
        self.consumer.incremental_assign(&list)
    }

    fn set_progress(&self, partition: Partition, next: i64) -> Option<i64> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).insert(partition, next)
    }
}

/// Receives logs, errors and statistics of the client.
struct StatsContext {
    stats: StatsCollector,
}

impl ClientContext for StatsContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.stats.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.stats.error(&error, reason);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.stats.statistics(statistics);
    }
}

impl ConsumerContext for StatsContext {}
