//! Fetch: reads one partition from one offset, without a fetch session (KIP-227: id 0, epoch −1) and without a leader epoch,
//! so that neither can be a reason for a refusal. Reads with isolation level `read_uncommitted` or `read_committed`.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use kafka_protocol::{
    messages::{
        BrokerId, FetchRequest, FetchResponse, TopicName,
        fetch_request::{FetchPartition, FetchTopic},
        fetch_response::PartitionData,
    },
    protocol::StrBytes,
};

use super::{
    api::Api,
    codec::{self, Body, CodecError, Request},
    non_flexible,
    records::{self, Aborted, FetchedRecord},
};

/// The `max_bytes` of a reader that reads on. A broker returns at least one whole batch, however large it is (KIP-74).
pub const MAX_BYTES: i32 = 1 << 20;

/// The last version that identifies topics by name.
const LAST_BY_NAME: i16 = 12;

/// The first version in the flexible encoding.
const FLEXIBLE: i16 = 12;

/// The first version that has the replica id in a tagged field (KIP-903).
const REPLICA_STATE: i16 = 15;

/// Reads records up to the high watermark, uncommitted ones included.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The topic's id, if known; without it, a version that takes names is used.
    pub topic_id: Option<[u8; 16]>,
    /// The partition's number.
    pub partition: i32,
    /// The first offset to read.
    pub offset: i64,
    /// How long the broker may wait for the first byte, in whole milliseconds.
    pub max_wait: Duration,
    /// The most bytes to return, apart from the first batch, which is returned whole. [`MAX_BYTES`] to read on.
    pub max_bytes: i32,
}

/// The response to [`Fetch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Kafka's error code, of the partition or else of the whole response; 0 if none.
    pub error: i16,
    /// The partition's high watermark, −1 if unknown. Right after a leader change it may be too low (KIP-207).
    pub high_watermark: i64,
    /// The first offset of the log, −1 if unknown.
    pub log_start: i64,
    /// The offset to read on from: after everything in this response, including what was skipped or unreadable.
    pub next_offset: i64,
    /// Records at and above the requested offset, in the order of the log.
    pub records: Vec<FetchedRecord>,
}

/// As [`Fetch`], with `isolation.level=read_committed`: no record at or above the last stable offset, and none of an aborted
/// transaction (KIP-98).
#[derive(Debug, Clone)]
pub struct FetchCommitted(pub Fetch);

/// The response to [`FetchCommitted`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedCommitted {
    /// The response; its records are the committed ones.
    pub fetched: Fetched,
    /// The last stable offset: that of the first record whose transaction is open, or else the high watermark; −1 if unknown.
    /// Every transaction below it is committed or aborted.
    pub last_stable: i64,
}

/// Kafka's codes of the isolation levels.
const READ_UNCOMMITTED: i8 = 0;
const READ_COMMITTED: i8 = 1;

impl Request for Fetch {
    type Response = Fetched;

    const API: Api = Api::Fetch;

    fn newest(&self) -> i16 {
        if self.topic_id.is_some() { i16::MAX } else { LAST_BY_NAME }
    }

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        codec::write(&self.request(version, READ_UNCOMMITTED)?, version, out)
    }

    fn decode(self, version: i16, body: Body) -> Result<(Fetched, Duration), CodecError> {
        let (fetched, throttle, _) = self.read(version, body)?;
        Ok((fetched, throttle))
    }
}

impl Request for FetchCommitted {
    type Response = FetchedCommitted;

    const API: Api = Api::Fetch;

    fn newest(&self) -> i16 {
        self.0.newest()
    }

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
        codec::write(&self.0.request(version, READ_COMMITTED)?, version, out)
    }

    fn decode(self, version: i16, body: Body) -> Result<(FetchedCommitted, Duration), CodecError> {
        let (fetched, throttle, last_stable) = self.0.read(version, body)?;
        Ok((FetchedCommitted { fetched, last_stable }, throttle))
    }
}

impl Fetch {
    fn request(&self, version: i16, isolation: i8) -> Result<FetchRequest, CodecError> {
        let partition = FetchPartition::default()
            .with_partition(self.partition)
            .with_current_leader_epoch(-1)
            .with_fetch_offset(self.offset)
            .with_partition_max_bytes(self.max_bytes);
        let mut topic = FetchTopic::default().with_partitions(vec![partition]);
        match self.topic_id {
            Some(id) if version > LAST_BY_NAME => {
                topic.topic_id = id.to_vec().try_into().map_err(CodecError::new)?;
            }
            _ => topic.topic = TopicName(StrBytes::from_string(self.topic.to_string())),
        }
        let mut request = FetchRequest::default()
            .with_max_wait_ms(codec::millis(self.max_wait))
            .with_min_bytes(1)
            .with_max_bytes(self.max_bytes)
            .with_isolation_level(isolation)
            .with_session_id(0)
            .with_session_epoch(-1)
            .with_topics(vec![topic]);
        if version < REPLICA_STATE {
            request.replica_id = BrokerId(-1);
        }
        Ok(request)
    }

    /// The response, the throttle time, and the last stable offset.
    fn read(&self, version: i16, mut body: Body) -> Result<(Fetched, Duration, i64), CodecError> {
        if version < FLEXIBLE {
            non_flexible::fetch_answer_fits(body.rest(), version)
                .ok_or_else(|| CodecError::new("a length exceeds the frame"))?;
        }
        let response: FetchResponse = body.decode(version)?;
        let throttle = codec::throttle(response.throttle_time_ms);
        let partition = response
            .responses
            .into_iter()
            .flat_map(|topic| topic.partitions)
            .find(|partition| partition.partition_index == self.partition);
        let Some(partition) = partition else {
            return match response.error_code {
                0 => Err(CodecError::new("the response lacks the requested partition")),
                error => Ok((self.nothing(error), throttle, -1)),
            };
        };
        let error = [partition.error_code, response.error_code].into_iter().find(|code| *code != 0);
        let mut fetched = Fetched {
            error: error.unwrap_or(0),
            high_watermark: partition.high_watermark,
            log_start: partition.log_start_offset,
            ..self.nothing(0)
        };
        // Sent to readers of committed records only.
        let aborted = aborted(&partition);
        if let Some(bytes) = partition.records {
            (fetched.records, fetched.next_offset) = records::read(bytes, self.offset, aborted);
        }
        Ok((fetched, throttle, partition.last_stable_offset))
    }

    fn nothing(&self, error: i16) -> Fetched {
        Fetched { error, high_watermark: -1, log_start: -1, next_offset: self.offset, records: Vec::new() }
    }
}

fn aborted(partition: &PartitionData) -> Aborted {
    let transactions = partition.aborted_transactions.iter().flatten();
    Aborted::new(transactions.map(|transaction| (transaction.producer_id.0, transaction.first_offset)))
}
