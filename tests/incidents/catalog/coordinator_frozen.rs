//! The coordinator of a group is stopped (SIGSTOP): commits at other coordinators fail as well, and this broker alone is at
//! fault.

use super::{ClusterKind, Expect, Incident, UNRESPONSIVE_GOAL, secs};
use crate::harness::raw;

pub(crate) const INCIDENT: Incident = Incident {
    name: "coordinator_frozen",
    description: "SIGSTOP of a group's coordinator for 20 s",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(20),
    inject: |bed| {
        let coordinator = raw::coordinator(bed.cluster.any_internal_address(), "harness").expect("a coordinator");
        bed.set_victim(coordinator);
        bed.mark_fault_started();
        bed.victim().freeze();
        Box::new(|bed| bed.victim().thaw())
    },
    expect: Expect::Victim { kinds: &["broker_stalled", "broker_frozen"], within: UNRESPONSIVE_GOAL },
};
