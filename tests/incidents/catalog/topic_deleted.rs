//! The prober's topic is deleted while it is probed. The prober creates it again; no broker is at fault.

use super::{ClusterKind, Expect, Incident, secs};
use crate::harness::raw;
use crate::support::TOPIC;

pub(crate) const INCIDENT: Incident = Incident {
    name: "topic_deleted",
    description: "the pinned topic is deleted",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(20),
    inject: |bed| {
        raw::delete_topic(bed.cluster.any_internal_address(), TOPIC).expect("it is deleted");
        Box::new(|_| ())
    },
    expect: Expect::Nothing { client_bad: 0 },
};
