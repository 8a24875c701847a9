//! The disk with a broker's logs is full.

use super::stage::Stage;
use super::{Expect, Incident, SOON, Scene, Undo, secs};

/// The one of two that holds the pinned partition: the broker goes on with the other.
pub(super) const OF_TWO: Incident = Incident {
    name: "disk_full_of_two",
    what: "the disk with the pinned partition is full, another is not",
    scene: Scene::Equipped,
    lasts: secs(20),
    inject: fill,
    expect: Expect::Victim { kinds: &["storage_failed"], within: SOON },
};

/// The only one: the broker ends itself.
pub(super) const ONLY: Incident = Incident {
    name: "disk_full",
    what: "the only disk is full",
    scene: Scene::OneDisk,
    lasts: secs(20),
    inject: fill,
    expect: Expect::Victim { kinds: &["storage_failed", "broker_down"], within: SOON },
};

fn fill(stage: &mut Stage<'_>) -> Undo {
    let disk = stage.pinned_disk();
    disk.fill();
    stage.begins();
    Box::new(|stage| {
        stage.pinned_disk().empty();
        stage.restart();
    })
}
