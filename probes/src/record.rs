//! The bytes of a probe record, big-endian:
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 | magic `KPRB` |
//! | 1 | version, 1 |
//! | 1 | lane, or [`TRANSACTION`] |
//! | 16 | run id |
//! | 8 | vantage hash |
//! | 4 | partition |
//! | 8 | sequence |
//! | 8 | due, wall time in ns |
//! | … | padding |
//! | 4 | CRC-32C of everything before |

use prober_core::ids::{Lane, Partition, RunId, Sequence, VantageHash};
use prober_core::time::WallTime;

const MAGIC: [u8; 4] = *b"KPRB";
const VERSION: u8 = 1;
const CHECKSUM: usize = 4;

/// A record without padding.
pub const SIZE_MIN: usize = 4 + 1 + 1 + 16 + 8 + 4 + 8 + 8 + CHECKSUM;

/// The lane byte of a record of the `transaction` probe. The lanes' readers classify it as [`RecordOrigin::OtherRun`].
pub const TRANSACTION: u8 = 3;

/// Who writes the records: this run at this vantage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The run of the process.
    pub run: RunId,
    /// The vantage.
    pub vantage: VantageHash,
}

/// Who wrote a record in a monitor topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordOrigin {
    /// This run, with this sequence number.
    Ours(Sequence),
    /// Another run, vantage or probe of kafka-prober. The record is ignored.
    OtherRun,
    /// Not kafka-prober: the bytes are not in its format.
    Foreign,
}

/// Writes a record of `size` bytes, or of [`SIZE_MIN`] if that is more.
pub fn encode(
    identity: Identity,
    lane: Lane,
    partition: Partition,
    sequence: Sequence,
    due: WallTime,
    size: usize,
) -> Vec<u8> {
    encode_as(lane.code(), identity, partition, sequence, due, size)
}

/// Writes the record of a transaction, without padding.
pub fn encode_transaction(identity: Identity, partition: Partition, sequence: Sequence, due: WallTime) -> Vec<u8> {
    encode_as(TRANSACTION, identity, partition, sequence, due, SIZE_MIN)
}

fn encode_as(
    code: u8,
    identity: Identity,
    partition: Partition,
    sequence: Sequence,
    due: WallTime,
    size: usize,
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size.max(SIZE_MIN));
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&[VERSION, code]);
    bytes.extend_from_slice(&identity.run.0);
    bytes.extend_from_slice(&identity.vantage.0.to_be_bytes());
    bytes.extend_from_slice(&partition.0.to_be_bytes());
    bytes.extend_from_slice(&sequence.0.to_be_bytes());
    bytes.extend_from_slice(&due.0.to_be_bytes());
    bytes.resize(size.max(SIZE_MIN) - CHECKSUM, 0);
    let checksum = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&checksum.to_be_bytes());
    bytes
}

/// Classifies a record at `partition` of `lane` by who wrote it.
pub fn classify(identity: Identity, lane: Lane, partition: Partition, bytes: &[u8]) -> RecordOrigin {
    classify_by(VERSION, identity, lane, partition, bytes)
}

/// As [`classify`], by a prober whose own format has this version.
fn classify_by(own_version: u8, identity: Identity, lane: Lane, partition: Partition, bytes: &[u8]) -> RecordOrigin {
    let fields = match parse(own_version, bytes) {
        Parsed::OwnVersion(fields) => fields,
        Parsed::OtherVersion => return RecordOrigin::OtherRun,
        Parsed::Foreign => return RecordOrigin::Foreign,
    };
    let ours = fields.run == identity.run && fields.vantage == identity.vantage && fields.lane == lane.code();
    match (ours, fields.partition == partition) {
        (true, true) => RecordOrigin::Ours(fields.sequence),
        (true, false) => RecordOrigin::Foreign,
        (false, _) => RecordOrigin::OtherRun,
    }
}

/// Whether these bytes are a record of kafka-prober, of any run and any version. A topic that has one is the prober's.
pub fn is_probe_record(bytes: &[u8]) -> bool {
    !matches!(parse(VERSION, bytes), Parsed::Foreign)
}

/// A record's value, as far as a prober of one version can read it.
enum Parsed {
    /// Magic, version and checksum are right.
    OwnVersion(Fields),
    /// Our magic and another version, whose layout and length are unknown here: written before or after an upgrade. It is
    /// never foreign, so that a prober that is rolled back finds its own topic.
    OtherVersion,
    /// Anything else.
    Foreign,
}

struct Fields {
    lane: u8,
    run: RunId,
    vantage: VantageHash,
    partition: Partition,
    sequence: Sequence,
}

fn parse(own_version: u8, bytes: &[u8]) -> Parsed {
    match bytes.split_first_chunk() {
        Some((magic, [version, ..])) if *magic == MAGIC && *version == own_version => {
            fields(bytes).map_or(Parsed::Foreign, Parsed::OwnVersion)
        }
        Some((magic, [_, ..])) if *magic == MAGIC => Parsed::OtherVersion,
        _ => Parsed::Foreign,
    }
}

/// The fields of a record of this version, if its length and checksum are right.
fn fields(bytes: &[u8]) -> Option<Fields> {
    if bytes.len() < SIZE_MIN {
        return None;
    }
    let (body, checksum) = bytes.split_last_chunk::<CHECKSUM>()?;
    let (_magic_and_version, rest) = body.split_first_chunk::<5>()?;
    let ([lane], rest) = rest.split_first_chunk::<1>()?;
    let (run, rest) = rest.split_first_chunk::<16>()?;
    let (vantage, rest) = rest.split_first_chunk::<8>()?;
    let (partition, rest) = rest.split_first_chunk::<4>()?;
    let (sequence, _) = rest.split_first_chunk::<8>()?;
    (u32::from_be_bytes(*checksum) == crc32c::crc32c(body)).then(|| Fields {
        lane: *lane,
        run: RunId(*run),
        vantage: VantageHash(u64::from_be_bytes(*vantage)),
        partition: Partition(i32::from_be_bytes(*partition)),
        sequence: Sequence(u64::from_be_bytes(*sequence)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const US: Identity = Identity { run: RunId([7; 16]), vantage: VantageHash(42) };

    fn bytes(identity: Identity, partition: i32) -> Vec<u8> {
        encode(identity, Lane::Pinned, Partition(partition), Sequence(5), WallTime(1), 128)
    }

    fn classified(identity: Identity, bytes: &[u8]) -> RecordOrigin {
        classify(identity, Lane::Pinned, Partition(3), bytes)
    }

    #[test]
    fn own_record_has_its_sequence_number() {
        assert_eq!(classified(US, &bytes(US, 3)), RecordOrigin::Ours(Sequence(5)));
        assert_eq!(bytes(US, 3).len(), 128);
    }

    #[test]
    fn records_of_an_earlier_run_and_of_another_vantage_are_of_another_run() {
        let restarted = Identity { run: RunId([8; 16]), ..US };
        let elsewhere = Identity { vantage: VantageHash(43), ..US };
        assert_eq!(classified(US, &bytes(restarted, 3)), RecordOrigin::OtherRun);
        assert_eq!(classified(US, &bytes(elsewhere, 3)), RecordOrigin::OtherRun);
    }

    #[test]
    fn transaction_record_marks_the_topic_as_ours_and_is_of_another_run_to_the_lanes() {
        let bytes = encode_transaction(US, Partition(3), Sequence(5), WallTime(1));
        assert!(is_probe_record(&bytes));
        for lane in [Lane::Pinned, Lane::Replicated] {
            assert_ne!(lane.code(), TRANSACTION);
            assert_eq!(classify(US, lane, Partition(3), &bytes), RecordOrigin::OtherRun);
        }
    }

    #[test]
    fn own_record_in_the_wrong_partition_is_foreign() {
        assert_eq!(classified(US, &bytes(US, 4)), RecordOrigin::Foreign);
    }

    /// A record as a later version may write it: another version, another layout, another length.
    fn of_next_version() -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(VERSION + 1);
        bytes.extend_from_slice(&[0xAB; 200]);
        bytes
    }

    #[test]
    fn record_of_a_newer_version_is_of_another_run() {
        assert_eq!(classified(US, &of_next_version()), RecordOrigin::OtherRun);
        assert!(is_probe_record(&of_next_version()), "the topic is ours");
        assert_eq!(
            classified(US, &of_next_version()[..5]),
            RecordOrigin::OtherRun,
            "without anything after the version"
        );
    }

    #[test]
    fn record_of_an_older_version_is_of_another_run() {
        let by_next = |bytes: &[u8]| classify_by(VERSION + 1, US, Lane::Pinned, Partition(3), bytes);
        assert_eq!(by_next(&bytes(US, 3)), RecordOrigin::OtherRun, "even with this run's identity");
        assert!(!matches!(parse(VERSION + 1, &bytes(US, 3)), Parsed::Foreign), "the topic is ours");
    }

    #[test]
    fn magic_alone_is_foreign() {
        assert_eq!(classified(US, &MAGIC), RecordOrigin::Foreign);
    }

    #[test]
    fn layout_is_the_documented_one() {
        let bytes = bytes(US, 3);
        assert_eq!(&bytes[..6], b"KPRB\x01\x01");
        assert_eq!(&bytes[30..34], &3i32.to_be_bytes());
        assert_eq!(&bytes[34..42], &5u64.to_be_bytes());
    }

    proptest! {
        #[test]
        fn record_with_any_bit_flipped_is_foreign_or_of_another_version(bit in 0usize..128 * 8) {
            let mut damaged = bytes(US, 3);
            damaged[bit / 8] ^= 1 << (bit % 8);
            // In the version's byte it makes the record one of another version.
            let expected = if bit / 8 == 4 { RecordOrigin::OtherRun } else { RecordOrigin::Foreign };
            prop_assert_eq!(classified(US, &damaged), expected);
        }

        #[test]
        fn arbitrary_bytes_are_foreign(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(classified(US, &bytes), RecordOrigin::Foreign);
        }
    }
}
