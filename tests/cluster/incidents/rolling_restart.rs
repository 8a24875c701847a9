//! Every broker in turn is shut down in good order and started again, as an upgrade does it.

use super::{Expect, Incident, Scene, secs};
use crate::harness::wait_until;

/// Each restart may cost clients five events.
const CLIENT_BAD: u64 = 3 * 5;

pub(super) const INCIDENT: Incident = Incident {
    name: "rolling_restart",
    what: "controlled shutdown and start of each broker in turn",
    scene: Scene::Three,
    lasts: secs(0),
    inject: |stage| {
        for broker in stage.cluster.brokers() {
            assert!(broker.stop(), "it ends by itself: {}", broker.log_tail());
            broker.start();
            stage.cluster.await_ready();
            // As whoever rolls a cluster waits: the next one goes when this one is in sync again.
            wait_until(secs(60), "every replica is in sync", || stage.all_in_sync());
        }
        Box::new(|_| ())
    },
    expect: Expect::Nothing { client_bad: CLIENT_BAD },
};
