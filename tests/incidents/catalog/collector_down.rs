//! Whoever the metrics are sent to goes away: that is nobody's fault in the cluster, and changes nothing about probing.

use super::{ClusterKind, Expect, Incident, secs};

pub(crate) const INCIDENT: Incident = Incident {
    name: "collector_down",
    description: "the OTLP receiver is gone for 25 s",
    cluster_kind: ClusterKind::ThreeBrokers,
    duration: secs(25),
    inject: |bed| {
        bed.stop_otlp_receiver();
        Box::new(|_| ())
    },
    expect: Expect::Prober { kinds: &[] },
};
