//! Record batches as a log holds them (KIP-98, magic 2), read so that no bytes whatever can make
//! us panic, loop or reserve memory: a batch that cannot be read is named by its offsets, and
//! reading goes on behind it.
//!
//! The codec library checks each batch's header and CRC. The records we read ourselves, since
//! the library reserves room for as many headers as a record claims and adds offsets unchecked.

use std::collections::BTreeSet;

use bytes::{Buf, Bytes};
use kafka_protocol::records::{BatchDecodeInfo, Compression, RecordBatchDecoder};

/// What stands at an offset, or over a range of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchedRecord {
    /// A record.
    Read {
        /// Its offset.
        offset: i64,
        /// The epoch of the leader that appended it.
        leader_epoch: i32,
        /// Its value; empty if it has none.
        value: Bytes,
    },
    /// A batch that cannot be read.
    Unreadable {
        /// The first of its offsets that was asked for.
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
    /// It is compressed. We write none that are, so it is foreign, or the topic recompresses.
    Compressed,
    /// It is of a format before Kafka 0.11, or of one after ours.
    OtherFormat,
    /// Its CRC or its structure is broken.
    Damaged,
}

/// The aborted transactions of a stretch of log, as a broker tells them to a reader of committed
/// records (KIP-98): whose, and from which offset on. Each ends at its producer's next marker.
#[derive(Debug, Default)]
pub(super) struct Aborted {
    /// Those that begin behind what was read so far, as (first offset, producer id), the nearest last.
    ahead: Vec<(i64, i64)>,
    /// The producers in the midst of one.
    open: BTreeSet<i64>,
}

impl Aborted {
    /// From (producer id, first offset), in any order.
    pub(super) fn new(transactions: impl Iterator<Item = (i64, i64)>) -> Self {
        let mut ahead: Vec<_> = transactions.map(|(producer, first)| (first, producer)).collect();
        ahead.sort_unstable_by(|one, other| other.cmp(one));
        Self { ahead, open: BTreeSet::new() }
    }

    /// Whether the batch, which ends at `last`, is of one of them; batches come in the log's order.
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

/// Reads what a fetch at `wanted` brought: the records that are not of `aborted` transactions, and
/// the offset to read on from. A partial batch at the end is left for the next fetch, as the protocol
/// has it.
pub(super) fn read(mut bytes: Bytes, wanted: i64, mut aborted: Aborted) -> (Vec<FetchedRecord>, i64) {
    let mut records = Vec::new();
    let mut next = wanted;
    while let Some(batch) = Batch::split_from(&mut bytes) {
        let Some(last) = batch.last.filter(|last| *last >= batch.base) else {
            // Where this batch ends is unknown; step over one offset, so that we do not stand
            // still for ever.
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

/// One batch by the fields that lie outside its CRC, or at fixed places.
struct Batch {
    bytes: Bytes,
    base: i64,
    /// None if the batch is too short to say.
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

    /// Takes the next whole batch; none if what is left is none.
    fn split_from(bytes: &mut Bytes) -> Option<Self> {
        let base = i64::from_be_bytes(field(bytes, 0)?);
        let length = i32::from_be_bytes(field(bytes, 8)?);
        let Ok(length) = usize::try_from(length) else {
            // A negative length leaves no way to the next batch.
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

    /// Appends its records at and above `wanted`, unless they are of an aborted transaction.
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

/// Bytes behind their length, where −1 means null: none inside.
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
