//! Fetches records of the topic, and classifies them by origin.

use std::sync::Arc;
use std::time::Duration;

use prober_core::ids::Partition;
use prober_core::time::Time;
use prober_probes::port::LaneInput;
use prober_probes::record::{self, RecordOrigin};

use crate::kafka::wire::{Connection, Fetch, Fetched, FetchedRecord, MAX_BYTES, WireError};

use super::LaneContext;

impl LaneContext {
    /// The input that a fetched record is to the lane; `None` for records of other runs and vantages.
    pub(in crate::kafka) fn classify(
        &self,
        partition: Partition,
        at: Time,
        record: &FetchedRecord,
    ) -> Option<LaneInput> {
        match record {
            FetchedRecord::Unreadable { first, last, .. } => {
                Some(LaneInput::Foreign { partition, at, first: *first, last: *last })
            }
            FetchedRecord::Read { offset, value, .. } => self.classify_value(partition, at, *offset, value),
        }
    }

    /// As [`LaneContext::classify`], by the record's value.
    pub(in crate::kafka) fn classify_value(
        &self,
        partition: Partition,
        at: Time,
        offset: i64,
        value: &[u8],
    ) -> Option<LaneInput> {
        match record::classify(self.identity, self.lane, partition, value) {
            RecordOrigin::Ours(sequence) => Some(LaneInput::Read { partition, sequence, at, offset }),
            RecordOrigin::OtherRun => None,
            RecordOrigin::Foreign => Some(LaneInput::Foreign { partition, at, first: offset, last: offset }),
        }
    }

    /// One fetch. Returns the response, and when it arrived.
    pub(in crate::kafka) async fn fetch(
        &self,
        connection: &Connection,
        partition: Partition,
        topic_id: Option<[u8; 16]>,
        offset: i64,
        max_wait: Duration,
    ) -> Result<(Fetched, Time), WireError> {
        let topic = Arc::clone(&self.topic);
        let call = connection.call(Fetch {
            topic,
            topic_id,
            partition: partition.0,
            offset,
            max_wait,
            max_bytes: MAX_BYTES,
        })?;
        let reply = call.await?;
        Ok((reply.body, self.clock.at(reply.at)))
    }
}
