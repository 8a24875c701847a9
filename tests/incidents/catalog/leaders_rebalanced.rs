//! Leadership moves to other replicas and back to the preferred ones while every broker is healthy.

use super::{ClusterKind, Expect, Incident, secs};
use crate::harness::{raw, wait_until};
use crate::support::elapse;

pub(crate) const INCIDENT: Incident = Incident {
    name: "leaders_rebalanced",
    description: "a broker gives up its leaderships for a restart, and gets them back by an election",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(0),
    inject: |bed| {
        let broker = bed.victim();
        assert!(broker.stop(), "it ends by itself: {}", broker.log_tail());
        broker.start();
        bed.cluster.await_ready();
        wait_until(secs(60), "every replica is in sync", || bed.all_in_sync());
        bed.mark_fault_started();
        let addr = bed.cluster.any_internal_address();
        wait_until(secs(30), "every partition is led by its preferred leader", || {
            let moved = raw::metadata_of_all(addr).map(raw::Metadata::moved).unwrap_or_default();
            moved.is_empty() || raw::elect_preferred(addr, &moved).is_err()
        });
        elapse(secs(8));
        Box::new(|_| ())
    },
    expect: Expect::Nothing { client_bad: 5 },
};
