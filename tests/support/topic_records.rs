//! The prober's records in one of its topics, read by the harness's own client.

use std::collections::BTreeSet;

use crate::harness::{Cluster, raw};

/// The lane byte of records that the transaction probe writes.
const TRANSACTIONS: u8 = 3;

/// How many records of the prober a topic holds.
pub(crate) struct TopicRecords {
    /// Records with the prober's magic bytes.
    pub(crate) records: usize,
    /// Distinct (partition, run, sequence).
    pub(crate) distinct: usize,
}

/// Reads the whole topic, except records of the transaction probe, which belong to no lane.
#[track_caller]
pub(crate) fn read_topic(cluster: &Cluster, topic: &str) -> TopicRecords {
    let address = cluster.any_internal_address();
    let metadata = raw::metadata(address, &[topic]).expect("metadata of the monitor topic");
    let (mut records, mut distinct) = (0, BTreeSet::new());
    for partition in metadata.partitions.iter().filter(|partition| partition.topic == topic) {
        let read = raw::read_partition(address, topic, partition.partition).expect("the partition can be read");
        // Byte 5 is the lane.
        let of_lanes = |value: &[u8]| value.starts_with(b"KPRB") && value[5] != TRANSACTIONS;
        for (_, value) in read.iter().filter(|(_, value)| of_lanes(value)) {
            records += 1;
            // Run, vantage, partition and sequence: bytes 6 to 42 of the record layout.
            distinct.insert(value[6..42].to_vec());
        }
    }
    TopicRecords { records, distinct: distinct.len() }
}
