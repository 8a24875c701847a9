//! An unclean election: the leader, the only in-sync replica, acks records and is killed, and a follower that lags behind becomes
//! leader. Every record that it lacks is counted as lost.

use std::collections::BTreeSet;
use std::time::Duration;

use super::options;
use crate::harness::{raw, shared_cluster_with, wait_for, wait_until};
use crate::support::{REPLICATED, RunningProber, create_lane_topics, elapse};

/// Run, vantage, partition and sequence: bytes 6 to 42 of a record.
type Identity = Vec<u8>;

const FENCED_WITHIN: Duration = Duration::from_secs(60);

/// Records that may be in flight when the prober is stopped, one for each partition: the leader's log has them, and after the leader
/// was killed the client may find the connection closed before it reads their acks. Such a record is gone and was never acked.
const UNACKED_MAX: u64 = 2;

#[test]
fn records_lost_by_an_unclean_election_are_counted_one_by_one() {
    let Some(cluster) = shared_cluster_with(options()) else { return };
    create_lane_topics(&cluster);
    let mut probing = RunningProber::start(&cluster.bootstrap(), None, &[], &[]);
    probing.wait_good(&[1, 2]);

    // The prober is stopped, so that no record is in flight when the follower falls behind: every record in the leader's log
    // was acked.
    probing.prober.freeze();
    elapse(Duration::from_millis(500));
    cluster.broker(2).freeze();
    let survivor = cluster.broker(1).internal_address().to_owned();
    wait_until(FENCED_WITHIN, "broker 1 is the only in-sync replica", || {
        let seen = raw::metadata(&survivor, &[REPLICATED]).unwrap_or_default();
        (0..2).all(|index| seen.partition(REPLICATED, index).is_some_and(|found| found.isr == [1] && found.leader == 1))
    });
    probing.prober.thaw();
    let acked = |status: &crate::support::Status| -> u64 {
        [1, 2].iter().map(|broker| status.client().outcome(*broker, "produce", "good")).sum()
    };
    let before = acked(&probing.status());
    probing.wait_status(Duration::from_secs(30), "broker 1 acks alone", |status| before + 30 <= acked(status));

    // The prober is stopped again when the leader is killed.
    probing.prober.freeze();
    elapse(Duration::from_millis(500));
    let before_kill: BTreeSet<Identity> = (0..2).flat_map(|partition| identities(&survivor, partition)).collect();
    cluster.broker(1).kill();
    probing.prober.thaw();
    cluster.broker(2).thaw();

    let heir = cluster.broker(2).internal_address().to_owned();
    wait_until(FENCED_WITHIN, "broker 2 leads", || {
        let seen = raw::metadata(&heir, &[REPLICATED]).unwrap_or_default();
        (0..2).all(|index| seen.partition(REPLICATED, index).is_some_and(|found| found.leader == 2))
    });
    // librdkafka retries a record whose ack was lost with the leader, within the deadline of 5 s.
    elapse(Duration::from_secs(6));
    let after_kill: BTreeSet<Identity> = (0..2).flat_map(|partition| identities(&heir, partition)).collect();
    let vanished = before_kill.difference(&after_kill).count() as u64;
    assert!(
        15 <= vanished,
        "only {vanished} of {} records were lost, so that the test proves nothing",
        before_kill.len()
    );

    probing.wait_status(Duration::from_secs(60), "every lost record is counted", |status| {
        vanished - UNACKED_MAX <= status.client().anomaly("lost")
    });
    // The old leader returns and truncates its log to the new leader's: no further record is lost by that.
    cluster.broker(1).start();
    cluster.await_ready();
    wait_until(FENCED_WITHIN, "broker 1 has the new leader's log", || {
        let seen = raw::metadata(&heir, &[REPLICATED]).unwrap_or_default();
        (0..2).all(|index| seen.partition(REPLICATED, index).is_some_and(|found| found.isr.len() == 2))
    });
    let good = acked(&probing.status());
    let end = probing
        .wait_status(Duration::from_secs(30), "the replicated lane is good", |status| good + 20 <= acked(status));
    let counted = end.client().anomaly("lost");
    assert!(
        (vanished - UNACKED_MAX..=vanished).contains(&counted),
        "{counted} counted, {vanished} gone: {}",
        probing.prober.stderr()
    );
    assert_eq!(end.anomaly("lost"), 0, "the pinned lane has lost nothing");
    for anomaly in ["corrupt", "foreign"] {
        assert_eq!((end.anomaly(anomaly), end.client().anomaly(anomaly)), (0, 0), "{anomaly}");
    }
    assert_eq!(end.number("/prober/imbalances"), 0.0);
    let good = acked(&end);
    probing.wait_status(Duration::from_secs(30), "the lane is good again", |status| good + 10 <= acked(status));
    let lost = ("acked_records_lost".to_owned(), None);
    assert!(probing.findings_so_far().contains(&lost), "{:?}", probing.findings_so_far());
    probing.stop();
}

/// Every readable record of the leader; a new leader refuses fetches for a moment.
fn identities(leader: &str, partition: i32) -> Vec<Identity> {
    let read = wait_for(Duration::from_secs(20), "the leader shows its log", || {
        let end = raw::latest_offset(leader, REPLICATED, partition).ok()?;
        raw::fetch_all(leader, REPLICATED, partition, 0, end).ok()
    });
    read.into_iter().map(|(_, value)| value[6..42].to_vec()).collect()
}
