//! All brokers are stopped at the same moment. The prober cannot distinguish that from a dead network, so it names no broker.

use super::{ClusterKind, Expect, Incident, secs};
use crate::harness::kafka::broker::Broker;

pub(crate) const INCIDENT: Incident = Incident {
    name: "all_frozen",
    description: "SIGSTOP of every broker for 15 s",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(15),
    inject: |bed| {
        bed.cluster.brokers().iter().for_each(Broker::freeze);
        Box::new(|bed| {
            bed.cluster.brokers().iter().for_each(Broker::thaw);
            bed.cluster.await_ready();
        })
    },
    expect: Expect::Cluster { kinds: &["cluster_unreachable"], within: secs(3) },
};
