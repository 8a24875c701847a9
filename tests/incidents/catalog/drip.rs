//! The connections to one broker pass 500 bytes a second.

use std::time::Duration;

use super::{ClusterKind, DEGRADED_GOAL, Expect, Incident, secs};
use crate::harness::proxy::Shaping;

const SHAPING: Shaping = Shaping { delay: Duration::ZERO, bytes_per_second: Some(500) };

pub(crate) const INCIDENT: Incident = Incident {
    name: "drip",
    description: "500 bytes a second each way",
    cluster_kind: ClusterKind::ProxiedTwoDisks,
    settings: &[],
    duration: secs(25),
    inject: |bed| {
        bed.cluster.proxy(bed.victim_id()).shape(SHAPING);
        Box::new(|bed| bed.cluster.proxy(bed.victim_id()).heal())
    },
    expect: Expect::Victim {
        kinds: &["path_degraded", "broker_slow", "broker_stalled", "broker_frozen"],
        within: DEGRADED_GOAL,
    },
};
