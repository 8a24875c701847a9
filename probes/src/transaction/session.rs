//! The requests of a transaction to one broker, which coordinates the transactional id and leads the partition.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prober_core::fault::Fault;
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;

use super::producer_slot::{IdleProducer, WritePartition};
use crate::backoff::Backoff;
use crate::clock::Clock;
use crate::port::requests::{
    Fetch, Fetched, FetchedRecord, InitializedProducer, Isolation, ProduceInTransaction, Refusal, Transaction,
};
use crate::port::{Responding, SharedConnection};

/// While the previous transaction is being completed, the coordinator is asked again after this, doubling up to
/// [`RETRY_MAX`]; Kafka's own clients wait 20 ms.
const RETRY_MIN: Duration = Duration::from_millis(10);
const RETRY_MAX: Duration = Duration::from_millis(100);

/// A broker that has used up its block of producer ids requests another from the controller, and answers
/// COORDINATOR_LOAD_IN_PROGRESS until it has it. This is the longest wait for it.
const PRODUCER_IDS_WITHIN: Duration = Duration::from_secs(2);

/// How long one fetch waits for the transaction to be decided. The connection carries transactions only.
const FETCH_MAX_WAIT: Duration = Duration::from_millis(100);

/// One byte is wanted, so the broker sends exactly one batch, and the record is its first.
const ONE_BATCH: i32 = 1;

/// How long a failed attempt tries to abort its transaction; after that the next producer does.
const ABORT_WITHIN: Duration = Duration::from_millis(500);

/// One attempt's requests.
pub(super) struct TransactionSession {
    pub(super) clock: Clock,
    pub(super) connection: SharedConnection,
    pub(super) transactional_id: Arc<str>,
    pub(super) partition: WritePartition,
    pub(super) within: Duration,
}

/// Whether a reader of committed records is shown a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visibility {
    Visible,
    Hidden,
}

/// What the error in a coordinator's response means to the attempt.
pub(super) type OnResponse<'a> = &'a (dyn Fn(Refusal) -> Result<(), Fault> + Sync);

impl TransactionSession {
    /// Requests a new producer. The coordinator first aborts what an earlier one has left open, which is waited for.
    pub(super) async fn init_producer(&self, transaction_timeout: Duration) -> Result<InitializedProducer, Fault> {
        let request = || self.connection.init_producer_id(Arc::clone(&self.transactional_id), transaction_timeout);
        let began = self.clock.now();
        loop {
            let initialized = self.retry_while_concurrent(request, |body| body.error).await?;
            let loading = initialized.error == Some(KafkaError::COORDINATOR_LOAD_IN_PROGRESS);
            if !loading || PRODUCER_IDS_WITHIN <= self.clock.now().since(began) {
                return Ok(initialized);
            }
            tokio::time::sleep(RETRY_MAX).await;
        }
    }

    /// Begins a transaction, writes one record and ends it. Returns the record's offset.
    pub(super) async fn run(
        &self,
        producer: &mut IdleProducer,
        value: Bytes,
        commit: bool,
        on_response: OnResponse<'_>,
    ) -> Result<i64, Fault> {
        let transaction = self.transaction(producer);
        let add = || {
            let topic = Arc::clone(&self.partition.topic);
            self.connection.add_partition_to_transaction(transaction.clone(), topic, self.partition.partition)
        };
        on_response(self.retry_while_concurrent(add, |error| *error).await?)?;
        let done = self.write_and_end(producer, value, commit, on_response).await;
        if let Err(fault) = done
            && !matches!(fault, Fault::Kafka(error) if error.is_fencing())
        {
            // The producer is not used again, whether the abort succeeds or not.
            let _ = tokio::time::timeout(ABORT_WITHIN, self.end(producer, false)).await;
        }
        done
    }

    async fn write_and_end(
        &self,
        producer: &mut IdleProducer,
        value: Bytes,
        commit: bool,
        on_response: OnResponse<'_>,
    ) -> Result<i64, Fault> {
        let request = ProduceInTransaction {
            transaction: self.transaction(producer),
            sequence: producer.next_sequence(),
            topic: Arc::clone(&self.partition.topic),
            partition: self.partition.partition,
            value,
            timestamp_ms: self.clock.wall().as_millis(),
            timeout: self.within,
        };
        let produced = self.connection.produce_in_transaction(request).await?.body;
        success(produced.error)?;
        on_response(self.end(producer, commit).await?)?;
        Ok(produced.offset)
    }

    /// Ends the transaction.
    async fn end(&self, producer: &IdleProducer, commit: bool) -> Result<Refusal, Fault> {
        Ok(self.connection.end_transaction(self.transaction(producer), commit).await?.body)
    }

    /// Waits until the transaction of the record at `offset` is decided. Returns whether the record is visible then, and
    /// when that was known.
    pub(super) async fn read_committed(&self, offset: i64, value: &Bytes) -> Result<(Visibility, Time), Fault> {
        loop {
            let request = Fetch {
                topic: Arc::clone(&self.partition.topic),
                topic_id: self.partition.topic_id,
                partition: self.partition.partition,
                offset,
                max_wait: FETCH_MAX_WAIT,
                max_bytes: ONE_BATCH,
                isolation: Isolation::ReadCommitted,
            };
            let response = self.connection.fetch(request).await?;
            success(response.body.error)?;
            if let Some(visibility) = visibility(&response.body, offset, value) {
                return Ok((visibility, response.at));
            }
            // The broker waits by itself, unless something else became readable.
            tokio::time::sleep(RETRY_MIN).await;
        }
    }

    /// Repeats a request while the previous transaction is being completed.
    async fn retry_while_concurrent<'a, T>(
        &'a self,
        request: impl Fn() -> Responding<'a, T>,
        error: impl Fn(&T) -> Refusal,
    ) -> Result<T, Fault> {
        let mut backoff = Backoff::new(RETRY_MIN, RETRY_MAX);
        loop {
            let body = request().await?.body;
            if error(&body) != Some(KafkaError::CONCURRENT_TRANSACTIONS) {
                return Ok(body);
            }
            backoff.wait().await;
        }
    }

    fn transaction(&self, producer: &IdleProducer) -> Transaction {
        Transaction { transactional_id: Arc::clone(&self.transactional_id), producer: producer.producer }
    }
}

/// Whether the record is visible; `None` while its transaction is open, or one before it.
fn visibility(fetched: &Fetched, offset: i64, value: &Bytes) -> Option<Visibility> {
    let is_ours = |record: &FetchedRecord| match record {
        FetchedRecord::Read { offset: at, value: shown } => *at == offset && shown == value,
        FetchedRecord::Damaged | FetchedRecord::Unreadable => false,
    };
    match (fetched.records.iter().any(is_ours), offset < fetched.last_stable) {
        // A record that is shown before its transaction is decided is visible all the same.
        (true, _) => Some(Visibility::Visible),
        (false, true) => Some(Visibility::Hidden),
        (false, false) => None,
    }
}

fn success(error: Refusal) -> Result<(), Fault> {
    error.map_or(Ok(()), |error| Err(Fault::Kafka(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched(last_stable: i64, records: &[(i64, &'static [u8])]) -> Fetched {
        let read = |(offset, value): &(i64, &'static [u8])| FetchedRecord::Read {
            offset: *offset,
            value: Bytes::from_static(value),
        };
        Fetched { error: None, last_stable, records: records.iter().map(read).collect() }
    }

    fn at_offset_ten(fetched: &Fetched) -> Option<Visibility> {
        visibility(fetched, 10, &Bytes::from_static(b"ours"))
    }

    #[test]
    fn visibility_is_unknown_while_an_earlier_transaction_is_open() {
        assert_eq!(at_offset_ten(&fetched(10, &[])), None);
        assert_eq!(at_offset_ten(&fetched(11, &[])), Some(Visibility::Hidden));
    }

    #[test]
    fn record_is_recognised_by_its_offset_and_bytes() {
        assert_eq!(at_offset_ten(&fetched(12, &[(10, b"ours")])), Some(Visibility::Visible));
        assert_eq!(at_offset_ten(&fetched(12, &[(11, b"ours")])), Some(Visibility::Hidden));
        assert_eq!(at_offset_ten(&fetched(12, &[(10, b"other")])), Some(Visibility::Hidden));
    }

    #[test]
    fn record_that_is_shown_before_the_decision_is_visible() {
        assert_eq!(at_offset_ten(&fetched(10, &[(10, b"ours")])), Some(Visibility::Visible));
    }
}
