//! The way to one broker takes 200 ms there and back.

use std::time::Duration;

use super::{Expect, Incident, SOON, Scene, secs};
use crate::harness::proxy::Pace;

const PACE: Pace = Pace { delay: Duration::from_millis(100), bytes_per_second: None };

pub(super) const INCIDENT: Incident = Incident {
    name: "delay_200ms",
    what: "200 ms more there and back",
    scene: Scene::Equipped,
    lasts: secs(20),
    inject: |stage| {
        stage.cluster.proxy(stage.victim_id()).slow(PACE);
        Box::new(|stage| stage.cluster.proxy(stage.victim_id()).heal())
    },
    expect: Expect::Victim { kinds: &["path_degraded", "broker_slow"], within: SOON },
};
