//! The process of one broker dies (SIGKILL): its port is closed, and the cluster lists it for nine seconds more.

use super::test_bed::TestBed;
use super::{ClusterKind, Expect, Incident, UNRESPONSIVE_GOAL, Undo, secs};

const EXPECT: Expect = Expect::Victim { kinds: &["broker_down"], within: UNRESPONSIVE_GOAL };

/// And is started again.
pub(crate) const INCIDENT: Incident = Incident {
    name: "killed",
    description: "SIGKILL, started again after 10 s",
    cluster_kind: ClusterKind::ThreeBrokers,
    duration: secs(10),
    inject: kill,
    expect: EXPECT,
};

/// And stays away, so that it is absent in the end and no finding any more.
pub(crate) const NEVER_BACK: Incident = Incident {
    name: "killed_for_good",
    description: "SIGKILL, away for a minute",
    cluster_kind: ClusterKind::ThreeBrokers,
    duration: secs(60),
    inject: kill,
    expect: EXPECT,
};

fn kill(bed: &mut TestBed<'_>) -> Undo {
    bed.victim().kill();
    Box::new(|bed| {
        bed.victim().start();
        bed.cluster.await_ready();
    })
}
