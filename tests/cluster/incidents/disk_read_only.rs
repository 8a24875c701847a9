//! The kernel gives up the disk with a broker's pinned partition: every write to it fails, and what is there can be read.

use super::{Expect, Incident, SOON, Scene, secs};

pub(super) const OF_TWO: Incident = Incident {
    name: "disk_read_only_of_two",
    what: "the disk with the pinned partition turns read-only, another does not",
    scene: Scene::Equipped,
    lasts: secs(20),
    inject: |stage| {
        stage.pinned_disk().fail_writes();
        Box::new(|stage| {
            stage.victim().kill();
            stage.pinned_disk().repair();
            stage.restart();
        })
    },
    expect: Expect::Victim { kinds: &["storage_failed"], within: SOON },
};
