//! One broker may open no more files: kept connections are served, and new ones wait for ever.

use super::{Expect, Incident, Scene, secs};
use crate::harness::faults::limits::Limited;

pub(super) const INCIDENT: Incident = Incident {
    name: "open_files",
    what: "no file descriptor left for 40 s",
    scene: Scene::Three,
    lasts: secs(40),
    inject: |stage| {
        let limited = Limited::open_files(stage.victim().pid());
        Box::new(move |stage| {
            drop(limited);
            stage.revive();
        })
    },
    // A fresh connection is tried every ten seconds, and twice is no chance.
    expect: Expect::Victim { kinds: &["new_connections_failing", "storage_failed"], within: secs(30) },
};
