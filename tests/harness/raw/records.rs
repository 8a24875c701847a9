//! Writing one record; reading offsets and records.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::BrokerId;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record, RecordBatchDecoder,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};

use super::super::java_producer::wall_now;
use super::{Connection, REQUEST_TIMEOUT, RawError, leader_address, topic_name};

/// Offsets with their values.
pub(crate) type Records = Vec<(i64, Bytes)>;

/// The last versions before topic ids.
pub(crate) const PRODUCE_VERSION: i16 = 9;
pub(crate) const FETCH_VERSION: i16 = 12;
const LIST_OFFSETS_VERSION: i16 = 7;

/// Special timestamps of ListOffsets (KIP-79).
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;

const FETCH_BYTES: i32 = 1 << 20;

/// Base offset and length in front of every record batch.
const BATCH_PREFIX: usize = 12;

/// Writes one record with acks=1 over a connection of its own and returns its offset.
pub(crate) fn produce_one(
    addr: &str,
    topic: &str,
    partition: i32,
    value: &[u8],
    limit: Duration,
) -> Result<i64, RawError> {
    produce_on(&mut Connection::open(addr, limit)?, topic, partition, value, limit)
}

/// The same over an open connection.
pub(crate) fn produce_on(
    connection: &mut Connection,
    topic: &str,
    partition: i32,
    value: &[u8],
    limit: Duration,
) -> Result<i64, RawError> {
    let request = produce_request(topic, partition, value, limit)?;
    let answer = connection.ask(PRODUCE_VERSION, &request, limit)?;
    let partition = answer.responses.first().and_then(|topic| topic.partition_responses.first());
    let partition = partition.ok_or_else(|| RawError::malformed("no partition answered"))?;
    RawError::check(partition.error_code)?;
    Ok(partition.base_offset)
}

/// A request to write one record with acks=1.
pub(crate) fn produce_request(
    topic: &str,
    partition: i32,
    value: &[u8],
    limit: Duration,
) -> Result<ProduceRequest, RawError> {
    let data = PartitionProduceData::default().with_index(partition).with_records(Some(batch_of_one(value)?));
    let topic = TopicProduceData::default().with_name(topic_name(topic)).with_partition_data(vec![data]);
    Ok(ProduceRequest::default().with_acks(1).with_timeout_ms(millis(limit)).with_topic_data(vec![topic]))
}

/// The first offset that the leader at `addr` still has.
pub(crate) fn earliest_offset(addr: &str, topic: &str, partition: i32) -> Result<i64, RawError> {
    list_offset(addr, topic, partition, EARLIEST)
}

/// The high watermark at the leader at `addr`: the offset of the next readable record.
pub(crate) fn latest_offset(addr: &str, topic: &str, partition: i32) -> Result<i64, RawError> {
    list_offset(addr, topic, partition, LATEST)
}

/// Offset and value of every record in `from..to` at the leader at `addr`.
///
/// Ends early at the high watermark. Compressed batches are an error: the harness has no codecs.
pub(crate) fn fetch_all(addr: &str, topic: &str, partition: i32, from: i64, to: i64) -> Result<Records, RawError> {
    let mut connection = Connection::open(addr, REQUEST_TIMEOUT)?;
    let (mut records, mut next) = (Vec::new(), from);
    while next < to {
        let raw = fetch(&mut connection, topic, partition, next)?;
        let (read, end) = decode_batches(raw)?;
        let wanted = |(offset, _): &(i64, Bytes)| next <= *offset && *offset < to;
        records.extend(read.into_iter().filter(wanted));
        match end {
            Some(end) if next < end => next = end,
            _ => break,
        }
    }
    Ok(records)
}

/// Every readable record of a partition; `addr` may be any broker that knows the leader.
pub(crate) fn read_partition(addr: &str, topic: &str, partition: i32) -> Result<Records, RawError> {
    let leader = leader_address(addr, topic, partition)?;
    let from = earliest_offset(&leader, topic, partition)?;
    let to = latest_offset(&leader, topic, partition)?;
    fetch_all(&leader, topic, partition, from, to)
}

fn list_offset(addr: &str, topic: &str, partition: i32, at: i64) -> Result<i64, RawError> {
    let partition = ListOffsetsPartition::default()
        .with_partition_index(partition)
        .with_current_leader_epoch(-1)
        .with_timestamp(at);
    let topic = ListOffsetsTopic::default().with_name(topic_name(topic)).with_partitions(vec![partition]);
    let request = ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic]);
    let answer = Connection::open(addr, REQUEST_TIMEOUT)?.ask(LIST_OFFSETS_VERSION, &request, REQUEST_TIMEOUT)?;
    let partition = answer.topics.first().and_then(|topic| topic.partitions.first());
    let partition = partition.ok_or_else(|| RawError::malformed("no partition answered"))?;
    RawError::check(partition.error_code)?;
    Ok(partition.offset)
}

/// A fetch without a session (id 0, epoch −1), which waits this long for a record.
pub(crate) fn fetch_request(topic: &str, partition: i32, offset: i64, wait: Duration) -> FetchRequest {
    let partition = FetchPartition::default()
        .with_partition(partition)
        .with_current_leader_epoch(-1)
        .with_fetch_offset(offset)
        .with_partition_max_bytes(FETCH_BYTES);
    let topic = FetchTopic::default().with_topic(topic_name(topic)).with_partitions(vec![partition]);
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(millis(wait))
        .with_min_bytes(1)
        .with_max_bytes(FETCH_BYTES)
        .with_session_id(0)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

/// What a broker has now from an offset on.
fn fetch(connection: &mut Connection, topic: &str, partition: i32, offset: i64) -> Result<Bytes, RawError> {
    let request = fetch_request(topic, partition, offset, Duration::ZERO);
    let answer = connection.ask(FETCH_VERSION, &request, REQUEST_TIMEOUT)?;
    RawError::check(answer.error_code)?;
    let partition = answer.responses.into_iter().next().and_then(|t| t.partitions.into_iter().next());
    let partition = partition.ok_or_else(|| RawError::malformed("no partition answered"))?;
    RawError::check(partition.error_code)?;
    Ok(partition.records.unwrap_or_default())
}

/// The records of all whole batches, and the offset after the last one.
///
/// A broker cuts the last batch at the byte limit (KIP-74); that one is fetched again from its start.
fn decode_batches(mut raw: Bytes) -> Result<(Records, Option<i64>), RawError> {
    let (mut records, mut end) = (Vec::new(), None);
    while let Some(mut batch) = split_whole_batch(&mut raw) {
        let set = RecordBatchDecoder::decode(&mut batch).map_err(RawError::malformed)?;
        for record in set.records {
            end = Some(record.offset + 1);
            if !record.control {
                records.push((record.offset, record.value.unwrap_or_default()));
            }
        }
    }
    Ok((records, end))
}

fn split_whole_batch(raw: &mut Bytes) -> Option<Bytes> {
    let mut prefix = raw.get(..BATCH_PREFIX)?;
    prefix.advance(size_of::<i64>());
    let whole = BATCH_PREFIX + usize::try_from(prefix.get_i32()).ok()?;
    (whole <= raw.len()).then(|| raw.split_to(whole))
}

fn batch_of_one(value: &[u8]) -> Result<Bytes, RawError> {
    let record = Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: NO_SEQUENCE,
        // The current time: where the topic keeps the producer's timestamp, a record older than its retention is soon deleted.
        timestamp: i64::try_from(wall_now().as_millis()).unwrap_or(i64::MAX),
        key: None,
        value: Some(Bytes::copy_from_slice(value)),
        headers: Default::default(),
    };
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    let mut batch = BytesMut::new();
    RecordBatchEncoder::encode(&mut batch, [&record], &options).map_err(RawError::malformed)?;
    Ok(batch.freeze())
}
