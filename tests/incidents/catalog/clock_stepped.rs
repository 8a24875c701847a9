//! The wall clock of the prober's machine is set by an hour while the prober runs.

use super::test_bed::TestBed;
use super::{ClusterKind, Expect, Incident, Undo, secs};

/// In seconds.
const HOUR: i64 = 3600;

const EXPECT: Expect = Expect::Prober { kinds: &[], must_report: false };

pub(crate) const FORWARDS: Incident = Incident {
    name: "clock_forwards",
    description: "the prober's wall clock is set an hour ahead for 20 s",
    cluster_kind: ClusterKind::FakeWallClock,
    settings: &[],
    duration: secs(20),
    inject: |bed| step(bed, HOUR),
    expect: EXPECT,
};

pub(crate) const BACKWARDS: Incident = Incident {
    name: "clock_backwards",
    description: "the prober's wall clock is set an hour back for 20 s",
    cluster_kind: ClusterKind::FakeWallClock,
    settings: &[],
    duration: secs(20),
    inject: |bed| step(bed, -HOUR),
    expect: EXPECT,
};

fn step(bed: &mut TestBed<'_>, seconds: i64) -> Undo {
    bed.wall_clock().set(seconds);
    Box::new(|bed| {
        let jumps = bed.probing.status().number("/prober/clock_jumps");
        assert!(1.0 <= jumps, "the prober has counted the jump of its wall clock, as the test assumes");
        bed.wall_clock().set(0);
    })
}
