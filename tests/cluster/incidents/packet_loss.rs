//! Packets between the prober and one broker are lost by chance; between the brokers none is.

use super::stage::Stage;
use super::{Expect, Incident, SOON, Scene, Undo, secs};

/// Hardly felt: TCP repairs it within a fifth of a second or so.
pub(super) const LITTLE: Incident = Incident {
    name: "packet_loss_5",
    what: "5 % of packets lost, each way",
    scene: Scene::Equipped,
    lasts: secs(20),
    inject: |stage| lose(stage, 5),
    expect: Expect::Victim { kinds: &["path_degraded", "broker_slow"], within: secs(18) },
};

pub(super) const MUCH: Incident = Incident {
    name: "packet_loss_20",
    what: "20 % of packets lost, each way",
    scene: Scene::Equipped,
    lasts: secs(20),
    inject: |stage| lose(stage, 20),
    expect: Expect::Victim { kinds: &["path_degraded", "broker_slow"], within: SOON },
};

fn lose(stage: &mut Stage<'_>, percent: u32) -> Undo {
    stage.network().lose_packets(stage.cluster.proxy(stage.victim_id()).port(), percent);
    Box::new(|stage| stage.network().heal())
}
