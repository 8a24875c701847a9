//! The process of one broker dies (SIGKILL): its port is closed, and the cluster lists it for nine seconds more.

use super::stage::Stage;
use super::{AT_ONCE, Expect, Incident, Scene, Undo, secs};

const EXPECT: Expect = Expect::Victim { kinds: &["broker_down"], within: AT_ONCE };

/// And is started again.
pub(super) const INCIDENT: Incident = Incident {
    name: "killed",
    what: "SIGKILL, started again after 10 s",
    scene: Scene::Three,
    lasts: secs(10),
    inject: kill,
    expect: EXPECT,
};

/// And stays away, so that it is absent in the end and no finding any more.
pub(super) const NEVER_BACK: Incident = Incident {
    name: "killed_for_good",
    what: "SIGKILL, away for a minute",
    scene: Scene::Three,
    lasts: secs(60),
    inject: kill,
    expect: EXPECT,
};

fn kill(stage: &mut Stage<'_>) -> Undo {
    stage.victim().kill();
    Box::new(|stage| {
        stage.victim().start();
        stage.cluster.await_ready();
    })
}
