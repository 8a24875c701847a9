//! The prober's process is stopped (SIGSTOP) while the cluster is healthy.

use std::time::Duration;

use super::test_bed::TestBed;
use super::{ClusterKind, Expect, Incident, Undo, secs};
use crate::support::elapse;

const EXPECT: Expect = Expect::Prober { kinds: &["prober_stalled"], must_report: true };

pub(crate) const SHORT: Incident = Incident {
    name: "prober_stopped_3s",
    description: "the prober: SIGSTOP for 3 s, twice",
    cluster_kind: ClusterKind::ThreeBrokers,
    duration: secs(0),
    inject: |bed| stop(bed, secs(3)),
    expect: EXPECT,
};

pub(crate) const LONG: Incident = Incident {
    name: "prober_stopped_10s",
    description: "the prober: SIGSTOP for 10 s, twice",
    cluster_kind: ClusterKind::ThreeBrokers,
    duration: secs(0),
    inject: |bed| stop(bed, secs(10)),
    expect: EXPECT,
};

fn stop(bed: &mut TestBed<'_>, time: Duration) -> Undo {
    for _ in 0..2 {
        bed.probing.prober.freeze();
        elapse(time);
        bed.probing.prober.thaw();
        elapse(secs(4));
    }
    Box::new(|_| ())
}
