//! Somebody deletes a topic of the prober's while it writes to it. It makes it anew; no broker is to blame.

use super::{Expect, Incident, Scene, secs};
use crate::harness::raw;
use crate::support::TOPIC;

pub(super) const INCIDENT: Incident = Incident {
    name: "topic_deleted",
    what: "the pinned topic is deleted",
    scene: Scene::Three,
    lasts: secs(20),
    inject: |stage| {
        raw::delete_topic(stage.cluster.any_internal_address(), TOPIC).expect("it is deleted");
        Box::new(|_| ())
    },
    expect: Expect::Nothing { client_bad: 0 },
};
