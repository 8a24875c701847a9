//! The prober's process is stopped (SIGSTOP) while the cluster is healthy.

use std::time::Duration;

use super::test_bed::TestBed;
use super::{About, ClusterKind, Expect, ExpectedFinding, Incident, Lasting, Undo, secs};
use crate::support::elapse;

const EXPECT: Expect = Expect::Prober { kinds: &["prober_stalled"], must_report: true };

pub(crate) const SHORT: Incident = Incident {
    name: "prober_stopped_3s",
    description: "the prober: SIGSTOP for 3 s, twice",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(0),
    inject: |bed| stop(bed, secs(3)),
    expect: EXPECT,
};

pub(crate) const LONG: Incident = Incident {
    name: "prober_stopped_10s",
    description: "the prober: SIGSTOP for 10 s, twice",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(0),
    inject: |bed| stop(bed, secs(10)),
    expect: EXPECT,
};

pub(crate) const RECURRING: Incident = Incident {
    name: "prober_stopped_recurring",
    description: "the prober: SIGSTOP for 2 s, four times within a minute",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(0),
    inject: |bed| {
        for _ in 0..4 {
            bed.mark_fault_started();
            bed.probing.prober.freeze();
            elapse(secs(2));
            bed.probing.prober.thaw();
            elapse(secs(12));
        }
        Box::new(|_| ())
    },
    expect: Expect::Each {
        findings: &[ExpectedFinding::new(About::Cluster, &["prober_stalled"], secs(4)).lasting(Lasting::Recurs)],
        beside: &[],
        explain: &[4],
    },
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
