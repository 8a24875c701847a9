//! The words of a transaction between us and one broker, who coordinates the id and leads the partition.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prober_core::fault::Fault;
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;
use prober_probes::clock::Clock;

use crate::kafka::session::fault;
use crate::kafka::wire::{
    Acks, AddPartitionToTxn, Connection, EndTxn, Fetch, FetchCommitted, FetchedCommitted, FetchedRecord, InTransaction,
    InitProducerId, InitializedProducer, Produce, Reply, Request, WireError,
};

use super::seat::{Place, Writer};

/// While the transaction before is still being completed, the coordinator is asked again after this, doubling up to
/// [`PAUSE_MAX`]; Kafka's own clients wait 20 ms.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// A broker without producer ids left asks the controller for more, and meanwhile says COORDINATOR_LOAD_IN_PROGRESS.
const PRODUCER_IDS_WITHIN: Duration = Duration::from_secs(2);

/// How long one fetch waits for the transaction to be decided. Only transactions are on this connection.
const FETCH_WAIT: Duration = Duration::from_millis(100);

/// One byte wanted: the broker sends one batch, however small, and the record wanted is the first.
const ONE_BATCH: i32 = 1;

/// A transaction that failed is aborted, if that goes quickly; else it is left to the next producer.
const ABORT_WITHIN: Duration = Duration::from_millis(500);

/// One attempt's side of the connection.
pub(super) struct Exchange {
    clock: Clock,
    connection: Arc<Connection>,
    transactional_id: Arc<str>,
    place: Place,
    within: Duration,
}

/// Whether a reader of committed records sees a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Yes,
    No,
}

/// What a coordinator's error code means to the attempt.
pub(super) type Checked<'a> = &'a (dyn Fn(i16) -> Result<(), Fault> + Sync);

impl Exchange {
    pub(super) fn new(
        clock: Clock,
        connection: Arc<Connection>,
        transactional_id: Arc<str>,
        place: Place,
        within: Duration,
    ) -> Exchange {
        Exchange { clock, connection, transactional_id, place, within }
    }

    /// A new producer. What an earlier one has left open is aborted first, which is waited for; so is, for a moment, a
    /// coordinator that says it is loading: a broker says the same while it gets its first producer ids.
    pub(super) async fn initialize(&self, transaction_timeout: Duration) -> Result<InitializedProducer, Fault> {
        let transactional_id = &self.transactional_id;
        let question = || InitProducerId { transactional_id: Arc::clone(transactional_id), transaction_timeout };
        let began = self.clock.now();
        loop {
            let initialized = self.patiently(question, |initialized| initialized.error).await?;
            let loading = KafkaError::of(initialized.error) == Some(KafkaError::COORDINATOR_LOAD_IN_PROGRESS);
            if !loading || PRODUCER_IDS_WITHIN <= self.clock.now().since(began) {
                return Ok(initialized);
            }
            tokio::time::sleep(PAUSE_MAX).await;
        }
    }

    /// Begins a transaction, writes one record and ends it. Returns the record's offset.
    pub(super) async fn transact(
        &self,
        writer: &mut Writer,
        value: Bytes,
        commit: bool,
        checked: Checked<'_>,
    ) -> Result<i64, Fault> {
        let add = || AddPartitionToTxn {
            transactional_id: Arc::clone(&self.transactional_id),
            producer: writer.producer,
            topic: Arc::clone(&self.place.topic),
            partition: self.place.partition.0,
        };
        checked(self.patiently(add, |added| added.error).await?.error)?;
        let done = self.write_and_end(writer, value, commit, checked).await;
        if let Err(fault) = done
            && !matches!(fault, Fault::Kafka(error) if error.is_fencing())
        {
            // Whether it worked does not matter: the writer is not used again.
            let _ = tokio::time::timeout(ABORT_WITHIN, self.end(writer, false)).await;
        }
        done
    }

    async fn write_and_end(
        &self,
        writer: &mut Writer,
        value: Bytes,
        commit: bool,
        checked: Checked<'_>,
    ) -> Result<i64, Fault> {
        let transaction = InTransaction {
            transactional_id: Arc::clone(&self.transactional_id),
            producer: writer.producer,
            sequence: writer.next_sequence(),
        };
        let produced = self.ask(Produce {
            topic: Arc::clone(&self.place.topic),
            partition: self.place.partition.0,
            value,
            timestamp_ms: self.clock.wall().as_millis(),
            acks: Acks::All,
            timeout: self.within,
            transaction: Some(transaction),
        });
        let produced = produced.await?.body;
        refused(produced.error)?;
        checked(self.end(writer, commit).await?)?;
        Ok(produced.base_offset)
    }

    /// Ends the transaction; returns the error code.
    async fn end(&self, writer: &Writer, commit: bool) -> Result<i16, Fault> {
        let transactional_id = Arc::clone(&self.transactional_id);
        Ok(self.ask(EndTxn { transactional_id, producer: writer.producer, commit }).await?.body.error)
    }

    /// Waits until the transaction of the record at `offset` is decided, and looks whether it is shown then.
    pub(super) async fn read_committed(&self, offset: i64, value: &Bytes) -> Result<(Seen, Time), Fault> {
        loop {
            let reply = self
                .ask(FetchCommitted(Fetch {
                    topic: Arc::clone(&self.place.topic),
                    topic_id: self.place.topic_id,
                    partition: self.place.partition.0,
                    offset,
                    max_wait: FETCH_WAIT,
                    max_bytes: ONE_BATCH,
                }))
                .await?;
            refused(reply.body.fetched.error)?;
            if let Some(seen) = seen(&reply.body, offset, value) {
                return Ok((seen, self.clock.at(reply.at)));
            }
            // The broker waits by itself, unless something else became readable.
            tokio::time::sleep(PAUSE_MIN).await;
        }
    }

    /// Asks again while the transaction before is being completed.
    async fn patiently<R: Request>(
        &self,
        question: impl Fn() -> R,
        error: impl Fn(&R::Response) -> i16,
    ) -> Result<R::Response, Fault> {
        let mut pause = PAUSE_MIN;
        loop {
            let answer = self.ask(question()).await?.body;
            if KafkaError::of(error(&answer)) != Some(KafkaError::CONCURRENT_TRANSACTIONS) {
                return Ok(answer);
            }
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(PAUSE_MAX);
        }
    }

    async fn ask<R: Request>(&self, question: R) -> Result<Reply<R::Response>, Fault> {
        let of = |error: WireError| fault::of(&error);
        self.connection.call(question).map_err(of)?.await.map_err(of)
    }
}

/// Whether the record is shown; `None` while its transaction is open, or one before it.
fn seen(answer: &FetchedCommitted, offset: i64, value: &Bytes) -> Option<Seen> {
    let ours = |record: &FetchedRecord| match record {
        FetchedRecord::Read { offset: stands, value: shown, .. } => *stands == offset && shown == value,
        FetchedRecord::Unreadable { .. } => false,
    };
    let shown = answer.fetched.records.iter().any(ours);
    match (shown, offset < answer.last_stable) {
        // Shown before it is decided is shown all the same.
        (true, _) => Some(Seen::Yes),
        (false, true) => Some(Seen::No),
        (false, false) => None,
    }
}

fn refused(code: i16) -> Result<(), Fault> {
    KafkaError::of(code).map_or(Ok(()), |error| Err(Fault::Kafka(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::wire::Fetched;

    fn answer(last_stable: i64, records: &[(i64, &'static [u8])]) -> FetchedCommitted {
        let records = records.iter().map(|(offset, value)| FetchedRecord::Read {
            offset: *offset,
            leader_epoch: 0,
            value: Bytes::from_static(value),
        });
        let records = records.collect();
        let fetched = Fetched { error: 0, high_watermark: 20, log_start: 0, next_offset: 20, records };
        FetchedCommitted { fetched, last_stable }
    }

    fn seen_at_ten(answer: &FetchedCommitted) -> Option<Seen> {
        seen(answer, 10, &Bytes::from_static(b"ours"))
    }

    #[test]
    fn nothing_is_known_while_a_transaction_before_is_open() {
        assert_eq!(seen_at_ten(&answer(10, &[])), None);
        assert_eq!(seen_at_ten(&answer(11, &[])), Some(Seen::No));
    }

    #[test]
    fn only_our_own_bytes_at_our_own_offset_are_our_record() {
        assert_eq!(seen_at_ten(&answer(12, &[(10, b"ours")])), Some(Seen::Yes));
        assert_eq!(seen_at_ten(&answer(12, &[(11, b"ours")])), Some(Seen::No));
        assert_eq!(seen_at_ten(&answer(12, &[(10, b"other")])), Some(Seen::No));
    }

    #[test]
    fn record_that_is_shown_too_early_is_seen() {
        assert_eq!(seen_at_ten(&answer(10, &[(10, b"ours")])), Some(Seen::Yes));
    }
}
