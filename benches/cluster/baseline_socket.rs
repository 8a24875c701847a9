//! The baseline of the broker view: records written and read back over blocking sockets, at the prober's rate and phases, on a
//! topic like the prober's. It measures the cluster and the kernel; the difference to the prober's latency is the prober's own.
//!
//! Each broker has two threads and two connections: one writes and waits for the ack, one has a long-poll fetch outstanding.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use kafka_protocol::messages::{FetchRequest, ProduceRequest};
use kafka_protocol::records::RecordBatchDecoder;

use crate::harness::raw::records::{self, FETCH_VERSION, PRODUCE_VERSION};
use crate::harness::{Cluster, raw};
use crate::shared_setup::{RECORD_SIZE, create_topic, first_due};
use crate::socket::{Socket, decode, encode, malformed};

const TOPIC: &str = "bench-socket-baseline";

/// The prober's defaults for the waits of a fetch and of a write.
const FETCH_WAIT: Duration = Duration::from_millis(500);
const WRITE_WAIT: Duration = Duration::from_secs(5);

/// The latencies of one broker.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies {
    /// Write → ack.
    pub(crate) produce: Vec<Duration>,
    /// Write → arrival of the fetch that holds the record.
    pub(crate) end_to_end: Vec<Duration>,
}

/// A broker and the partition that lives on it.
struct BrokerLoop {
    ordinal: u32,
    address: String,
    partition: i32,
}

/// The loop, ready to run.
pub(crate) struct SocketBaseline {
    loops: Vec<BrokerLoop>,
}

impl SocketBaseline {
    /// Creates the topic, one partition a broker and replication factor 1, as the pinned lane does.
    pub(crate) fn new(cluster: &Cluster) -> SocketBaseline {
        create_topic(cluster, TOPIC, 1);
        let loops = (0..).zip(0..).zip(cluster.brokers());
        let loops =
            loops.map(|((ordinal, partition), broker)| BrokerLoop { ordinal, partition, address: broker.address() });
        SocketBaseline { loops: loops.collect() }
    }

    /// Runs for `length` and returns the latencies by broker.
    pub(crate) fn run(&self, interval: Duration, length: Duration) -> Vec<Latencies> {
        let began = Instant::now();
        thread::scope(|scope| {
            let loops = self.loops.iter().map(|one| scope.spawn(move || one.run(interval, began, length)));
            let loops: Vec<_> = loops.collect();
            let ended = loops.into_iter().map(|one| one.join().expect("a baseline thread does not panic"));
            ended.map(|latencies| latencies.expect("the brokers of the bench are healthy")).collect()
        })
    }
}

impl BrokerLoop {
    fn run(&self, interval: Duration, began: Instant, length: Duration) -> io::Result<Latencies> {
        let from = raw::latest_offset(&self.address, TOPIC, self.partition).map_err(malformed)?;
        // By sequence; the reader looks up what the writer has stamped.
        let sent = Mutex::new(Vec::new());
        let total = AtomicUsize::new(usize::MAX);
        thread::scope(|scope| {
            let reader = scope.spawn(|| self.read(from, &sent, &total));
            let produce = self.write(interval, began, length, &sent);
            total.store(produce.as_ref().map_or(0, Vec::len), Ordering::Relaxed);
            let end_to_end = reader.join().expect("the reader does not panic")?;
            Ok(Latencies { produce: produce?, end_to_end })
        })
    }

    /// Writes one record at each point of the grid; points that pass while an ack is outstanding are skipped.
    fn write(
        &self,
        interval: Duration,
        began: Instant,
        length: Duration,
        sent: &Mutex<Vec<Instant>>,
    ) -> io::Result<Vec<Duration>> {
        let mut socket = Socket::open(&self.address)?;
        let mut latencies = Vec::new();
        let mut due = first_due(began, interval, self.ordinal);
        while due < began + length {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let frame = self.record(latencies.len())?;
            let mut began = None;
            socket.send(&frame, |at| {
                began = Some(at);
                sent.lock().unwrap_or_else(PoisonError::into_inner).push(at);
            })?;
            let (answer, at) = socket.receive()?;
            let answer = decode::<ProduceRequest>(PRODUCE_VERSION, answer)?;
            let error = answer.responses.first().and_then(|topic| topic.partition_responses.first());
            check(error.map_or(-1, |partition| partition.error_code))?;
            latencies.extend(began.map(|began| at.saturating_duration_since(began)));
            while due <= Instant::now() {
                due += interval;
            }
        }
        Ok(latencies)
    }

    /// Reads until everything written has been read.
    fn read(&self, from: i64, sent: &Mutex<Vec<Instant>>, total: &AtomicUsize) -> io::Result<Vec<Duration>> {
        let mut socket = Socket::open(&self.address)?;
        let (mut latencies, mut next) = (Vec::new(), from);
        while latencies.len() < total.load(Ordering::Relaxed) {
            socket.send(&self.fetch(next)?, |_| {})?;
            let (answer, at) = socket.receive()?;
            let answer = decode::<FetchRequest>(FETCH_VERSION, answer)?;
            check(answer.error_code)?;
            let partition = answer.responses.into_iter().next().and_then(|topic| topic.partitions.into_iter().next());
            let partition = partition.ok_or_else(|| malformed("no partition answered"))?;
            check(partition.error_code)?;
            let mut batches = partition.records.unwrap_or_default();
            while batches.has_remaining() {
                for record in RecordBatchDecoder::decode(&mut batches).map_err(malformed)?.records {
                    next = record.offset + 1;
                    let sequence = record.value.unwrap_or_default().get_u64();
                    let sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
                    let written = usize::try_from(sequence).ok().and_then(|sequence| sent.get(sequence));
                    latencies.extend(written.map(|written| at.saturating_duration_since(*written)));
                }
            }
        }
        Ok(latencies)
    }

    fn record(&self, sequence: usize) -> io::Result<Bytes> {
        let mut value = [0; RECORD_SIZE];
        value[..8].copy_from_slice(&u64::try_from(sequence).map_err(malformed)?.to_be_bytes());
        let request = records::produce_request(TOPIC, self.partition, &value, WRITE_WAIT).map_err(malformed)?;
        encode(PRODUCE_VERSION, &request)
    }

    fn fetch(&self, offset: i64) -> io::Result<Bytes> {
        encode(FETCH_VERSION, &records::fetch_request(TOPIC, self.partition, offset, FETCH_WAIT))
    }
}

fn check(code: i16) -> io::Result<()> {
    raw::RawError::check(code).map_err(malformed)
}
