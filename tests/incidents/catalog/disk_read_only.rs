//! The disk with a broker's pinned partition turns read-only: every write fails, and reads work.

use super::{ClusterKind, DEGRADED_GOAL, Expect, Incident, secs};

pub(crate) const OF_TWO: Incident = Incident {
    name: "disk_read_only_of_two",
    description: "the disk with the pinned partition turns read-only, the other does not",
    cluster_kind: ClusterKind::ProxiedTwoDisks,
    settings: &[],
    duration: secs(20),
    inject: |bed| {
        bed.pinned_disk().fail_writes();
        Box::new(|bed| {
            bed.victim().kill();
            bed.pinned_disk().repair();
            bed.restart();
        })
    },
    expect: Expect::Victim { kinds: &["storage_failed"], within: DEGRADED_GOAL },
};
