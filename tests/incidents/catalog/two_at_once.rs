//! Two brokers are slow at once, or the network paths to two brokers lose packets at once: both are named, and both findings are
//! active until the end.

use std::time::Duration;

use super::{About, ClusterKind, DEGRADED_GOAL, Expect, ExpectedFinding, Incident, secs};
use crate::harness::faults::pauses::Pauses;

const fn slow(place: usize) -> ExpectedFinding {
    ExpectedFinding::new(About::Victim(place), &["broker_slow", "broker_stalled"], DEGRADED_GOAL)
}

const fn lossy(place: usize) -> ExpectedFinding {
    ExpectedFinding::new(About::Victim(place), &["path_degraded", "broker_slow"], DEGRADED_GOAL)
}

pub(crate) const SLOW: Incident = Incident {
    name: "two_duty_cycled",
    description: "two of five brokers stopped 150 of every 300 ms",
    cluster_kind: ClusterKind::FiveBrokers,
    settings: &[],
    duration: secs(25),
    inject: |bed| {
        let half = Duration::from_millis(150);
        let pauses = [0, 1].map(|place| Pauses::periodic(bed.victim_at(place).pid(), half, half));
        Box::new(move |_| drop(pauses))
    },
    expect: Expect::Each { findings: &[slow(0), slow(1)], beside: &[], explain: &[1] },
};

pub(crate) const LOSSY: Incident = Incident {
    name: "two_lossy",
    description: "20 % of packets lost, each way, on the paths to two of five brokers",
    cluster_kind: ClusterKind::FiveBrokers,
    settings: &[],
    duration: secs(25),
    inject: |bed| {
        for broker in &bed.victims()[..2] {
            bed.network().lose_packets(bed.cluster.proxy(*broker).port(), 20);
        }
        Box::new(|bed| bed.network().heal())
    },
    expect: Expect::Each { findings: &[lossy(0), lossy(1)], beside: &[], explain: &[3] },
};
