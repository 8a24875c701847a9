//! Packets to and from the client ports of all brokers are dropped. Nothing outside this host shows whether the cluster or the
//! prober's own network is at fault, so nobody is blamed: the receiver of the metrics, which would show it, is on this host.

use super::test_bed::TestBed;
use super::{About, ClusterKind, Expect, ExpectedFinding, Incident, Undo, secs};

pub(crate) const INCIDENT: Incident = Incident {
    name: "all_dropped",
    description: "every packet of all client ports dropped, and no metrics receiver listens on this host",
    cluster_kind: ClusterKind::ProxiedTwoDisks,
    settings: &[],
    duration: secs(15),
    inject: |bed| {
        bed.stop_otlp_receiver();
        drop_all(bed)
    },
    expect: Expect::Each {
        findings: &[ExpectedFinding::new(About::Cluster, &["cluster_unreachable"], secs(3))],
        beside: &[],
        explain: &[3],
    },
};

pub(crate) const SELDOM: Incident = Incident {
    name: "all_dropped_at_5s",
    description: "every packet of all client ports dropped, while a record is written every 5 s",
    cluster_kind: ClusterKind::ProxiedTwoDisks,
    settings: &[("KAFKA_PROBER__LANES__PINNED__INTERVAL", "5s")],
    duration: secs(25),
    inject: drop_all,
    expect: Expect::Each {
        // A healthy broker may be silent for twice the interval.
        findings: &[ExpectedFinding::new(About::Cluster, &["cluster_unreachable"], secs(14))],
        beside: &[],
        explain: &[3],
    },
};

fn drop_all(bed: &mut TestBed<'_>) -> Undo {
    bed.mark_fault_started();
    for broker in bed.ids() {
        bed.network().drop_port(bed.cluster.proxy(broker).port());
    }
    Box::new(|bed| bed.network().heal())
}
