//! Fetch: one partition from one offset, without a fetch session (KIP-227: id 0, epoch −1) and
//! without a leader epoch, so that nothing but the leader itself can refuse it.

use std::{sync::Arc, time::Duration};

use bytes::BytesMut;
use kafka_protocol::{
    messages::{
        BrokerId, FetchRequest, FetchResponse, TopicName,
        fetch_request::{FetchPartition, FetchTopic},
    },
    protocol::StrBytes,
};

use super::{
    codec::{self, Body, CodecError, Request},
    plain,
    records::{self, FetchedRecord},
    versions::Api,
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

impl Request for Fetch {
    type Answer = Fetched;

    const API: Api = Api::Fetch;

    fn newest(&self) -> i16 {
        if self.topic_id.is_some() { i16::MAX } else { LAST_BY_NAME }
    }

    fn encode(&self, version: i16, out: &mut BytesMut) -> Result<(), CodecError> {
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
            .with_isolation_level(0)
            .with_session_id(0)
            .with_session_epoch(-1)
            .with_topics(vec![topic]);
        if version < REPLICA_STATE {
            request.replica_id = BrokerId(-1);
        }
        codec::write(&request, version, out)
    }

    fn decode(self, version: i16, mut body: Body) -> Result<(Fetched, Duration), CodecError> {
        if version < FLEXIBLE {
            plain::fetch_answer_fits(body.rest(), version)
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
                error => Ok((self.nothing(error), throttle)),
            };
        };
        let error = [partition.error_code, response.error_code].into_iter().find(|code| *code != 0);
        let mut fetched = Fetched {
            error: error.unwrap_or(0),
            high_watermark: partition.high_watermark,
            log_start: partition.log_start_offset,
            ..self.nothing(0)
        };
        if let Some(bytes) = partition.records {
            (fetched.records, fetched.next_offset) = records::read(bytes, self.offset);
        }
        Ok((fetched, throttle))
    }
}

impl Fetch {
    fn nothing(&self, error: i16) -> Fetched {
        Fetched { error, high_watermark: -1, log_start: -1, next_offset: self.offset, records: Vec::new() }
    }
}
