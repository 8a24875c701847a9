//! The broker that coordinates a group stands still: commits at other coordinators fail with it, and it alone is at fault.

use super::{AT_ONCE, Expect, Incident, Scene, secs};
use crate::harness::raw;

pub(super) const INCIDENT: Incident = Incident {
    name: "coordinator_frozen",
    what: "SIGSTOP of a group's coordinator for 20 s",
    scene: Scene::Three,
    lasts: secs(20),
    inject: |stage| {
        let coordinator = raw::coordinator(stage.cluster.any_internal_address(), "harness").expect("a coordinator");
        stage.choose(coordinator);
        stage.begins();
        stage.victim().freeze();
        Box::new(|stage| stage.victim().thaw())
    },
    expect: Expect::Victim { kinds: &["broker_stalled", "broker_frozen"], within: AT_ONCE },
};
