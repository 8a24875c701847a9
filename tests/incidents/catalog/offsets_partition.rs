//! One partition of `__consumer_offsets` cannot be loaded by its coordinator, while every broker is well: its groups cannot commit,
//! and those of its broker's other partitions can. A power cut may leave a log behind like that.

use std::time::Duration;

use super::test_bed::TestBed;
use super::{About, ClusterKind, Expect, ExpectedFinding, Incident, Undo, secs};
use crate::harness::kafka::shared::give_back_leadership;
use crate::harness::raw::{self, coordination};
use crate::harness::wait_until;
use crate::support::elapse;

const OFFSETS: &str = "__consumer_offsets";

/// Time after the return of a broker in which its cluster is not judged.
const COOLDOWN: Duration = secs(15);

/// Groups that have committed: enough that each of the six partitions has some.
const GROUPS: u32 = 60;

/// A leader of two partitions is asked for each of them every four seconds, and three failures are needed, the last of which takes
/// up to its deadline of four seconds; the election takes two.
const FAILS: ExpectedFinding = ExpectedFinding::new(About::Cluster, &["coordinator_partition_failing"], secs(18));

pub(crate) const INCIDENT: Incident = Incident {
    name: "offsets_partition",
    description: "the first records of one offsets partition overwritten on its leader, for 30 s",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(30),
    inject: corrupt,
    expect: Expect::Each { findings: &[FAILS], beside: &[], explain: &[1] },
};

fn corrupt(bed: &mut TestBed<'_>) -> Undo {
    let addr = bed.other_internal_address();
    for group in 0..GROUPS {
        coordination::commit_offset(addr, &format!("harness-{group}"), OFFSETS, 1).expect("a commit");
    }
    let seen = raw::metadata(addr, &[OFFSETS]).expect("metadata");
    let led = seen.partitions.into_iter().find(|partition| partition.leader == bed.victim_id());
    let partition = led.expect("every broker leads some of the six partitions").partition;
    assert!(bed.victim().stop(), "it ends by itself: {}", bed.victim().log_tail());
    bed.victim().corrupt_log(OFFSETS, partition);
    start(bed);
    // Until then the restart explains what fails.
    elapse(COOLDOWN);
    bed.mark_fault_started();
    give_back_leadership(bed.cluster);
    Box::new(move |bed| {
        assert!(bed.victim().stop(), "it ends by itself: {}", bed.victim().log_tail());
        bed.victim().lose_log(OFFSETS, partition);
        start(bed);
    })
}

/// Starts the victim, and waits until it has caught up.
fn start(bed: &TestBed<'_>) {
    bed.start_stopped_brokers();
    wait_until(secs(60), "every replica is in sync", || bed.all_in_sync());
}
