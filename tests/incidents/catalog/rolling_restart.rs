//! Every broker in turn is shut down in good order and started again, as an upgrade does it.

use super::{ClusterKind, Expect, Incident, secs};
use crate::harness::wait_until;

/// Each restart may cost clients five events.
const CLIENT_BAD: u64 = 3 * 5;

pub(crate) const INCIDENT: Incident = Incident {
    name: "rolling_restart",
    description: "controlled shutdown and start of each broker in turn",
    cluster_kind: ClusterKind::ThreeBrokers,
    duration: secs(0),
    inject: |bed| {
        for broker in bed.cluster.brokers() {
            assert!(broker.stop(), "it ends by itself: {}", broker.log_tail());
            broker.start();
            bed.cluster.await_ready();
            // As whoever rolls a cluster waits: the next one goes when this one is in sync again.
            wait_until(secs(60), "every replica is in sync", || bed.all_in_sync());
        }
        Box::new(|_| ())
    },
    expect: Expect::Nothing { client_bad: CLIENT_BAD },
};
