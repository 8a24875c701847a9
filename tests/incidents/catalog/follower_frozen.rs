//! One of six brokers is stopped: leaders that have it as a follower wait for it, and it alone is at fault.

use super::{ClusterKind, Expect, Incident, UNRESPONSIVE_GOAL, secs};

pub(crate) const INCIDENT: Incident = Incident {
    name: "follower_frozen",
    description: "SIGSTOP of one of six brokers for 20 s",
    cluster_kind: ClusterKind::SixBrokers,
    settings: &[],
    duration: secs(20),
    inject: |bed| {
        bed.victim().freeze();
        Box::new(|bed| bed.victim().thaw())
    },
    expect: Expect::Victim { kinds: &["broker_stalled", "broker_frozen"], within: UNRESPONSIVE_GOAL },
};
