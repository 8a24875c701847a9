//! The reader of one partition: a long-poll fetch loop on a connection of its own, from an explicit offset, without a
//! consumer group.

use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::Partition;
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;
use prober_probes::clock::Clock;
use prober_probes::port::LaneInput;
use prober_probes::record::{self, Identity, Sighting};
use tokio::sync::Notify;

use crate::alarm::{Alarm, Task};
use crate::kafka::wire::{Connection, Fetch, Fetched, FetchedRecord, WireError};
use crate::kafka::{Report, Reporter};

use super::fault;
use super::link::{Dialling, Link, up};
use super::ownership::Ownership;
use super::position::{self, Resolved};

/// After a refused fetch or an unanswered question the reader waits this long, doubling up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The leader of a partition that has just come back answers with errors for a moment: ask again soon.
const PAUSE_ON_ERROR: Duration = Duration::from_millis(100);

/// What every reader of a lane shares.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) clock: Clock,
    pub(super) topic: Arc<str>,
    pub(super) lane: prober_core::ids::Lane,
    pub(super) identity: Identity,
    pub(super) max_wait: Duration,
    pub(super) report: Reporter,
    pub(super) alarm: Alarm,
    pub(super) stale: Arc<Notify>,
    pub(super) ownership: Ownership,
}

/// One partition's reader.
pub(super) struct Reader {
    context: Context,
    partition: Partition,
    topic_id: Option<[u8; 16]>,
    control: Dialling,
    _link: Link,
    _task: Task,
}

impl Reader {
    pub(super) fn new(
        dialling: Dialling,
        partition: Partition,
        topic_id: Option<[u8; 16]>,
        context: Context,
    ) -> Reader {
        let link = Link::keep(dialling.clone(), &context.alarm);
        let reading =
            Reading { context: context.clone(), partition, topic_id, control: dialling.clone(), position: None };
        let task = context.alarm.spawn("reader", reading.run(link.watch()));
        Reader { context, partition, topic_id, control: dialling, _link: link, _task: task }
    }

    /// Reads one offset once more, on a connection of its own: the long poll must not hold it up.
    pub(super) fn reread(&self, offset: i64) {
        let (context, control) = (self.context.clone(), self.control.clone());
        let (partition, topic_id) = (self.partition, self.topic_id);
        self.context.alarm.spawn_brief("reread", async move {
            let Ok(connection) = control.dial(control.patience).await else { return };
            let Ok(fetched) = fetch(&connection, &context, partition, topic_id, offset, Duration::ZERO).await else {
                return;
            };
            if let Some(input) = context.second_look(partition, offset, &fetched) {
                (context.report)(Report::Lane(input));
            }
        });
    }
}

/// The reader at work.
struct Reading {
    context: Context,
    partition: Partition,
    topic_id: Option<[u8; 16]>,
    control: Dialling,
    position: Option<i64>,
}

impl Reading {
    async fn run(mut self, mut link: tokio::sync::watch::Receiver<super::link::State>) {
        self.resolve(None).await;
        loop {
            let connection = up(&mut link).await;
            let Some(offset) = self.position else {
                self.resolve(None).await;
                continue;
            };
            let max_wait = self.context.max_wait;
            match fetch(&connection, &self.context, self.partition, self.topic_id, offset, max_wait).await {
                Ok(fetched) => self.take(offset, fetched).await,
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

    async fn take(&mut self, offset: i64, fetched: (Fetched, Time)) {
        let (fetched, at) = fetched;
        match KafkaError::of(fetched.error) {
            None => {
                for record in &fetched.records {
                    if let Some(input) = self.context.sight(self.partition, at, record) {
                        self.report(input);
                    }
                }
                if offset < fetched.next_offset {
                    self.position = Some(fetched.next_offset);
                    self.report(LaneInput::Passed { partition: self.partition, at, next: fetched.next_offset });
                }
            }
            Some(KafkaError::OFFSET_OUT_OF_RANGE) => self.resolve(Some(offset)).await,
            Some(error) => {
                if fault::is_stale_metadata(error) {
                    self.context.stale.notify_one();
                }
                tokio::time::sleep(PAUSE_ON_ERROR).await;
            }
        }
    }

    /// Finds out where to read from: the end of the log at first; after `lost`, which is out of range now, the end of
    /// the log that is nearer to it.
    async fn resolve(&mut self, lost: Option<i64>) {
        let mut pause = PAUSE_MIN;
        let mut told = false;
        loop {
            let context = &self.context;
            match position::resolve(&self.control, context, self.partition, self.topic_id, lost).await {
                Ok(Resolved { offset, newest }) => {
                    if lost.is_none() {
                        context.ownership.tell(self.partition, newest);
                        context.ownership.is_ours().await;
                    }
                    self.position = Some(offset);
                    let at = self.context.clock.now();
                    let reset = lost.is_some();
                    self.report(LaneInput::Position { partition: self.partition, at, offset, reset });
                    return;
                }
                Err(unresolved) => {
                    if let Some(error) = unresolved.kafka
                        && fault::is_stale_metadata(error)
                    {
                        context.stale.notify_one();
                    }
                    if unresolved.kafka.is_none() && !told {
                        told = true;
                        context.ownership.tell(self.partition, super::ownership::Newest::Unreachable);
                        self.report(LaneInput::Unreachable { partition: self.partition });
                    }
                    tokio::time::sleep(pause).await;
                    pause = (2 * pause).min(PAUSE_MAX);
                }
            }
        }
    }

    fn report(&self, input: LaneInput) {
        (self.context.report)(Report::Lane(input));
    }
}

impl Context {
    /// What a fetched record is to the lane; `None` for records of other runs and vantages.
    fn sight(&self, partition: Partition, at: Time, record: &FetchedRecord) -> Option<LaneInput> {
        match record {
            FetchedRecord::Unreadable { first, last, .. } => {
                Some(LaneInput::Garbage { partition, at, first: *first, last: *last })
            }
            FetchedRecord::Read { offset, value, .. } => {
                match record::sight(self.identity, self.lane, partition, value) {
                    Sighting::Ours(sequence) => Some(LaneInput::Read { partition, sequence, at, offset: *offset }),
                    Sighting::Sibling => None,
                    Sighting::Foreign => Some(LaneInput::Garbage { partition, at, first: *offset, last: *offset }),
                }
            }
        }
    }

    /// What a second look at `offset` says: nothing, unless the answer covers it.
    fn second_look(&self, partition: Partition, offset: i64, fetched: &(Fetched, Time)) -> Option<LaneInput> {
        let (fetched, at) = (&fetched.0, fetched.1);
        let covered = fetched.error == 0 && fetched.log_start <= offset && offset < fetched.high_watermark;
        if !covered {
            return None;
        }
        let there = |record: &&FetchedRecord| match record {
            FetchedRecord::Read { offset: stands, .. } => *stands == offset,
            FetchedRecord::Unreadable { first, last, .. } => (*first..=*last).contains(&offset),
        };
        let found = fetched.records.iter().find(there);
        match found.and_then(|record| self.sight(partition, at, record)) {
            Some(LaneInput::Garbage { .. }) => Some(LaneInput::Garbage { partition, at, first: offset, last: offset }),
            Some(seen) => Some(seen),
            None => Some(LaneInput::Absent { partition, at, offset }),
        }
    }
}

/// One fetch, with the stamp of its answer.
pub(super) async fn fetch(
    connection: &Connection,
    context: &Context,
    partition: Partition,
    topic_id: Option<[u8; 16]>,
    offset: i64,
    max_wait: Duration,
) -> Result<(Fetched, Time), WireError> {
    let topic = Arc::clone(&context.topic);
    let call = connection.call(Fetch { topic, topic_id, partition: partition.0, offset, max_wait })?;
    let reply = call.await?;
    Ok((reply.body, context.clock.at(reply.at)))
}
