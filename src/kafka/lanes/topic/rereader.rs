//! Reads single offsets again from the partition's leader. Each partition has a connection of its own for it, so that neither
//! a long poll nor another partition delays it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prober_core::ids::Partition;
use prober_core::kafka_error::KafkaError;
use prober_core::track::RereadResult;
use prober_probes::port::LaneInput;
use prober_probes::record::{self, RecordOrigin};

use crate::kafka::wire::{Connection, Fetched, FetchedRecord, OffsetAt, WireError};

use super::{LaneContext, read_position};

/// Time-out of all requests of one partition. What was not answered is requested again by the track.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Offsets that may wait, per partition. A track requests again what found no room.
const WAITING_MAX: usize = 1024;

/// The offsets that wait to be read again. Clones share the state.
#[derive(Clone)]
pub(in crate::kafka) struct Rereader {
    context: LaneContext,
    waiting: Arc<Mutex<BTreeMap<Partition, BTreeSet<i64>>>>,
}

impl Rereader {
    pub(in crate::kafka) fn new(context: LaneContext) -> Rereader {
        Rereader { context, waiting: Arc::default() }
    }

    /// Reads `offset` again. The result comes as [`LaneInput::Reread`], or not at all if the broker does not answer.
    pub(in crate::kafka) fn request(&self, partition: Partition, offset: i64) {
        let mut waiting = self.lock();
        let idle = !waiting.contains_key(&partition);
        let offsets = waiting.entry(partition).or_default();
        if offsets.len() < WAITING_MAX {
            offsets.insert(offset);
        }
        if idle {
            let rereader = self.clone();
            self.context.supervisor.spawn_brief("reread", async move { rereader.serve(partition).await });
        }
    }

    /// Reads the waiting offsets of one partition, until none waits.
    async fn serve(&self, partition: Partition) {
        while let Some(offsets) = self.take(partition) {
            let reread = tokio::time::timeout(ANSWER_WITHIN, self.reread(partition, offsets)).await;
            tracing::debug!(topic = &*self.context.topic, partition = partition.0, ?reread, "reread");
        }
    }

    /// Takes the waiting offsets; without any, removes the partition, so that the next request starts a new task.
    fn take(&self, partition: Partition) -> Option<BTreeSet<i64>> {
        let mut waiting = self.lock();
        let offsets = waiting.get_mut(&partition).map(std::mem::take).filter(|offsets| !offsets.is_empty());
        if offsets.is_none() {
            waiting.remove(&partition);
        }
        offsets
    }

    async fn reread(&self, partition: Partition, offsets: BTreeSet<i64>) -> Result<(), WireError> {
        let context = &self.context;
        let Some(control) = context.leader_of(partition) else { return Ok(()) };
        let topic_id = context.leaders.topic_id();
        let connection = control.dial(control.idle_timeout).await?;
        for offset in offsets {
            let asked = context.clock.now();
            let (fetched, at) = context.fetch(&connection, partition, topic_id, offset, Duration::ZERO).await?;
            let found = match KafkaError::of(fetched.error) {
                None => context.found(partition, offset, &fetched),
                Some(KafkaError::OFFSET_OUT_OF_RANGE) => {
                    context.above_the_log(&connection, partition, offset).await.then_some(RereadResult::Nothing)
                }
                Some(_) => None,
            };
            if let Some(found) = found {
                context.emit(LaneInput::Reread { partition, asked, at, offset, found });
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Partition, BTreeSet<i64>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LaneContext {
    /// What a response without an error shows at `offset`; `None` if the response does not cover it.
    fn found(&self, partition: Partition, offset: i64, fetched: &Fetched) -> Option<RereadResult> {
        let covered = fetched.log_start <= offset && offset < fetched.high_watermark;
        if !covered {
            return None;
        }
        let there = fetched.records.iter().find(|record| match record {
            FetchedRecord::Read { offset: found, .. } => *found == offset,
            FetchedRecord::Unreadable { first, last, .. } => (*first..=*last).contains(&offset),
        });
        Some(match there {
            None => RereadResult::Nothing,
            Some(FetchedRecord::Unreadable { .. }) => RereadResult::Garbage,
            Some(FetchedRecord::Read { value, .. }) => {
                match record::classify(self.identity, self.lane, partition, value) {
                    RecordOrigin::Ours(sequence) => RereadResult::Record(sequence),
                    RecordOrigin::OtherRun => RereadResult::Nothing,
                    RecordOrigin::Foreign => RereadResult::Garbage,
                }
            }
        })
    }

    /// Whether `offset`, which is out of range, is above the end of the log. Below its start it was deleted by retention, which
    /// is not a loss.
    async fn above_the_log(&self, connection: &Connection, partition: Partition, offset: i64) -> bool {
        match read_position::end_of_log(connection, self, partition, OffsetAt::Earliest).await {
            Ok(earliest) => earliest <= offset,
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use prober_core::ids::{Lane, RunId, Sequence, VantageHash};
    use prober_core::placement::Mode;
    use prober_core::time::WallTime;
    use prober_probes::clock::Clock;
    use prober_probes::record::Identity;

    use super::super::TopicSettings;
    use super::*;
    use crate::supervisor::Supervisor;

    const US: Identity = Identity { run: RunId([7; 16]), vantage: VantageHash(42) };

    fn context() -> LaneContext {
        let settings = TopicSettings {
            lane: Lane::Replicated,
            bootstrap: Vec::new(),
            topic: "t".into(),
            client_id: "c".into(),
            security: Arc::default(),
            deadline: Duration::from_secs(5),
            upkeep: Mode::Off,
            identity: US,
        };
        LaneContext::new(&settings, Clock::start(), Arc::new(|_| {}), Supervisor::new().0)
    }

    fn record(run: u8, offset: i64) -> FetchedRecord {
        let identity = Identity { run: RunId([run; 16]), ..US };
        let value =
            record::encode(identity, Lane::Replicated, Partition(0), Sequence(5), WallTime(1), record::SIZE_MIN);
        FetchedRecord::Read { offset, leader_epoch: 0, value: value.into() }
    }

    fn found(records: Vec<FetchedRecord>, high_watermark: i64) -> Option<RereadResult> {
        let fetched = Fetched { error: 0, high_watermark, log_start: 3, next_offset: 10, records };
        context().found(Partition(0), 7, &fetched)
    }

    #[tokio::test]
    async fn response_that_does_not_cover_the_offset_shows_nothing() {
        assert_eq!(found(Vec::new(), 7), None);
        assert_eq!(found(Vec::new(), 8), Some(RereadResult::Nothing));
    }

    #[tokio::test]
    async fn record_of_this_run_is_found_by_its_number() {
        assert_eq!(found(vec![record(7, 7)], 8), Some(RereadResult::Record(Sequence(5))));
    }

    #[tokio::test]
    async fn record_of_another_run_at_the_offset_is_nothing() {
        assert_eq!(found(vec![record(8, 7)], 8), Some(RereadResult::Nothing));
    }

    #[tokio::test]
    async fn records_after_a_gap_do_not_fill_it() {
        assert_eq!(found(vec![record(7, 8)], 9), Some(RereadResult::Nothing));
    }
}
