//! With `acks = "leader"` a record is acked before any follower has it: a leader that fails at that moment takes it along, and a
//! follower that is in sync by then begins without it. The prober reports the loss, and the broker that failed.

use super::{About, ClusterKind, Expect, ExpectedFinding, Incident, Lasting, UNRESPONSIVE_GOAL, secs};
use crate::support::elapse;

pub(crate) const INCIDENT: Incident = Incident {
    name: "acks_leader",
    description: "acks = \"leader\": SIGKILL of a broker while its followers are stopped for 1.2 s",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[("KAFKA_PROBER__LANES__REPLICATED__ACKS", "leader")],
    duration: secs(40),
    inject: |bed| {
        let followers = [bed.victim_at(1), bed.victim_at(2)];
        followers.iter().for_each(|broker| broker.freeze());
        // Shorter than any pause that is reported, and two records of the lane.
        elapse(secs(1) + secs(1) / 5);
        bed.mark_fault_started();
        bed.victim().kill();
        followers.iter().for_each(|broker| broker.thaw());
        Box::new(|bed| {
            bed.start_stopped_brokers();
            // The loss is reported for an hour.
            bed.probing.stop();
            bed.start_prober();
        })
    },
    expect: Expect::Each {
        findings: &[
            ExpectedFinding::new(About::Victim(0), &["broker_down"], UNRESPONSIVE_GOAL),
            // Another leader is elected after the session of 9 s; the records must then stay away for their deadline of 5 s, and
            // a second read must not find them.
            ExpectedFinding::new(About::Cluster, &["acked_records_lost"], secs(30)).lasting(Lasting::Begins),
        ],
        beside: &[],
        explain: &[1],
    },
};
