//! The memory-map failure: a broker that gets no more maps cannot begin a new segment of any log.

use super::stage::Stage;
use super::{Expect, Incident, SOON, Scene, Undo, secs};
use crate::harness::faults::rlimit::LoweredLimit;
use crate::harness::raw::{ConfigResource, alter_config};
use crate::support::TOPIC;

/// With a second disk the broker goes on with what is there.
pub(super) const OF_TWO: Incident = Incident {
    name: "memory_maps_of_two",
    what: "no memory map more, while the pinned log rolls every second; two disks",
    scene: Scene::Equipped,
    lasts: secs(20),
    inject: limit,
    expect: Expect::Victim { kinds: &["storage_failed", "broker_down"], within: SOON },
};

/// The loss of its only disk is the loss of the broker.
pub(super) const ONLY: Incident = Incident {
    name: "memory_maps",
    what: "no memory map more, while the pinned log rolls every second",
    scene: Scene::OneDisk,
    lasts: secs(20),
    inject: limit,
    expect: Expect::Victim { kinds: &["storage_failed", "broker_down"], within: SOON },
};

fn limit(stage: &mut Stage<'_>) -> Undo {
    let addr = stage.cluster.any_internal_address();
    let topic = ConfigResource::Topic(TOPIC);
    alter_config(addr, topic, "segment.ms", Some("1000")).expect("a configuration");
    stage.begins();
    let limited = LoweredLimit::memory_maps(stage.victim().pid());
    Box::new(move |stage| {
        drop(limited);
        alter_config(stage.other_internal_address(), topic, "segment.ms", Some("600000")).expect("a configuration");
        stage.restart();
    })
}
