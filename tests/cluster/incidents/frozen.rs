//! The process of one broker stands still (SIGSTOP): its machine takes connections, and nobody answers.

use super::{AT_ONCE, Expect, Incident, Scene, secs};

pub(super) const INCIDENT: Incident = Incident {
    name: "frozen",
    what: "SIGSTOP for 12 s",
    scene: Scene::Three,
    lasts: secs(12),
    inject: |stage| {
        stage.victim().freeze();
        Box::new(|stage| stage.victim().thaw())
    },
    expect: Expect::Victim { kinds: &["broker_stalled", "broker_frozen"], within: AT_ONCE },
};
