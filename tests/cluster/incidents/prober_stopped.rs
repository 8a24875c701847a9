//! The prober's own process stands still while the cluster is well.

use std::time::Duration;

use super::stage::Stage;
use super::{Expect, Incident, Scene, Undo, secs};
use crate::support::elapse;

const EXPECT: Expect = Expect::Prober { kinds: &["prober_stalled"] };

pub(super) const SHORT: Incident = Incident {
    name: "prober_stopped_3s",
    what: "the prober: SIGSTOP for 3 s, twice",
    scene: Scene::Three,
    lasts: secs(0),
    inject: |stage| stop(stage, secs(3)),
    expect: EXPECT,
};

pub(super) const LONG: Incident = Incident {
    name: "prober_stopped_10s",
    what: "the prober: SIGSTOP for 10 s, twice",
    scene: Scene::Three,
    lasts: secs(0),
    inject: |stage| stop(stage, secs(10)),
    expect: EXPECT,
};

fn stop(stage: &mut Stage<'_>, time: Duration) -> Undo {
    for _ in 0..2 {
        stage.probing.prober.freeze();
        elapse(time);
        stage.probing.prober.thaw();
        elapse(secs(4));
    }
    Box::new(|_| ())
}
