//! One partition of `__consumer_offsets` has fewer replicas than it demands in sync, while every broker is well: its groups cannot
//! commit, and those of its broker's other partitions can.

use super::test_bed::TestBed;
use super::{About, ClusterKind, Expect, ExpectedFinding, Incident, Undo, secs};
use crate::harness::raw;
use crate::harness::wait_until;

const OFFSETS: &str = "__consumer_offsets";

/// A leader of two partitions is asked for each of them every four seconds, and three failures are needed.
const FAILS: ExpectedFinding = ExpectedFinding::new(About::Cluster, &["coordinator_partition_failing"], secs(18));

pub(crate) const INCIDENT: Incident = Incident {
    name: "offsets_partition",
    description: "one offsets partition has one replica for 30 s, and demands two in sync",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(30),
    inject: take_replicas,
    expect: Expect::Each { findings: &[FAILS], beside: &["reassignment_running"], explain: &[1] },
};

fn take_replicas(bed: &mut TestBed<'_>) -> Undo {
    let addr = bed.cluster.any_internal_address();
    let seen = raw::metadata(addr, &[OFFSETS]).expect("metadata");
    let led = seen.partitions.into_iter().find(|partition| partition.leader == bed.victim_id());
    let led = led.expect("every broker leads some of the six partitions");
    bed.mark_fault_started();
    raw::admin::reassign(addr, OFFSETS, led.partition, &[led.leader]).expect("a reassignment");
    Box::new(move |bed| {
        let addr = bed.cluster.any_internal_address();
        raw::admin::reassign(addr, OFFSETS, led.partition, &led.replicas).expect("a reassignment");
        wait_until(secs(30), "every replica is in sync", || bed.all_in_sync());
    })
}
