//! One broker is stopped for two seconds again and again. It is named each time, and after the third time the finding stays and
//! says how often it has begun.

use super::{About, ClusterKind, Expect, ExpectedFinding, Incident, Lasting, UNRESPONSIVE_GOAL, secs};
use crate::harness::faults::pauses::Pauses;
use crate::support::elapse;

const PAUSE: u64 = 2;
const BETWEEN: u64 = 18;

pub(crate) const INCIDENT: Incident = Incident {
    name: "recurring_pauses",
    description: "stopped 2 s of every 20 s, four times",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(4 * (PAUSE + BETWEEN)),
    inject: |bed| {
        let pauses = Pauses::periodic(bed.victim().pid(), secs(PAUSE), secs(BETWEEN));
        elapse(secs(BETWEEN));
        bed.mark_fault_started();
        Box::new(move |_| drop(pauses))
    },
    expect: Expect::Each {
        findings: &[
            ExpectedFinding::new(About::Victim(0), &["broker_stalled"], UNRESPONSIVE_GOAL).lasting(Lasting::Recurs)
        ],
        beside: &[],
        explain: &[1],
    },
};
