//! The way to one broker lets a few hundred bytes a second pass.

use std::time::Duration;

use super::{Expect, Incident, SOON, Scene, secs};
use crate::harness::proxy::Pace;

const PACE: Pace = Pace { delay: Duration::ZERO, bytes_per_second: Some(500) };

pub(super) const INCIDENT: Incident = Incident {
    name: "drip",
    what: "500 bytes a second each way",
    scene: Scene::Equipped,
    lasts: secs(25),
    inject: |stage| {
        stage.cluster.proxy(stage.victim_id()).slow(PACE);
        Box::new(|stage| stage.cluster.proxy(stage.victim_id()).heal())
    },
    expect: Expect::Victim {
        kinds: &["path_degraded", "broker_slow", "broker_stalled", "broker_frozen"],
        within: SOON,
    },
};
