//! The broker that coordinates a group stands still: commits at other coordinators fail with it, and it alone is at fault.

use super::{AT_ONCE, Expect, Incident, ClusterKind, secs};
use crate::harness::raw;

pub(super) const INCIDENT: Incident = Incident {
    name: "coordinator_frozen",
    what: "SIGSTOP of a group's coordinator for 20 s",
    cluster_kind: ClusterKind::ThreeBrokers,
    lasts: secs(20),
    inject: |bed| {
        let coordinator = raw::coordinator(bed.cluster.any_internal_address(), "harness").expect("a coordinator");
        bed.choose(coordinator);
        bed.begins();
        bed.victim().freeze();
        Box::new(|bed| bed.victim().thaw())
    },
    expect: Expect::Victim { kinds: &["broker_stalled", "broker_frozen"], within: AT_ONCE },
};
