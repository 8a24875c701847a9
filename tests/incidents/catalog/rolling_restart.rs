//! Each broker in turn is shut down (controlled shutdown) and started again, as in an upgrade.

use super::{ClusterKind, Expect, Incident, secs};
use crate::harness::wait_until;

/// Each restart may cost the client view five events.
const CLIENT_BAD: u64 = 3 * 5;

pub(crate) const INCIDENT: Incident = Incident {
    name: "rolling_restart",
    description: "controlled shutdown and start of each broker in turn",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(0),
    inject: |bed| {
        for broker in bed.cluster.brokers() {
            assert!(broker.stop(), "it ends by itself: {}", broker.log_tail());
            broker.start();
            bed.cluster.await_ready();
            // An operator waits as well: the next broker restarts when this one is in sync again.
            wait_until(secs(60), "every replica is in sync", || bed.all_in_sync());
        }
        Box::new(|_| ())
    },
    expect: Expect::Nothing { client_bad: CLIENT_BAD },
};
