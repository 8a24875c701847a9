//! Record batches: whole, partial, foreign and damaged.

use bytes::{Bytes, BytesMut};
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};
use proptest::prelude::*;

use super::super::records::{Aborted, FetchedRecord, Unreadable, read as read_without};

fn record(offset: i64, value: &[u8]) -> Record {
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: 6,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: TimestampType::Creation,
        offset,
        sequence: i32::try_from(offset).expect("a small offset"),
        timestamp: 5,
        key: Some(Bytes::from_static(b"key")),
        value: Some(Bytes::copy_from_slice(value)),
        headers: [("header".into(), Some("of no interest".into()))].into_iter().collect(),
    }
}

/// Decodes as a reader of uncommitted records.
fn read(bytes: Bytes, wanted: i64) -> (Vec<FetchedRecord>, i64) {
    read_without(bytes, wanted, Aborted::default())
}

fn encode(records: &[Record]) -> Bytes {
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut bytes, records, &options).expect("a batch");
    bytes.freeze()
}

/// One batch of these values, from this offset on.
pub(super) fn batch(base: i64, values: &[&[u8]]) -> Bytes {
    let records: Vec<_> = (base..).zip(values).map(|(offset, value)| record(offset, value)).collect();
    encode(&records)
}

fn two_batches() -> Vec<u8> {
    [batch(10, &[b"a", b"b"]), batch(12, &[b"c"])].concat()
}

fn reads(offset: i64, value: &'static [u8]) -> FetchedRecord {
    FetchedRecord::Read { offset, leader_epoch: 6, value: Bytes::from_static(value) }
}

fn unreadable(first: i64, last: i64, why: Unreadable) -> FetchedRecord {
    FetchedRecord::Unreadable { first, last, why }
}

#[test]
fn records_below_the_requested_offset_are_omitted() {
    let (records, next) = read(two_batches().into(), 11);
    assert_eq!((records, next), (vec![reads(11, b"b"), reads(12, b"c")], 13));
    let (records, next) = read(two_batches().into(), 50);
    assert_eq!((records, next), (vec![], 50));
}

#[test]
fn empty_response_keeps_the_offset() {
    assert_eq!(read(Bytes::new(), 10), (vec![], 10));
}

#[test]
fn partial_batch_is_left_to_the_next_fetch() {
    let whole = two_batches();
    let first = batch(10, &[b"a", b"b"]).len();
    for end in first..whole.len() {
        let (records, next) = read(Bytes::copy_from_slice(&whole[..end]), 10);
        assert_eq!((records, next), (vec![reads(10, b"a"), reads(11, b"b")], 12));
    }
}

#[test]
fn batch_with_a_wrong_crc_is_reported_and_skipped() {
    let mut bytes = two_batches();
    let at = batch(10, &[b"a", b"b"]).len() - 1;
    bytes[at] ^= 1;
    let (records, next) = read(bytes.into(), 11);
    assert_eq!(records, [unreadable(11, 11, Unreadable::Damaged), reads(12, b"c")]);
    assert_eq!(next, 13);
}

#[test]
fn compressed_batch_is_not_reported_as_damaged() {
    const CRC_AT: usize = 17;
    const ATTRIBUTES_AT: usize = 21;
    let mut bytes = two_batches();
    let end = batch(10, &[b"a", b"b"]).len();
    bytes[ATTRIBUTES_AT + 1] |= Compression::Gzip as u8;
    let crc = crc32c(&bytes[ATTRIBUTES_AT..end]);
    bytes[CRC_AT..ATTRIBUTES_AT].copy_from_slice(&crc.to_be_bytes());
    let (records, _) = read(bytes.into(), 10);
    assert_eq!(records, [unreadable(10, 11, Unreadable::Compressed), reads(12, b"c")]);
}

#[test]
fn batch_of_an_older_format_is_not_reported_as_damaged() {
    const MAGIC_AT: usize = 16;
    for magic in [0, 1] {
        let mut bytes = two_batches();
        bytes[MAGIC_AT] = magic;
        let (records, _) = read(bytes.into(), 10);
        assert_eq!(records, [unreadable(10, 10, Unreadable::OtherFormat), reads(12, b"c")]);
    }
}

#[test]
fn control_batch_has_no_records_and_advances_the_offset() {
    let control = encode(&[Record { control: true, transactional: true, ..record(20, b"commit") }]);
    assert_eq!(read(control, 20), (vec![], 21));
}

/// One record of a transaction of `producer`, or its marker.
fn of(producer: i64, offset: i64, value: &[u8]) -> Bytes {
    let control = value.is_empty();
    encode(&[Record { transactional: true, control, producer_id: producer, ..record(offset, value) }])
}

/// Records of producers 7 and 8 in turn; 7 aborts at 13, 8 commits at 15, then 7 commits at 17.
fn transactions() -> Bytes {
    let batches: [(i64, &[u8]); 8] =
        [(7, b"a"), (8, b"b"), (7, b"c"), (7, b""), (8, b"d"), (8, b""), (7, b"e"), (7, b"")];
    let log = (10..).zip(batches).map(|(offset, (producer, value))| of(producer, offset, value));
    log.collect::<Vec<_>>().concat().into()
}

fn values(records: &[FetchedRecord]) -> Vec<&[u8]> {
    let values = records.iter().map(|record| match record {
        FetchedRecord::Read { value, .. } => &value[..],
        FetchedRecord::Unreadable { .. } => &b"?"[..],
    });
    values.collect()
}

#[test]
fn reader_of_uncommitted_records_sees_what_was_aborted_too() {
    let (records, next) = read(transactions(), 10);
    assert_eq!((values(&records), next), (vec![&b"a"[..], b"b", b"c", b"d", b"e"], 18));
}

#[test]
fn aborted_transaction_is_hidden_up_to_its_marker_and_no_other() {
    let (records, next) = read_without(transactions(), 10, Aborted::new([(7, 10)].into_iter()));
    assert_eq!((values(&records), next), (vec![&b"b"[..], b"d", b"e"], 18));
    let both = Aborted::new([(8, 11), (7, 10)].into_iter());
    assert_eq!(values(&read_without(transactions(), 10, both).0), [b"e"]);
}

#[test]
fn aborted_transaction_that_began_before_the_first_batch_is_hidden_too() {
    let (records, _) = read_without(transactions(), 12, Aborted::new([(7, 10)].into_iter()));
    assert_eq!(values(&records), [b"d", b"e"]);
}

#[test]
fn record_outside_a_transaction_is_never_hidden() {
    let plain = encode(&[Record { producer_id: 7, ..record(10, b"a") }]);
    let (records, _) = read_without(plain, 10, Aborted::new([(7, 10)].into_iter()));
    assert_eq!(values(&records), [b"a"]);
}

#[test]
fn impossible_length_skips_one_offset() {
    let mut bytes = two_batches();
    bytes[8..12].copy_from_slice(&(-5_i32).to_be_bytes());
    let (records, next) = read(bytes.into(), 10);
    assert_eq!((records, next), (vec![unreadable(10, 10, Unreadable::Damaged)], 11));
    let mut short = two_batches();
    short[8..12].copy_from_slice(&3_i32.to_be_bytes());
    let (records, next) = read(short.into(), 10);
    assert_eq!((records, next), (vec![unreadable(10, 10, Unreadable::Damaged)], 11));
}

#[test]
fn null_value_is_read_as_empty() {
    let tombstone = encode(&[Record { value: None, ..record(3, b"") }]);
    assert_eq!(read(tombstone, 3), (vec![reads(3, b"")], 4));
}

/// CRC-32C, bit by bit: gives a changed batch a correct CRC.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0x82f6_3b78 * (crc & 1)))
    })
}

/// Checks what must hold for any bytes.
fn check(bytes: Vec<u8>, wanted: i64) {
    let (records, next) = read(bytes.into(), wanted);
    assert!(next >= wanted);
    let mut at = wanted;
    for record in records {
        let (first, last) = match record {
            FetchedRecord::Read { offset, .. } => (offset, offset),
            FetchedRecord::Unreadable { first, last, .. } => (first, last),
        };
        assert!(first >= wanted && first <= last && last < next.max(i64::MAX - 1));
        at = at.max(last);
    }
    assert!(at <= next);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn changed_bytes_with_a_true_crc_never_panic(
        edits in prop::collection::vec((0_usize..400, any::<u8>()), 1..8),
        wanted in prop_oneof![0_i64..20, any::<i64>()],
    ) {
        let mut bytes = two_batches();
        let end = batch(10, &[b"a", b"b"]).len();
        for (at, value) in edits {
            let length = bytes.len();
            bytes[at % length] = value;
        }
        let crc = crc32c(&bytes[21..end]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        check(bytes, wanted);
    }

    #[test]
    fn random_bytes_never_panic(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(2), Just(0xff)], 0..300),
        wanted in any::<i64>(),
    ) {
        check(bytes, wanted);
    }
}
