//! A quota throttles the prober's clients at every broker.

use super::{ClusterKind, DEGRADED_GOAL, Expect, Incident, secs};
use crate::harness::raw::{Quota, alter_quota};

/// Seven records of 128 bytes a second at each broker, with their headers, are more than this.
const QUOTA: Quota = Quota::ProducedBytes(500.0);

pub(crate) const INCIDENT: Incident = Incident {
    name: "quota",
    description: "500 bytes a second for every client",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(20),
    inject: |bed| {
        alter_quota(bed.cluster.any_internal_address(), QUOTA, true).expect("a quota");
        Box::new(|bed| alter_quota(bed.cluster.any_internal_address(), QUOTA, false).expect("no quota"))
    },
    expect: Expect::Cluster { kinds: &["quota_throttled"], within: DEGRADED_GOAL },
};
