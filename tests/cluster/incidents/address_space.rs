//! The memory-map failure: a broker that gets no more maps cannot begin a new segment of any log.

use super::{Expect, Incident, Scene, secs};
use crate::harness::faults::limits::Limited;
use crate::harness::raw::set_topic_config;
use crate::support::TOPIC;

/// Less than the two maps of 1 MiB that a new segment takes.
const ROOM: u64 = 512 << 10;

pub(super) const INCIDENT: Incident = Incident {
    name: "no_memory_maps",
    what: "no memory map more, while the pinned log rolls every second",
    scene: Scene::OneDisk,
    lasts: secs(30),
    inject: |stage| {
        let addr = stage.cluster.any_internal_address();
        set_topic_config(addr, TOPIC, "segment.ms", Some("1000")).expect("a configuration");
        stage.begins();
        let limited = Limited::address_space(stage.victim().pid(), ROOM);
        Box::new(move |stage| {
            drop(limited);
            set_topic_config(stage.other_internal_address(), TOPIC, "segment.ms", Some("600000"))
                .expect("a configuration");
            stage.restart();
        })
    },
    expect: Expect::Victim { kinds: &["storage_failed", "broker_down", "broker_stalled"], within: secs(15) },
};
