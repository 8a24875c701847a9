//! Somebody deletes a topic of the prober's while it writes to it. It makes it anew; no broker is to blame.

use super::{ClusterKind, Expect, Incident, secs};
use crate::harness::raw;
use crate::support::TOPIC;

pub(crate) const INCIDENT: Incident = Incident {
    name: "topic_deleted",
    description: "the pinned topic is deleted",
    cluster_kind: ClusterKind::ThreeBrokers,
    duration: secs(20),
    inject: |bed| {
        raw::delete_topic(bed.cluster.any_internal_address(), TOPIC).expect("it is deleted");
        Box::new(|_| ())
    },
    expect: Expect::Nothing { client_bad: 0 },
};
