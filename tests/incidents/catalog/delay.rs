//! The round trip to one broker takes 200 ms more.

use std::time::Duration;

use super::{ClusterKind, DEGRADED_GOAL, Expect, Incident, secs};
use crate::harness::proxy::Shaping;

const SHAPING: Shaping = Shaping { delay: Duration::from_millis(100), bytes_per_second: None };

pub(crate) const INCIDENT: Incident = Incident {
    name: "delay_200ms",
    description: "200 ms more round-trip time",
    cluster_kind: ClusterKind::ProxiedTwoDisks,
    settings: &[],
    duration: secs(20),
    inject: |bed| {
        bed.cluster.proxy(bed.victim_id()).shape(SHAPING);
        Box::new(|bed| bed.cluster.proxy(bed.victim_id()).heal())
    },
    expect: Expect::Victim { kinds: &["path_degraded", "broker_slow"], within: DEGRADED_GOAL },
};
