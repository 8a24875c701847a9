//! Fetch: one partition from one offset, without a fetch session (KIP-227: id 0, epoch −1) and
//! without a leader epoch, so that nothing but the leader itself can refuse it. Either all that is
//! readable, or what committed transactions left of it.

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

/// The most that a reader asks for, in bytes. A broker answers with one whole batch however large.
pub const MAX_BYTES: i32 = 1 << 20;

/// The last version that names topics by name.
const LAST_BY_NAME: i16 = 12;

/// The first version in the flexible encoding.
const FLEXIBLE: i16 = 12;

/// The first version without the replica id in its old place.
const REPLICA_STATE: i16 = 15;

/// Reads records that a consumer may see, uncommitted ones included.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The topic's id, if known; without it the request is told in a version that takes names.
    pub topic_id: Option<[u8; 16]>,
    /// The partition's number.
    pub partition: i32,
    /// The first offset wanted.
    pub offset: i64,
    /// How long the broker may wait for a first byte, in whole milliseconds.
    pub max_wait: Duration,
    /// The most wanted, in bytes; one whole batch comes all the same. [`MAX_BYTES`] for whoever reads on.
    pub max_bytes: i32,
}

/// What could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Kafka's error code, of the partition or else of the whole answer; 0 if none.
    pub error: i16,
    /// The partition's high watermark, −1 if not told. Right after a failover it may lag behind.
    pub high_watermark: i64,
    /// The first offset of the log, −1 if not told.
    pub log_start: i64,
    /// Where to read on: past everything in this answer, also past what was skipped or unreadable.
    pub next_offset: i64,
    /// Records at and above the wanted offset, in the order of the log.
    pub records: Vec<FetchedRecord>,
}

/// As [`Fetch`], but reads what a consumer sees with `isolation.level=read_committed`: nothing at or
/// above the last stable offset, and no record of an aborted transaction (KIP-98).
#[derive(Debug, Clone)]
pub struct FetchCommitted(pub Fetch);

/// What could be read of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedCommitted {
    /// The answer; its records are the committed ones.
    pub fetched: Fetched,
    /// The offset of the first record whose transaction is open, or else the high watermark; −1 if
    /// not told. All below it is decided.
    pub last_stable: i64,
}

/// Kafka's number of each isolation level.
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

    /// The answer, how long we are throttled, and the last stable offset.
    fn read(&self, version: i16, mut body: Body) -> Result<(Fetched, Duration, i64), CodecError> {
        if version < FLEXIBLE {
            non_flexible::fetch_answer_fits(body.rest(), version)
                .ok_or_else(|| CodecError::new("lengths do not fit the frame"))?;
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
                0 => Err(CodecError::new("no answer for our partition")),
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
        // Told to readers of committed records only; to others none is hidden.
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
    let told = partition.aborted_transactions.iter().flatten();
    Aborted::new(told.map(|transaction| (transaction.producer_id.0, transaction.first_offset)))
}
