//! Packets to and from the inter-broker port of one broker are dropped: its peers cannot fetch from it, while it can fetch from
//! them, and clients and controllers reach everyone.

use super::{About, ClusterKind, Expect, ExpectedFinding, Incident, secs};

/// Its followers leave the in-sync sets after `replica.lag.time.max.ms` (30 s) and up to half as long until the next check. Metadata
/// are requested every five seconds, and must still show it after twenty.
const CUT_OFF: ExpectedFinding =
    ExpectedFinding::new(About::Victim(0), &["broker_cut_off_from_peers"], secs(45 + 5 + 20 + 5));

pub(crate) const INCIDENT: Incident = Incident {
    name: "peers_cut_off",
    description: "every packet of one broker's inter-broker port dropped for 80 s",
    cluster_kind: ClusterKind::FiveBrokers,
    settings: &[],
    duration: secs(80),
    inject: |bed| {
        let (_, port) = bed.victim().internal_address().rsplit_once(':').expect("host and port");
        bed.network().drop_port(port.parse().expect("a port"));
        Box::new(|bed| bed.network().heal())
    },
    // Alone in its sets, it refuses what demands more replicas: until it is named, and what it leads in internal topics.
    expect: Expect::Each {
        findings: &[CUT_OFF],
        beside: &["not_enough_replicas", "coordinator_failing", "coordinator_partition_failing"],
        explain: &[1],
    },
};
