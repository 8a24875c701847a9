//! Packets to and from one broker's client port are dropped while it replicates as ever.

use super::{AT_ONCE, Expect, Incident, Scene, secs};

pub(super) const INCIDENT: Incident = Incident {
    name: "dropped",
    what: "every packet of the client port dropped for 12 s",
    scene: Scene::Equipped,
    lasts: secs(12),
    inject: |stage| {
        stage.network().drop_port(stage.cluster.proxy(stage.victim_id()).port());
        Box::new(|stage| stage.network().heal())
    },
    expect: Expect::Victim { kinds: &["broker_stalled", "broker_unreachable"], within: AT_ONCE },
};
