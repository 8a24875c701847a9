//! One broker is stopped (SIGSTOP): the kernel accepts connections, and no request is answered.

use super::{ClusterKind, Expect, Incident, UNRESPONSIVE_GOAL, secs};

pub(crate) const INCIDENT: Incident = Incident {
    name: "frozen",
    description: "SIGSTOP for 12 s",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(12),
    inject: |bed| {
        bed.victim().freeze();
        Box::new(|bed| bed.victim().thaw())
    },
    expect: Expect::Victim { kinds: &["broker_stalled", "broker_frozen"], within: UNRESPONSIVE_GOAL },
};
