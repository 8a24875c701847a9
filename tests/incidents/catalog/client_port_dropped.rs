//! Packets to and from one broker's client port are dropped. Its replication uses another port and continues.

use super::{ClusterKind, Expect, Incident, UNRESPONSIVE_GOAL, secs};

pub(crate) const INCIDENT: Incident = Incident {
    name: "dropped",
    description: "every packet of the client port dropped for 12 s",
    cluster_kind: ClusterKind::ProxiedTwoDisks,
    settings: &[],
    duration: secs(12),
    inject: |bed| {
        bed.network().drop_port(bed.cluster.proxy(bed.victim_id()).port());
        Box::new(|bed| bed.network().heal())
    },
    expect: Expect::Victim { kinds: &["broker_stalled", "broker_unreachable"], within: UNRESPONSIVE_GOAL },
};
