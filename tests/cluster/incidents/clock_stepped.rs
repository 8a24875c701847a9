//! The calendar of the prober's machine is set by an hour while it runs.

use super::stage::Stage;
use super::{Expect, Incident, Scene, Undo, secs};

/// In seconds.
const HOUR: i64 = 3600;

const EXPECT: Expect = Expect::Prober { kinds: &[] };

pub(super) const FORWARDS: Incident = Incident {
    name: "clock_forwards",
    what: "the prober's calendar is set an hour ahead for 20 s",
    scene: Scene::FakeWallClock,
    lasts: secs(20),
    inject: |stage| step(stage, HOUR),
    expect: EXPECT,
};

pub(super) const BACKWARDS: Incident = Incident {
    name: "clock_backwards",
    what: "the prober's calendar is set an hour back for 20 s",
    scene: Scene::FakeWallClock,
    lasts: secs(20),
    inject: |stage| step(stage, -HOUR),
    expect: EXPECT,
};

fn step(stage: &mut Stage<'_>, seconds: i64) -> Undo {
    stage.wall_clock().set(seconds);
    Box::new(|stage| {
        let jumps = stage.probing.status().number("/prober/clock_jumps");
        assert!(1.0 <= jumps, "the prober has seen its calendar jump: the test shows what it says");
        stage.wall_clock().set(0);
    })
}
