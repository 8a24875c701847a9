//! Packets between the prober and one broker are lost by chance; between the brokers none is.

use super::test_bed::TestBed;
use super::{Expect, Incident, SOON, ClusterKind, Undo, secs};

/// Hardly felt: TCP repairs it within a fifth of a second or so.
pub(super) const LITTLE: Incident = Incident {
    name: "packet_loss_5",
    what: "5 % of packets lost, each way",
    cluster_kind: ClusterKind::ProxiedTwoDisks,
    lasts: secs(20),
    inject: |bed| lose(bed, 5),
    expect: Expect::Victim { kinds: &["path_degraded", "broker_slow"], within: secs(18) },
};

pub(super) const MUCH: Incident = Incident {
    name: "packet_loss_20",
    what: "20 % of packets lost, each way",
    cluster_kind: ClusterKind::ProxiedTwoDisks,
    lasts: secs(20),
    inject: |bed| lose(bed, 20),
    expect: Expect::Victim { kinds: &["path_degraded", "broker_slow"], within: SOON },
};

fn lose(bed: &mut TestBed<'_>, percent: u32) -> Undo {
    bed.network().lose_packets(bed.cluster.proxy(bed.victim_id()).port(), percent);
    Box::new(|bed| bed.network().heal())
}
