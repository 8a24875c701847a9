//! One broker is killed (SIGKILL): its port is closed, and the metadata list it for 9 s more.

use super::test_bed::TestBed;
use super::{ClusterKind, Expect, Incident, UNRESPONSIVE_GOAL, Undo, secs};

const EXPECT: Expect = Expect::Victim { kinds: &["broker_down"], within: UNRESPONSIVE_GOAL };

/// It is started again after 10 s.
pub(crate) const INCIDENT: Incident = Incident {
    name: "killed",
    description: "SIGKILL, started again after 10 s",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(10),
    inject: kill,
    expect: EXPECT,
};

/// It stays down for longer than its session of 9 s: its state turns to absent, and the finding stays until it is back.
pub(crate) const NEVER_BACK: Incident = Incident {
    name: "killed_for_good",
    description: "SIGKILL, down for 25 s",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(25),
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
