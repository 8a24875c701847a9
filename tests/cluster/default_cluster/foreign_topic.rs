//! A topic with the prober's name that holds foreign records is reported and left alone.

use std::time::Duration;

use crate::harness::{raw, shared_cluster};
use crate::support::{RunningProber, TOPIC, elapse};

#[test]
fn topic_with_foreign_records_is_refused_and_not_written_to() {
    let Some(cluster) = shared_cluster() else { return };
    let address = cluster.any_internal_address();
    raw::create_topic(address, TOPIC, &[vec![1], vec![2], vec![3]], &[]).expect("the topic is created");
    let leader = crate::harness::wait_for(Duration::from_secs(10), "partition 1 has a leader", || {
        raw::leader_address(address, TOPIC, 1).ok()
    });
    let written = crate::harness::wait_for(Duration::from_secs(10), "a foreign record is written", || {
        raw::produce_one(&leader, TOPIC, 1, b"orders", Duration::from_secs(2)).ok()
    });
    assert_eq!(written, 0);

    let mut probing = RunningProber::start(&cluster.bootstrap(), None, &[], &[]);
    let refused =
        probing.wait_status(Duration::from_secs(20), "the lane is refused", |status| status.lane().0 == "refused");
    let message = refused.lane().1;
    assert!(message.contains(TOPIC) && message.contains("topics.prefix"), "{message}");
    elapse(Duration::from_secs(3));
    let later = probing.status();
    assert_eq!([1, 2, 3].map(|broker| later.bad(broker)), [0, 0, 0], "no broker is bad");
    for partition in 0..3 {
        let records = raw::read_partition(address, TOPIC, partition).expect("the partition can be read");
        assert_eq!(records.len(), usize::from(partition == 1), "nothing was written to partition {partition}");
    }
    probing.stop();
}
