//! Packets to and from one broker's client port are dropped while it replicates as ever.

use super::{AT_ONCE, Expect, Incident, ClusterKind, secs};

pub(super) const INCIDENT: Incident = Incident {
    name: "dropped",
    what: "every packet of the client port dropped for 12 s",
    cluster_kind: ClusterKind::ProxiedTwoDisks,
    lasts: secs(12),
    inject: |bed| {
        bed.network().drop_port(bed.cluster.proxy(bed.victim_id()).port());
        Box::new(|bed| bed.network().heal())
    },
    expect: Expect::Victim { kinds: &["broker_stalled", "broker_unreachable"], within: AT_ONCE },
};
