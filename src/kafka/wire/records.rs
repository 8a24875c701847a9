//! Decodes record batches (KIP-98, magic 2) so that no bytes can cause a panic, an endless loop or a large allocation. A
//! batch that cannot be read is reported by its offsets, and decoding goes on after it.
//!
//! The codec library checks the header and CRC of each batch. The records are decoded here, because the library reserves
//! memory for as many headers as a record announces, and adds offsets without checking for overflow.

use std::collections::BTreeSet;

use bytes::{Buf, Bytes};
use kafka_protocol::records::{BatchDecodeInfo, Compression, RecordBatchDecoder};

/// What a log holds at an offset, or over a range of offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchedRecord {
    /// A record.
    Read {
        /// Its offset.
        offset: i64,
        /// The epoch of the leader that appended it.
        leader_epoch: i32,
        /// Its value; empty if it is null.
        value: Bytes,
    },
    /// A batch that cannot be read.
    Unreadable {
        /// The first of its offsets that was requested.
        first: i64,
        /// Its last offset.
        last: i64,
        /// Why.
        why: Unreadable,
    },
}

/// Why a batch cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unreadable {
    /// It is compressed. The prober writes none of these: it is foreign, or the topic recompresses.
    Compressed,
    /// Its format is that of Kafka before 0.11, or newer than magic 2.
    OtherFormat,
    /// Its CRC is wrong, or its structure is.
    Damaged,
}

/// The aborted transactions in a range of the log, as a broker lists them for a reader of committed records (KIP-98): producer
/// id and first offset. Each ends at its producer's next marker.
#[derive(Debug, Default)]
pub(super) struct Aborted {
    /// Those that begin after the position read so far, as (first offset, producer id), the nearest last.
    ahead: Vec<(i64, i64)>,
    /// The producers whose aborted transaction has begun and not ended.
    open: BTreeSet<i64>,
}

impl Aborted {
    /// From (producer id, first offset), in any order.
    pub(super) fn new(transactions: impl Iterator<Item = (i64, i64)>) -> Self {
        let mut ahead: Vec<_> = transactions.map(|(producer, first)| (first, producer)).collect();
        ahead.sort_unstable_by(|one, other| other.cmp(one));
        Self { ahead, open: BTreeSet::new() }
    }

    /// Whether the batch, which ends at `last`, belongs to one of them. Batches are passed in the order of the log.
    fn hides(&mut self, batch: &BatchDecodeInfo, last: i64) -> bool {
        while let Some((_, producer)) = self.ahead.pop_if(|(first, _)| *first <= last) {
            self.open.insert(producer);
        }
        if batch.control {
            self.open.remove(&batch.producer_id);
        }
        batch.transactional && self.open.contains(&batch.producer_id)
    }
}

/// Decodes what a fetch at offset `wanted` returned: the records that do not belong to `aborted` transactions, and the offset
/// to read on from. A partial batch at the end is left to the next fetch, as the protocol provides.
pub(super) fn read(mut bytes: Bytes, wanted: i64, mut aborted: Aborted) -> (Vec<FetchedRecord>, i64) {
    let mut records = Vec::new();
    let mut next = wanted;
    while let Some(batch) = Batch::split_from(&mut bytes) {
        let Some(last) = batch.last.filter(|last| *last >= batch.base) else {
            // The end of this batch is unknown. Skip one offset, so that reading makes progress.
            records.push(unreadable(next, next, Unreadable::Damaged));
            return (records, next.saturating_add(1));
        };
        if last < next {
            continue;
        }
        let before = records.len();
        if let Err(why) = batch.read(next, last, &mut aborted, &mut records) {
            records.truncate(before);
            records.push(unreadable(next.max(batch.base), last, why));
        }
        next = last.saturating_add(1);
    }
    (records, next)
}

fn unreadable(first: i64, last: i64, why: Unreadable) -> FetchedRecord {
    FetchedRecord::Unreadable { first, last, why }
}

/// One batch, by the fields that are outside its CRC or at fixed positions.
struct Batch {
    bytes: Bytes,
    base: i64,
    /// `None` if the batch is too short.
    last: Option<i64>,
    magic: Option<i8>,
}

impl Batch {
    /// Base offset and batch length.
    const PREFIX: usize = 8 + 4;
    const EPOCH_AT: usize = 12;
    const MAGIC_AT: usize = 16;
    const LAST_OFFSET_DELTA_AT: usize = 23;
    const COUNT_AT: usize = 57;
    const RECORDS_AT: usize = 61;

    /// Takes the next whole batch; `None` if the bytes left are not a whole batch.
    fn split_from(bytes: &mut Bytes) -> Option<Self> {
        let base = i64::from_be_bytes(field(bytes, 0)?);
        let length = i32::from_be_bytes(field(bytes, 8)?);
        let Ok(length) = usize::try_from(length) else {
            // With a negative length the start of the next batch is unknown.
            let bytes = std::mem::take(bytes);
            return Some(Self { bytes, base, last: None, magic: None });
        };
        if bytes.len() - Self::PREFIX < length {
            return None;
        }
        let bytes = bytes.split_to(Self::PREFIX + length);
        let magic = field(&bytes, Self::MAGIC_AT).map(i8::from_be_bytes);
        let last = match magic {
            Some(0 | 1) => Some(base),
            Some(_) => field(&bytes, Self::LAST_OFFSET_DELTA_AT)
                .and_then(|delta| base.checked_add(i64::from(i32::from_be_bytes(delta)))),
            None => None,
        };
        Some(Self { bytes, base, last, magic })
    }

    /// Appends its records at and above `wanted`, unless they belong to an aborted transaction.
    fn read(
        &self,
        wanted: i64,
        last: i64,
        aborted: &mut Aborted,
        records: &mut Vec<FetchedRecord>,
    ) -> Result<(), Unreadable> {
        if self.magic != Some(2) {
            return Err(Unreadable::OtherFormat);
        }
        let info = RecordBatchDecoder::decode_batch_info(&mut self.bytes.clone())
            .ok()
            .and_then(|infos| infos.into_iter().next())
            .ok_or(Unreadable::Damaged)?;
        if aborted.hides(&info, last) || info.control {
            return Ok(());
        }
        if info.compression != Compression::None {
            return Err(Unreadable::Compressed);
        }
        self.read_records(wanted, records).ok_or(Unreadable::Damaged)
    }

    fn read_records(&self, wanted: i64, records: &mut Vec<FetchedRecord>) -> Option<()> {
        let leader_epoch = i32::from_be_bytes(field(&self.bytes, Self::EPOCH_AT)?);
        let count = i32::from_be_bytes(field(&self.bytes, Self::COUNT_AT)?);
        let mut rest = self.bytes.clone();
        rest.advance(Self::RECORDS_AT);
        for _ in 0..count {
            let (delta, value) = record(&mut rest)?;
            let offset = self.base.checked_add(delta)?;
            if offset < self.base || Some(offset) > self.last {
                return None;
            }
            if offset >= wanted {
                records.push(FetchedRecord::Read { offset, leader_epoch, value });
            }
        }
        Some(())
    }
}

/// The next record's offset within its batch, and its value.
fn record(rest: &mut Bytes) -> Option<(i64, Bytes)> {
    let size = usize::try_from(varint(rest)?).ok()?;
    let mut record = take(rest, size)?;
    take(&mut record, 1)?; // attributes
    varint(&mut record)?; // timestamp
    let delta = varint(&mut record)?;
    nullable(&mut record)?; // key
    let value = nullable(&mut record)?;
    Some((delta, value.unwrap_or_default()))
}

/// A length and as many bytes; the inner `None` is null, which has length −1.
fn nullable(record: &mut Bytes) -> Option<Option<Bytes>> {
    match varint(record)? {
        -1 => Some(None),
        length => take(record, usize::try_from(length).ok()?).map(Some),
    }
}

fn take(bytes: &mut Bytes, count: usize) -> Option<Bytes> {
    (count <= bytes.len()).then(|| bytes.split_to(count))
}

/// A zigzag varint of at most 64 bits.
fn varint(bytes: &mut Bytes) -> Option<i64> {
    let mut zigzag = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = bytes.try_get_u8().ok()?;
        zigzag |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed());
        }
    }
    None
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
