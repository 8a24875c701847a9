//! The baseline of the client view: one librdkafka producer and one consumer, shared by all partitions, with the lane's
//! settings, rate and phases, on a topic like the lane's. It measures the cluster and librdkafka; the difference to the
//! prober's latency is the prober's own.
//!
//! As in the lane, each client has a polling thread, and one thread writes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Buf;
use kafka_prober::config::{RecordCompression, RequiredAcks};
use kafka_prober::kafka::lanes::client::settings::{self, Settings};
use kafka_prober::kafka::lanes::topic::TopicSettings;
use prober_core::ids::{Lane, RunId, VantageHash};
use prober_core::placement::Mode;
use prober_probes::record::Identity;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, ProducerContext};
use rdkafka::{Offset, TopicPartitionList};

use crate::baseline_socket::Latencies;
use crate::harness::{Cluster, raw};
use crate::shared_setup::{RECORD_SIZE, create_topic, first_due};

const TOPIC: &str = "bench-client-baseline";

/// As in the lane.
const REPLICATION_FACTOR: usize = 3;
const FETCH_WAIT: Duration = Duration::from_millis(500);
const WRITE_WITHIN: Duration = Duration::from_secs(5);

/// How often the lane's threads check whether to end.
const PRODUCER_POLL: Duration = Duration::from_millis(100);
const CONSUMER_POLL: Duration = Duration::from_millis(50);

/// What was written is read within this time, or the cluster is not healthy.
const READ_WITHIN: Duration = Duration::from_secs(10);

/// The producer and the consumer, ready to start.
pub(crate) struct ClientBaseline {
    settings: Settings,
    /// Where each partition's leader listens.
    leaders: Vec<String>,
}

/// Every record, by partition and in the order of writing.
struct SentRecords {
    records: Vec<Vec<Written>>,
    /// The first record that was not acked.
    refused: Option<KafkaError>,
}

/// One record. A retry may write it twice; the first read counts.
struct Written {
    at: Instant,
    acked: Option<Duration>,
    read: Option<Duration>,
}

impl ClientBaseline {
    /// Creates the topic as the replicated lane does.
    pub(crate) fn new(cluster: &Cluster) -> ClientBaseline {
        create_topic(cluster, TOPIC, REPLICATION_FACTOR);
        let topic = TopicSettings {
            lane: Lane::Replicated,
            bootstrap: cluster.bootstrap().split(',').map(str::to_owned).collect(),
            topic: Arc::from(TOPIC),
            client_id: Arc::from("bench"),
            security: Arc::default(),
            deadline: WRITE_WITHIN,
            upkeep: Mode::Off,
            // Only the prober's own records carry it.
            identity: Identity { run: RunId([0; 16]), vantage: VantageHash(0) },
        };
        let settings = Settings {
            topic,
            group: Arc::from("bench"),
            fetch_max_wait: FETCH_WAIT,
            acks: RequiredAcks::All,
            compression: RecordCompression::None,
        };
        ClientBaseline { settings, leaders: cluster.brokers().iter().map(|broker| broker.address()).collect() }
    }

    /// Runs for `length` on new clients, as the prober does in each of its blocks, and returns the latencies by broker.
    pub(crate) fn run(&self, interval: Duration, length: Duration) -> Vec<Latencies> {
        self.write_and_read(interval, length).expect("the brokers of the bench are healthy")
    }

    /// Runs to warm up the brokers, which may still miss a write's deadline; the latencies are discarded.
    pub(crate) fn warm_up(&self, interval: Duration, length: Duration) {
        if let Err(error) = self.write_and_read(interval, length) {
            eprintln!("bench: while warming up: {error}");
        }
    }

    fn write_and_read(&self, interval: Duration, length: Duration) -> KafkaResult<Vec<Latencies>> {
        let sent = Arc::new(Mutex::new(SentRecords::of(self.leaders.len())));
        let consumer: BaseConsumer<Quiet> = settings::consumer(&self.settings).create_with_context(Quiet)?;
        consumer.assign(&self.ends()?)?;
        let acks = Acks { sent: Arc::clone(&sent) };
        let producer: BaseProducer<Acks> = settings::producer(&self.settings).create_with_context(acks)?;
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    producer.poll(PRODUCER_POLL);
                }
            });
            let reader = scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    if let Some(message) = consumer.poll(CONSUMER_POLL) {
                        SentRecords::read(&sent, &message?);
                    }
                }
                Ok(())
            });
            let written = write(&producer, &sent, interval, length);
            let written_at = Instant::now();
            while !lock(&sent).is_settled() && written_at.elapsed() < READ_WITHIN && !reader.is_finished() {
                thread::sleep(CONSUMER_POLL);
            }
            stop.store(true, Ordering::Relaxed);
            written.and(reader.join().expect("the reader does not panic"))
        })?;
        lock(&sent).latencies()
    }

    /// Every partition, to be read from its end.
    fn ends(&self) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        for (partition, leader) in (0..).zip(&self.leaders) {
            let end = raw::latest_offset(leader, TOPIC, partition).expect("a leader answers ListOffsets");
            list.add_partition_offset(TOPIC, partition, Offset::Offset(end))?;
        }
        Ok(list)
    }
}

/// One record at each point of each partition's grid, whether or not earlier ones are acked.
fn write(
    producer: &BaseProducer<Acks>,
    sent: &Mutex<SentRecords>,
    interval: Duration,
    length: Duration,
) -> KafkaResult<()> {
    let began = Instant::now();
    let partitions = lock(sent).records.len();
    let mut due: Vec<Instant> = (0..).take(partitions).map(|ordinal| first_due(began, interval, ordinal)).collect();
    loop {
        let next = due.iter_mut().zip(0_i32..).min_by_key(|(due, _)| **due);
        let Some((at, partition)) = next.filter(|(at, _)| **at < began + length) else { return Ok(()) };
        thread::sleep(at.saturating_duration_since(Instant::now()));
        *at += interval;
        let mut value = [0; RECORD_SIZE];
        let place = index(partition);
        let number = lock(sent).records[place].len();
        value[..size_of::<usize>()].copy_from_slice(&number.to_be_bytes());
        let record = BaseRecord::<(), [u8], _>::with_opaque_to(TOPIC, Box::new((place, number)));
        let record = record.partition(partition).payload(&value);
        lock(sent).records[place].push(Written { at: Instant::now(), acked: None, read: None });
        producer.send(record).map_err(|(error, _)| error)?;
    }
}

impl SentRecords {
    fn of(partitions: usize) -> SentRecords {
        SentRecords { records: std::iter::repeat_with(Vec::new).take(partitions).collect(), refused: None }
    }

    fn read(sent: &Mutex<SentRecords>, message: &impl Message) {
        let at = Instant::now();
        let number = message.payload().unwrap_or_default().get_u64();
        let number = usize::try_from(number).expect("records are numbered by us");
        let written = &mut lock(sent).records[index(message.partition())][number];
        written.read.get_or_insert(at.saturating_duration_since(written.at));
    }

    /// Whether every record was acked and read, or one was refused.
    fn is_settled(&self) -> bool {
        let settled = |record: &Written| record.acked.is_some() && record.read.is_some();
        self.refused.is_some() || self.records.iter().flatten().all(settled)
    }

    fn latencies(&self) -> KafkaResult<Vec<Latencies>> {
        if let Some(error) = &self.refused {
            return Err(error.clone());
        }
        let of = |records: &Vec<Written>| {
            let latencies = Latencies {
                produce: records.iter().filter_map(|record| record.acked).collect(),
                end_to_end: records.iter().filter_map(|record| record.read).collect(),
            };
            let (written, acked, read) = (records.len(), latencies.produce.len(), latencies.end_to_end.len());
            assert!(written == acked && written == read, "of {written} records {acked} were acked, {read} read");
            latencies
        };
        Ok(self.records.iter().map(of).collect())
    }
}

/// Receives acks, on the thread that polls the producer.
struct Acks {
    sent: Arc<Mutex<SentRecords>>,
}

impl ProducerContext for Acks {
    type DeliveryOpaque = Box<(usize, usize)>;

    fn delivery(&self, delivered: &DeliveryResult<'_>, record: Box<(usize, usize)>) {
        let at = Instant::now();
        let (partition, number) = *record;
        let mut sent = lock(&self.sent);
        match delivered {
            Err((error, _)) => {
                sent.refused.get_or_insert(error.clone());
            }
            Ok(_) => {
                let written = &mut sent.records[partition][number];
                written.acked.get_or_insert(at.saturating_duration_since(written.at));
            }
        }
    }
}

impl ClientContext for Acks {
    fn stats_raw(&self, _: &[u8]) {}
}

/// Ignores librdkafka's statistics.
struct Quiet;

impl ClientContext for Quiet {
    fn stats_raw(&self, _: &[u8]) {}
}

impl ConsumerContext for Quiet {}

fn lock(sent: &Mutex<SentRecords>) -> std::sync::MutexGuard<'_, SentRecords> {
    sent.lock().unwrap_or_else(PoisonError::into_inner)
}

fn index(partition: i32) -> usize {
    usize::try_from(partition).expect("partitions are numbered from 0")
}
