//! The six patterns in the cluster's own metadata, each provoked. The prober reads the metadata every second instead of every minute
//! and compares with limits that a small cluster can reach.

use std::time::Duration;

use super::test_bed::TestBed;
use super::{About, ClusterKind, Expect, ExpectedFinding, Incident, Lasting, UNRESPONSIVE_GOAL, secs};
use crate::cluster_kind::LEADER_CHECK;
use crate::harness::raw::commits::{commit_on, coordinator_address};
use crate::harness::raw::records::produce_one;
use crate::harness::raw::{self, ConfigResource, Connection, alter_config};
use crate::harness::wait_until;
use crate::support::elapse;

/// The topic that is moved, falls behind, and is too large; each incident has its own.
const TOPIC: &str = "patterns";

/// An internal topic that a client can fill.
const OFFSETS: &str = "__consumer_offsets";

/// Time limit for one request and for what it brings about.
const DONE_WITHIN: Duration = secs(30);

/// Two reads of the metadata, and a poll of the page: the second one shows a change that the first one missed.
const READ_TWICE: Duration = secs(4);

/// The metadata are read every second; a broker may have 150 replicas, and an internal partition 8 MB.
const OFTEN: &[(&str, &str)] = &[
    ("KAFKA_PROBER__OBSERVATION__INTERVAL", "1s"),
    ("KAFKA_PROBER__OBSERVATION__PARTITIONS_PER_BROKER", "150"),
    ("KAFKA_PROBER__OBSERVATION__INTERNAL_PARTITION_BYTES", "8388608"),
    ("KAFKA_PROBER__OBSERVATION__LEADER_CHECK_INTERVAL", "10s"),
];

const fn each(findings: &'static [ExpectedFinding], explain: &'static [i32]) -> Expect {
    Expect::Each { findings, beside: &[], explain }
}

pub(crate) const REASSIGNMENT: Incident = Incident {
    name: "reassignment",
    description: "a partition of 9 MB moved to another broker, throttled to 100 kB a second",
    cluster_kind: ClusterKind::Observed,
    settings: OFTEN,
    duration: secs(15),
    inject: |bed| {
        let addr = bed.cluster.any_internal_address();
        let target = bed.victims()[1];
        create_topic(bed, &[vec![bed.victim_id()]]);
        fill(bed, 0, 9);
        throttle(bed, target, Some("100000"));
        bed.mark_fault_started();
        raw::admin::reassign(addr, TOPIC, 0, &[target]).expect("a reassignment");
        Box::new(move |bed| {
            throttle(bed, target, None);
            wait_until(DONE_WITHIN, "the partition is where it should be", || {
                raw::metadata(bed.cluster.any_internal_address(), &[TOPIC])
                    .is_ok_and(|seen| seen.partitions.iter().all(|one| one.replicas == [target]))
            });
            delete_topic(bed);
        })
    },
    expect: each(&[ExpectedFinding::new(About::Cluster, &["reassignment_running"], READ_TWICE)], &[0]),
};

pub(crate) const DEAD_FOLLOWER: Incident = Incident {
    name: "dead_follower",
    description: "SIGKILL of a broker for good: its replicas are missing",
    cluster_kind: ClusterKind::Observed,
    settings: OFTEN,
    duration: secs(175),
    inject: |bed| {
        bed.victim().kill();
        Box::new(|bed| bed.start_stopped_brokers())
    },
    expect: each(
        &[
            ExpectedFinding::new(About::Victim(0), &["broker_down"], UNRESPONSIVE_GOAL),
            // It is fenced after 9 s; its replicas must be missing for 150 s, which no restart takes.
            ExpectedFinding::new(About::Victim(0), &["replicas_missing"], secs(170)),
        ],
        &[1],
    ),
};

pub(crate) const FLAPPING_FOLLOWER: Incident = Incident {
    name: "flapping_follower",
    description: "a follower stopped until it has left the in-sync sets, three times, and not long enough to be fenced",
    cluster_kind: ClusterKind::Observed,
    settings: OFTEN,
    duration: secs(0),
    inject: |bed| {
        create_topic(bed, &[vec![bed.victims()[1], bed.victim_id()]]);
        for _ in 0..3 {
            bed.mark_fault_started();
            bed.victim().freeze();
            // A follower that lacks no record stays in sync.
            fill(bed, 0, 1);
            wait_until(DONE_WITHIN, "the follower has left the in-sync set", || !in_sync(bed));
            elapse(SEEN_WITHIN);
            bed.victim().thaw();
            wait_until(DONE_WITHIN, "the follower has caught up", || in_sync(bed));
            elapse(SEEN_WITHIN);
        }
        Box::new(|bed| delete_topic(bed))
    },
    expect: each(
        &[
            ExpectedFinding::new(About::Victim(0), &["broker_stalled", "broker_frozen"], UNRESPONSIVE_GOAL)
                .lasting(Lasting::Begins),
            ExpectedFinding::new(About::Victim(0), &["replicas_behind"], secs(25)).of_fault(2).lasting(Lasting::Begins),
        ],
        &[1],
    ),
};

/// Samples are 5 s apart at least, and taken as a read of the metadata ends.
const SEEN_WITHIN: Duration = secs(7);

pub(crate) const MOVED_LEADERS: Incident = Incident {
    name: "moved_leaders",
    description: "the partitions of a restarted broker stay with other leaders, and nothing moves them back",
    cluster_kind: ClusterKind::Observed,
    settings: OFTEN,
    duration: secs(45),
    inject: |bed| {
        assert!(bed.victim().stop(), "it ends by itself: {}", bed.victim().log_tail());
        bed.start_stopped_brokers();
        wait_until(DONE_WITHIN, "every replica is in sync", || bed.all_in_sync());
        bed.mark_fault_started();
        Box::new(|bed| crate::harness::kafka::shared::give_back_leadership(bed.cluster))
    },
    expect: each(
        // Two checks of the controllers, three samples of five seconds at most, and a read.
        &[ExpectedFinding::new(About::Victim(0), &["leaders_imbalanced"], secs(2 * LEADER_CHECK + 20))],
        &[1],
    ),
};

pub(crate) const MANY_PARTITIONS: Incident = Incident {
    name: "many_partitions",
    description: "as many partitions are created on one broker as it may have replicas",
    cluster_kind: ClusterKind::Observed,
    settings: OFTEN,
    duration: secs(10),
    inject: |bed| {
        bed.mark_fault_started();
        create_topic(bed, &vec![vec![bed.victim_id()]; 150]);
        Box::new(|bed| delete_topic(bed))
    },
    expect: each(&[ExpectedFinding::new(About::Victim(0), &["partition_limit"], secs(8))], &[1]),
};

pub(crate) const GROWING_OFFSETS: Incident = Incident {
    name: "growing_offsets",
    description: "a group commits again and again, and its offsets partition is not compacted",
    cluster_kind: ClusterKind::Observed,
    settings: OFTEN,
    duration: secs(80),
    inject: |bed| {
        compact_after(bed, Some("3600000"));
        create_topic(bed, &vec![vec![bed.victim_id()]; COMMITTED]);
        let addr = coordinator_address(bed.cluster.any_internal_address(), GROUP).expect("a coordinator");
        // It is large from the beginning, so that only its growth takes time.
        commit(&addr, 60);
        bed.mark_fault_started();
        for _ in 0..70 {
            commit(&addr, 1);
            elapse(secs(1));
        }
        Box::new(|bed| {
            compact_after(bed, None);
            delete_topic(bed);
        })
    },
    expect: each(&[ExpectedFinding::new(About::Cluster, &["internal_topic_growing"], secs(75))], &[1]),
};

/// Partitions that each commit is about, with [`NOTE`] bytes of metadata each: 200 kB.
const COMMITTED: usize = 50;
const NOTE: usize = 4000;
const GROUP: &str = "patterns";

fn commit(addr: &str, times: usize) {
    let mut connection = Connection::open(addr, DONE_WITHIN).expect("the coordinator accepts connections");
    let partitions = i32::try_from(COMMITTED).expect("few");
    for _ in 0..times {
        commit_on(&mut connection, GROUP, TOPIC, partitions, &"x".repeat(NOTE), DONE_WITHIN).expect("a commit");
    }
}

/// Sets for how long records of the offsets topic are left out of compaction.
fn compact_after(bed: &TestBed<'_>, millis: Option<&str>) {
    let addr = bed.cluster.any_internal_address();
    alter_config(addr, ConfigResource::Topic(OFFSETS), "min.compaction.lag.ms", millis).expect("a topic config");
}

/// Creates [`TOPIC`] with these replicas.
fn create_topic(bed: &TestBed<'_>, assignment: &[Vec<i32>]) {
    let addr = bed.cluster.any_internal_address();
    let throttled = ("follower.replication.throttled.replicas", "*");
    let one_in_sync = ("min.insync.replicas", "1");
    raw::create_topic(addr, TOPIC, assignment, &[throttled, one_in_sync]).expect("a topic");
    wait_until(DONE_WITHIN, "every partition has a leader", || {
        let seen = raw::metadata(addr, &[TOPIC]).unwrap_or_default();
        seen.partitions.len() == assignment.len() && seen.partitions.iter().all(|partition| 0 <= partition.leader)
    });
}

fn delete_topic(bed: &TestBed<'_>) {
    let addr = bed.cluster.any_internal_address();
    raw::delete_topic(addr, TOPIC).expect("it is deleted");
    wait_until(DONE_WITHIN, "the topic is gone", || {
        raw::metadata_of_all(addr).is_ok_and(|seen| seen.partitions.iter().all(|one| one.topic != TOPIC))
    });
}

/// Writes records of 900 kB to a partition.
fn fill(bed: &TestBed<'_>, partition: i32, records: usize) {
    let leader = raw::leader_address(bed.cluster.any_internal_address(), TOPIC, partition).expect("it has a leader");
    for _ in 0..records {
        produce_one(&leader, TOPIC, partition, &[7; 900_000], DONE_WITHIN).expect("a record");
    }
}

/// Limits the replication to one broker to so many bytes a second.
fn throttle(bed: &TestBed<'_>, broker: i32, rate: Option<&str>) {
    let addr = bed.cluster.broker(broker).internal_address();
    alter_config(addr, ConfigResource::Broker(broker), "follower.replication.throttled.rate", rate)
        .expect("a broker config");
}

fn in_sync(bed: &TestBed<'_>) -> bool {
    let seen = raw::metadata(bed.other_internal_address(), &[TOPIC]).unwrap_or_default();
    !seen.partitions.is_empty() && seen.partitions.iter().all(|one| one.isr.len() == one.replicas.len())
}
