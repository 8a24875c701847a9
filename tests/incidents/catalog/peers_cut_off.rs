//! Packets to and from the inter-broker port of one broker are dropped: its peers cannot fetch from it, while it can fetch from
//! them, and clients and controllers reach everyone.

use super::{About, ClusterKind, Expect, ExpectedFinding, Incident, secs};

/// No broker is named yet. After `replica.lag.time.max.ms` (30 s) and up to half as long until the next check, the broker
/// has removed its followers from the in-sync sets and refuses writes with acks=all.
const REFUSES: ExpectedFinding = ExpectedFinding::new(About::Cluster, &["not_enough_replicas"], secs(50));

pub(crate) const INCIDENT: Incident = Incident {
    name: "peers_cut_off",
    description: "every packet of one broker's inter-broker port dropped for a minute",
    cluster_kind: ClusterKind::FiveBrokers,
    settings: &[],
    duration: secs(60),
    inject: |bed| {
        let (_, port) = bed.victim().internal_address().rsplit_once(':').expect("host and port");
        bed.network().drop_port(port.parse().expect("a port"));
        Box::new(|bed| bed.network().heal())
    },
    expect: Expect::Each { findings: &[REFUSES], beside: &["coordinator_failing"], explain: &[1] },
};
