//! A disk with a broker's logs is full.

use super::test_bed::TestBed;
use super::{ClusterKind, DEGRADED_GOAL, Expect, Incident, Undo, secs};

/// One of two disks, the one with the pinned partition: the broker keeps running with the other.
pub(crate) const OF_TWO: Incident = Incident {
    name: "disk_full_of_two",
    description: "the disk with the pinned partition is full, the other is not",
    cluster_kind: ClusterKind::ProxiedTwoDisks,
    settings: &[],
    duration: secs(20),
    inject: fill,
    expect: Expect::Victim { kinds: &["storage_failed"], within: DEGRADED_GOAL },
};

/// The only disk: the broker shuts down.
pub(crate) const ONLY: Incident = Incident {
    name: "disk_full",
    description: "the only disk is full",
    cluster_kind: ClusterKind::ProxiedOneDisk,
    settings: &[],
    duration: secs(20),
    inject: fill,
    expect: Expect::Victim { kinds: &["storage_failed", "broker_down"], within: DEGRADED_GOAL },
};

fn fill(bed: &mut TestBed<'_>) -> Undo {
    let disk = bed.pinned_disk();
    disk.fill();
    bed.mark_fault_started();
    Box::new(|bed| {
        bed.pinned_disk().empty();
        bed.restart();
    })
}
