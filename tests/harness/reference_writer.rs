//! When a broker accepted writes: the reference that the prober is compared with.
//!
//! A thread writes a small record to a topic on that one broker every 20 ms and notes the result. Replication factor 1, so that
//! no other broker is involved.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::kafka::Cluster;
use super::raw::{self, Connection, RawError, records::produce_on};
use super::wait_until;

/// The topic of all reference writers.
pub(crate) const REFERENCE_TOPIC: &str = "harness-reference";

const EVERY: Duration = Duration::from_millis(20);

/// A write that takes longer has failed; the next one gets a fresh connection.
const LIMIT: Duration = Duration::from_millis(400);

/// About forty minutes of successes.
const KEPT: usize = 120_000;

const TOPIC_WITHIN: Duration = Duration::from_secs(20);

/// One write and its result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Write {
    pub(crate) sent: Instant,
    pub(crate) ended: Instant,
    pub(crate) succeeded: bool,
}

/// A thread that writes to one broker until dropped.
pub(crate) struct ReferenceWriter {
    writes: Arc<Mutex<VecDeque<Write>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl ReferenceWriter {
    /// Writes to one broker of a healthy cluster; returns after the first success.
    #[track_caller]
    pub(crate) fn start(cluster: &Cluster, broker: i32) -> Self {
        let partition = pinned_partition(cluster, broker);
        let addr = cluster.broker(broker).internal_address().to_owned();
        let writes = Arc::new(Mutex::new(VecDeque::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let (writes, stop) = (Arc::clone(&writes), Arc::clone(&stop));
            move || write_until_stopped(&addr, partition, &writes, &stop)
        });
        let reference = Self { writes, stop, thread: Some(thread) };
        let began = Instant::now();
        wait_until(TOPIC_WITHIN, "the broker acks a first write of the reference writer", || {
            reference.first_success_after(began).is_some()
        });
        reference
    }

    /// When the first write that ended after `t` succeeded: the broker is proven writable then.
    ///
    /// Just after a freeze this can be an answer that was already on its way.
    pub(crate) fn first_success_after(&self, t: Instant) -> Option<Instant> {
        self.first_after(t, true)
    }

    /// When the first write that ended after `t` failed; up to 400 ms after it could not succeed.
    pub(crate) fn first_failure_after(&self, t: Instant) -> Option<Instant> {
        self.first_after(t, false)
    }

    /// The longest time without a success among writes that ended in `from..=to`.
    pub(crate) fn longest_gap(&self, from: Instant, to: Instant) -> Duration {
        let successes = self.writes().into_iter().filter(|w| w.succeeded).map(|w| w.ended);
        let inside = successes.filter(|at| from <= *at && *at <= to);
        let ends: Vec<Instant> = [from].into_iter().chain(inside).chain([to]).collect();
        let gaps = ends.windows(2).map(|pair| pair[1].saturating_duration_since(pair[0]));
        gaps.max().unwrap_or_default()
    }

    /// All writes, oldest first; the newest 120,000.
    pub(crate) fn writes(&self) -> Vec<Write> {
        let writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        writes.iter().copied().collect()
    }

    fn first_after(&self, t: Instant, succeeded: bool) -> Option<Instant> {
        let writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |write: &&Write| write.succeeded == succeeded && t <= write.ended;
        writes.iter().find(wanted).map(|write| write.ended)
    }
}

impl Drop for ReferenceWriter {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // If the thread panicked, writes are missing and the test fails.
            let _ = thread.join();
        }
    }
}

fn write_until_stopped(addr: &str, partition: i32, writes: &Mutex<VecDeque<Write>>, stop: &AtomicBool) {
    let mut connection = None;
    while !stop.load(Ordering::Relaxed) {
        let sent = Instant::now();
        let outcome = write_once(&mut connection, addr, partition);
        let write = Write { sent, ended: Instant::now(), succeeded: outcome.is_ok() };
        if outcome.is_err() {
            connection = None;
        }
        let mut writes = writes.lock().unwrap_or_else(PoisonError::into_inner);
        if KEPT <= writes.len() {
            writes.pop_front();
        }
        writes.push_back(write);
        drop(writes);
        thread::sleep(EVERY.saturating_sub(sent.elapsed()));
    }
}

fn write_once(connection: &mut Option<Connection>, addr: &str, partition: i32) -> Result<i64, RawError> {
    let open = match connection {
        Some(open) => open,
        None => connection.insert(Connection::open(addr, LIMIT)?),
    };
    produce_on(open, REFERENCE_TOPIC, partition, b"truth", LIMIT)
}

/// The partition of the topic that lives on `broker`; creates the topic if it is missing.
#[track_caller]
fn pinned_partition(cluster: &Cluster, broker: i32) -> i32 {
    let asked = cluster.any_internal_address();
    let assignment: Vec<Vec<i32>> = cluster.brokers().iter().map(|b| vec![b.id()]).collect();
    let configs = [("min.insync.replicas", "1"), ("message.timestamp.type", "LogAppendTime")];
    let mut found = None;
    wait_until(TOPIC_WITHIN, "the reference topic has a partition on the broker", || {
        let seen = raw::metadata(asked, &[REFERENCE_TOPIC]).unwrap_or_default();
        found = seen.partitions.iter().find(|p| p.leader == broker).map(|p| p.partition);
        if seen.partitions.is_empty() {
            // Refused if another writer created it first.
            let _ = raw::create_topic(asked, REFERENCE_TOPIC, &assignment, &configs);
        }
        found.is_some()
    });
    found.expect("awaited just now")
}
