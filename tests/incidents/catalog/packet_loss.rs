//! Packets between the prober and one broker are lost at random. Packets between brokers are not.

use super::test_bed::TestBed;
use super::{ClusterKind, DEGRADED_GOAL, Expect, Incident, Undo, secs};

/// TCP retransmits most of them within about 200 ms.
pub(crate) const LITTLE: Incident = Incident {
    name: "packet_loss_5",
    description: "5 % of packets lost, each way",
    cluster_kind: ClusterKind::ProxiedTwoDisks,
    settings: &[],
    duration: secs(20),
    inject: |bed| lose(bed, 5),
    expect: Expect::Victim { kinds: &["path_degraded", "broker_slow"], within: secs(18) },
};

pub(crate) const MUCH: Incident = Incident {
    name: "packet_loss_20",
    description: "20 % of packets lost, each way",
    cluster_kind: ClusterKind::ProxiedTwoDisks,
    settings: &[],
    duration: secs(20),
    inject: |bed| lose(bed, 20),
    expect: Expect::Victim { kinds: &["path_degraded", "broker_slow"], within: DEGRADED_GOAL },
};

fn lose(bed: &mut TestBed<'_>, percent: u32) -> Undo {
    bed.network().lose_packets(bed.cluster.proxy(bed.victim_id()).port(), percent);
    Box::new(|bed| bed.network().heal())
}
