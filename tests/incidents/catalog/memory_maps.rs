//! A broker that may not create more memory maps cannot roll a new segment of any log.

use super::test_bed::TestBed;
use super::{ClusterKind, DEGRADED_GOAL, Expect, Incident, Undo, secs};
use crate::harness::faults::rlimit::LoweredLimit;
use crate::harness::raw::{ConfigResource, alter_config};
use crate::support::TOPIC;

/// With a second log directory the broker keeps running with that one.
pub(crate) const OF_TWO: Incident = Incident {
    name: "memory_maps_of_two",
    description: "no further memory map, while the pinned log rolls every second; two disks",
    cluster_kind: ClusterKind::ProxiedTwoDisks,
    settings: &[],
    duration: secs(20),
    inject: limit,
    expect: Expect::Victim { kinds: &["storage_failed", "broker_down"], within: DEGRADED_GOAL },
};

/// A broker that loses its only log directory shuts down.
pub(crate) const ONLY: Incident = Incident {
    name: "memory_maps",
    description: "no further memory map, while the pinned log rolls every second",
    cluster_kind: ClusterKind::ProxiedOneDisk,
    settings: &[],
    duration: secs(20),
    inject: limit,
    expect: Expect::Victim { kinds: &["storage_failed", "broker_down"], within: DEGRADED_GOAL },
};

fn limit(bed: &mut TestBed<'_>) -> Undo {
    let addr = bed.cluster.any_internal_address();
    let topic = ConfigResource::Topic(TOPIC);
    alter_config(addr, topic, "segment.ms", Some("1000")).expect("a configuration");
    bed.mark_fault_started();
    let limited = LoweredLimit::memory_maps(bed.victim().pid());
    Box::new(move |bed| {
        drop(limited);
        alter_config(bed.other_internal_address(), topic, "segment.ms", Some("600000")).expect("a configuration");
        bed.restart();
    })
}
