//! The OTLP receiver goes away: nothing in the cluster is at fault, and probing does not change.

use super::{ClusterKind, Expect, Incident, secs};

pub(crate) const INCIDENT: Incident = Incident {
    name: "collector_down",
    description: "the OTLP receiver is gone for 25 s",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(25),
    inject: |bed| {
        bed.stop_otlp_receiver();
        Box::new(|_| ())
    },
    expect: Expect::Prober { kinds: &[], must_report: false },
};
