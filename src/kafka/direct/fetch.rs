//! `fetch`: a known record of the broker's pinned partition, read once more. When nothing can be written, reading must
//! still be judged; and what is judged here is one broker's own disk and cache.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Partition};
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;
use prober_probes::port::ProbeResponse;

use crate::kafka::session::fault;
use crate::kafka::wire::{self, Connection, Fetched, FetchedRecord, ListOffset, OffsetAt, Unreadable};

use super::Context;
use super::line::Lines;
use super::scout::Scouted;

/// A broker may take so long to say where its log ends; the attempt has its own deadline.
const LIST_WITHIN: Duration = Duration::from_secs(2);

/// One byte wanted: the broker sends one batch, however small.
const ONE_BATCH: i32 = 1;

/// Reads, and remembers where.
pub(super) struct Fetch {
    context: Context,
    lines: Lines,
    topic: Arc<str>,
    offsets: Mutex<BTreeMap<Place, i64>>,
}

/// A partition of one life of the topic.
type Place = (Partition, Option<[u8; 16]>);

impl Fetch {
    pub(super) fn new(context: Context, lines: Lines, topic: Arc<str>) -> Fetch {
        Fetch { context, lines, topic, offsets: Mutex::default() }
    }

    pub(super) async fn ask(&self, broker: BrokerId, scouted: &Scouted) -> ProbeResponse {
        let Some(place) = self.place(broker, scouted) else { return self.context.refused(Fault::NoPartition) };
        match self.read(broker, place).await {
            Ok(at) => ProbeResponse { sent: None, at, result: Ok(()) },
            Err(fault) => self.context.refused(fault),
        }
    }

    async fn read(&self, broker: BrokerId, place: Place) -> Result<Time, Fault> {
        let connection = self.lines.to(broker).await?;
        let known = self.offsets().get(&place).copied();
        let offset = match known {
            Some(offset) => offset,
            None => self.newest(&connection, place).await?,
        };
        let (fetched, at) = self.fetch(&connection, place, offset).await?;
        let (fetched, at) = match KafkaError::of(fetched.error) {
            // Retention has passed it, or the log was reset: the broker answers, and shows another record instead.
            Some(KafkaError::OFFSET_OUT_OF_RANGE) => {
                let offset = self.newest(&connection, place).await?;
                self.fetch(&connection, place, offset).await?
            }
            _ => (fetched, at),
        };
        judge(&fetched)?;
        Ok(at)
    }

    /// The newest record's offset, or the end of an empty log, remembered from now on.
    async fn newest(&self, connection: &Connection, place: Place) -> Result<i64, Fault> {
        let earliest = self.list(connection, place, OffsetAt::Earliest).await?;
        let latest = self.list(connection, place, OffsetAt::Latest).await?;
        let offset = (latest - 1).max(earliest);
        let mut offsets = self.offsets();
        // What an earlier life of the topic held is of no use any more.
        offsets.retain(|(partition, _), _| *partition != place.0);
        if earliest < latest {
            offsets.insert(place, offset);
        }
        Ok(offset)
    }

    async fn list(&self, connection: &Connection, place: Place, at: OffsetAt) -> Result<i64, Fault> {
        let topic = Arc::clone(&self.topic);
        let question = ListOffset { topic, partition: place.0.0, at, timeout: LIST_WITHIN };
        let call = connection.call(question).map_err(|error| fault::of(&error))?;
        let listed = call.await.map_err(|error| fault::of(&error))?.body;
        KafkaError::of(listed.error).map_or(Ok(listed.offset), |error| Err(Fault::Kafka(error)))
    }

    async fn fetch(&self, connection: &Connection, place: Place, offset: i64) -> Result<(Fetched, Time), Fault> {
        let (partition, topic_id) = place;
        let call = connection.call(wire::Fetch {
            topic: Arc::clone(&self.topic),
            topic_id,
            partition: partition.0,
            offset,
            max_wait: Duration::ZERO,
            max_bytes: ONE_BATCH,
        });
        let reply = call.map_err(|error| fault::of(&error))?.await.map_err(|error| fault::of(&error))?;
        Ok((reply.body, self.context.clock.at(reply.at)))
    }

    fn place(&self, broker: BrokerId, scouted: &Scouted) -> Option<Place> {
        let (_, partition) = scouted.pinned(&self.topic).find(|(id, _)| *id == broker)?;
        Some((partition, scouted.topics.get(&self.topic)?.id))
    }

    fn offsets(&self) -> MutexGuard<'_, BTreeMap<Place, i64>> {
        self.offsets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer without an error is good: a record, or nothing, because the log ends there or holds only the marker of a
/// transaction. Whether a record is ours is the lane's question; broken bytes are the broker's.
fn judge(fetched: &Fetched) -> Result<(), Fault> {
    if let Some(error) = KafkaError::of(fetched.error) {
        return Err(Fault::Kafka(error));
    }
    match fetched.records.first() {
        Some(FetchedRecord::Unreadable { why: Unreadable::Damaged, .. }) => Err(Fault::Corrupt),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(error: i16, records: Vec<FetchedRecord>) -> Fetched {
        Fetched { error, high_watermark: 10, log_start: 0, next_offset: 10, records }
    }

    fn unreadable(why: Unreadable) -> Vec<FetchedRecord> {
        vec![FetchedRecord::Unreadable { first: 9, last: 9, why }]
    }

    #[test]
    fn record_is_good_whoever_wrote_it() {
        let record = FetchedRecord::Read { offset: 9, leader_epoch: 0, value: b"somebody else's".as_slice().into() };
        assert_eq!(judge(&answer(0, vec![record])), Ok(()));
        assert_eq!(judge(&answer(0, unreadable(Unreadable::Compressed))), Ok(()));
    }

    #[test]
    fn empty_answer_without_an_error_is_good() {
        assert_eq!(judge(&answer(0, Vec::new())), Ok(()));
    }

    #[test]
    fn damaged_bytes_are_corrupt() {
        assert_eq!(judge(&answer(0, unreadable(Unreadable::Damaged))), Err(Fault::Corrupt));
    }

    #[test]
    fn refusal_is_named_by_kafkas_own_name() {
        assert_eq!(judge(&answer(6, Vec::new())), Err(Fault::Kafka(KafkaError::NOT_LEADER_OR_FOLLOWER)));
    }
}
