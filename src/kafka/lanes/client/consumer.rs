//! One consumer for all partitions, and the thread that stamps what it reads. Partitions are assigned with explicit
//! offsets; the group is never joined and nothing is committed.

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

use crate::kafka::lanes::topic::Context;

use super::statistics::{Gauge, Role};
use super::{Settings, fault, settings};

/// Records are served as they come; this only bounds how late the thread hears of another position.
const POLL: Duration = Duration::from_millis(50);

/// The consumer at work; dropping it ends its thread.
pub(super) struct Consuming {
    orders: Sender<Order>,
    progress: Progress,
    flowing: watch::Receiver<BTreeSet<Partition>>,
    stumbles: watch::Receiver<u64>,
}

/// What the thread is told.
enum Order {
    /// Read this partition from this offset on, whatever was read before.
    Read(Partition, i64),
    /// Read nothing any more.
    Leave,
}

/// The next offset of each partition that is read.
pub(super) type Progress = Arc<Mutex<BTreeMap<Partition, i64>>>;

impl Consuming {
    /// # Errors
    /// librdkafka, or the operating system, has no client or thread for us.
    pub(super) fn start(settings: &Settings, context: &Context) -> Result<Consuming, String> {
        let talk = Talk { gauge: Gauge::new(Role::Consumer, context) };
        let config = settings::consumer(settings);
        let consumer: BaseConsumer<Talk> = config.create_with_context(talk).map_err(|error| error.to_string())?;
        let (orders, received) = channel();
        let (stumbled, stumbles) = watch::channel(0);
        let (flows, flowing) = watch::channel(BTreeSet::new());
        let progress = Progress::default();
        let reader = Reader { consumer, context: context.clone(), progress: Arc::clone(&progress), flows, stumbled };
        let alarm = context.alarm.clone();
        let serve = move || {
            let _watch = alarm.watch_thread("consumer");
            reader.serve(&received);
        };
        thread::Builder::new().name("consumer".into()).spawn(serve).map_err(|error| error.to_string())?;
        Ok(Consuming { orders, progress, flowing, stumbles })
    }

    /// How a partition's position is set and followed.
    pub(super) fn handle(&self) -> Handle {
        Handle {
            orders: self.orders.clone(),
            progress: Arc::clone(&self.progress),
            flowing: self.flowing.clone(),
            stumbles: self.stumbles.clone(),
        }
    }

    /// Reads nothing any more.
    pub(super) fn leave(&self) {
        let _ = self.orders.send(Order::Leave);
    }
}

/// Sets and follows the position of one partition.
pub(super) struct Handle {
    orders: Sender<Order>,
    progress: Progress,
    flowing: watch::Receiver<BTreeSet<Partition>>,
    stumbles: watch::Receiver<u64>,
}

impl Handle {
    /// Reads from `offset` on. An error would mean that the thread has ended, which the alarm knows.
    pub(super) fn read_from(&self, partition: Partition, offset: i64) {
        let _ = self.orders.send(Order::Read(partition, offset));
    }

    /// Waits until a fetch of this partition was answered: librdkafka takes up to a second from an assignment to the
    /// first fetch, which says nothing of Kafka.
    pub(super) async fn flows(&mut self, partition: Partition) {
        if self.flowing.wait_for(|flowing| flowing.contains(&partition)).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until librdkafka has stopped reading some partition, and gives the next offset of this one.
    pub(super) async fn stumbled(&mut self, partition: Partition) -> i64 {
        loop {
            if self.stumbles.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            if let Some(next) = self.progress.lock().unwrap_or_else(PoisonError::into_inner).get(&partition) {
                return *next;
            }
        }
    }
}

/// What runs on the thread.
struct Reader {
    consumer: BaseConsumer<Talk>,
    context: Context,
    progress: Progress,
    flows: watch::Sender<BTreeSet<Partition>>,
    stumbled: watch::Sender<u64>,
}

impl Reader {
    /// Serves until nobody has orders any more.
    fn serve(&self, orders: &Receiver<Order>) {
        loop {
            loop {
                match orders.try_recv() {
                    Ok(order) => self.obey(&order),
                    Err(std::sync::mpsc::TryRecvError::Empty) => break,
                    Err(std::sync::mpsc::TryRecvError::Disconnected) => return,
                }
            }
            match self.consumer.poll(POLL) {
                None => {}
                Some(Ok(message)) => self.take(&message),
                Some(Err(KafkaError::PartitionEOF(partition))) => self.flow(Partition(partition)),
                Some(Err(error)) if fault::is_out_of_range(&error) => {
                    tracing::debug!(topic = &*self.context.topic, %error, "a reader stands out of range");
                    // Our own picture of the leaders is to be as new as librdkafka's.
                    self.context.stale.notify_one();
                    self.stumbled.send_modify(|times| *times += 1);
                }
                Some(Err(error)) => self.consumer.context().gauge.error(&error, "reading"),
            }
        }
    }

    fn take(&self, message: &BorrowedMessage<'_>) {
        let at = self.context.clock.now();
        let (partition, offset) = (Partition(message.partition()), message.offset());
        if let Some(seen) = self.context.sight_value(partition, at, offset, message.payload().unwrap_or_default()) {
            self.context.tell(seen);
        }
        self.flow(partition);
        let next = offset + 1;
        self.set_progress(partition, next);
        self.context.tell(LaneInput::Passed { partition, at, next });
    }

    fn flow(&self, partition: Partition) {
        self.flows.send_if_modified(|flowing| flowing.insert(partition));
    }

    fn obey(&self, order: &Order) {
        let done = match order {
            Order::Read(partition, offset) => self.read_from(*partition, *offset),
            Order::Leave => {
                self.progress.lock().unwrap_or_else(PoisonError::into_inner).clear();
                self.flows.send_modify(BTreeSet::clear);
                self.consumer.unassign()
            }
        };
        if let Err(error) = done {
            self.context.alarm.raise(format!("librdkafka does not take an assignment: {error}"));
        }
    }

    fn read_from(&self, partition: Partition, offset: i64) -> KafkaResult<()> {
        self.flows.send_modify(|flowing| {
            flowing.remove(&partition);
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

/// Hears what the client has to say.
struct Talk {
    gauge: Gauge,
}

impl ClientContext for Talk {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.gauge.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.gauge.error(&error, reason);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.gauge.statistics(statistics);
    }
}

impl ConsumerContext for Talk {}
