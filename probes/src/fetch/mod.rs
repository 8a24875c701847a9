//! `fetch`: reads a known record of the broker's pinned partition again. It judges reading even while nothing can be
//! written, and depends on this broker's disk and page cache only.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{Broker, BrokerId, Partition};
use prober_core::kafka_error::KafkaError;
use prober_core::time::Time;

use crate::direct::context::ProbeContext;
use crate::direct::probe::{Attempt, DirectProbe};
use crate::port::requests::{Fetch, Fetched, FetchedRecord, Isolation, ListOffset, LogEnd, TopicId};
use crate::port::{MetadataSnapshot, Pool, ProbeResponse, SharedConnection};

/// Time that a broker may take for ListOffsets (KIP-405: from tiered storage); the attempt has its own deadline.
const LIST_OFFSET_WITHIN: Duration = Duration::from_secs(2);

/// One byte is wanted, so the broker sends exactly one batch.
const ONE_BATCH: i32 = 1;

/// The `fetch` probe of a cluster: remembers which record it reads.
pub struct FetchProbe {
    context: ProbeContext,
    offsets: Mutex<BTreeMap<Log, i64>>,
}

/// A partition of the pinned topic, by the topic's id: a recreated topic has other logs.
type Log = (Partition, Option<TopicId>);

impl FetchProbe {
    /// The probe.
    pub fn new(context: &ProbeContext) -> FetchProbe {
        FetchProbe { context: context.clone(), offsets: Mutex::default() }
    }

    async fn read(&self, broker: BrokerId, metadata: &MetadataSnapshot) -> Result<Time, Fault> {
        let log = self.log(broker, metadata).ok_or(Fault::NoPartition)?;
        let connection = self.context.cluster.connection(broker, Pool::Control).await?;
        let known = self.offsets().get(&log).copied();
        let offset = match known {
            Some(offset) => offset,
            None => self.find_newest(&connection, log).await?,
        };
        let (fetched, at) = self.fetch(&connection, log, offset).await?;
        let (fetched, at) = match fetched.error {
            // Retention has deleted the record, or the log was reset: the broker answers, so another record is read.
            Some(KafkaError::OFFSET_OUT_OF_RANGE) => {
                let offset = self.find_newest(&connection, log).await?;
                self.fetch(&connection, log, offset).await?
            }
            _ => (fetched, at),
        };
        judge(&fetched)?;
        Ok(at)
    }

    /// The newest record's offset, which is remembered, or the end of an empty log.
    async fn find_newest(&self, connection: &SharedConnection, log: Log) -> Result<i64, Fault> {
        let earliest = self.log_end(connection, log, LogEnd::Earliest).await?;
        let latest = self.log_end(connection, log, LogEnd::Latest).await?;
        let offset = (latest - 1).max(earliest);
        let mut offsets = self.offsets();
        // Offsets of a deleted topic of the same name are of no use.
        offsets.retain(|(partition, _), _| *partition != log.0);
        if earliest < latest {
            offsets.insert(log, offset);
        }
        Ok(offset)
    }

    async fn log_end(&self, connection: &SharedConnection, log: Log, end: LogEnd) -> Result<i64, Fault> {
        let topic = Arc::clone(&self.context.settings.pinned);
        let request = ListOffset { topic, partition: log.0, end, timeout: LIST_OFFSET_WITHIN };
        let listed = connection.list_offset(request).await?.body;
        listed.error.map_or(Ok(listed.offset), |error| Err(Fault::Kafka(error)))
    }

    async fn fetch(&self, connection: &SharedConnection, log: Log, offset: i64) -> Result<(Fetched, Time), Fault> {
        let (partition, topic_id) = log;
        let request = Fetch {
            topic: Arc::clone(&self.context.settings.pinned),
            topic_id,
            partition,
            offset,
            max_wait: Duration::ZERO,
            max_bytes: ONE_BATCH,
            isolation: Isolation::ReadUncommitted,
        };
        let response = connection.fetch(request).await?;
        Ok((response.body, response.at))
    }

    fn log(&self, broker: BrokerId, metadata: &MetadataSnapshot) -> Option<Log> {
        let pinned = &self.context.settings.pinned;
        let partition = metadata.pinned_partition(pinned, broker)?;
        Some((partition, metadata.topics.get(pinned)?.id))
    }

    fn offsets(&self) -> MutexGuard<'_, BTreeMap<Log, i64>> {
        self.offsets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DirectProbe for FetchProbe {
    async fn attempt(self: Arc<Self>, attempt: Attempt) -> ProbeResponse {
        let Some(broker) = attempt.broker.id() else { return self.context.failed(Fault::NoPartition) };
        match self.read(broker, &attempt.metadata).await {
            Ok(at) => ProbeResponse { sent: None, at, result: Ok(()) },
            Err(fault) => self.context.failed(fault),
        }
    }

    fn targets(&self, metadata: &MetadataSnapshot) -> BTreeSet<Broker> {
        let pinned = metadata.pinned_partitions(&self.context.settings.pinned);
        pinned.map(|(broker, _)| Broker::Id(broker)).collect()
    }
}

/// A response without an error is good: it holds a record, or none, because the log ends there or holds only the marker of
/// a transaction. Whose record it is matters to the lane; damaged bytes are the broker's fault.
fn judge(fetched: &Fetched) -> Result<(), Fault> {
    if let Some(error) = fetched.error {
        return Err(Fault::Kafka(error));
    }
    match fetched.records.first() {
        Some(FetchedRecord::Damaged) => Err(Fault::Corrupt),
        _ => Ok(()),
    }
}
