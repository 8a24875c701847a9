//! One broker is stopped half of the time: it answers every request, and most of them late.

use std::time::Duration;

use super::{ClusterKind, DEGRADED_GOAL, Expect, Incident, secs};
use crate::harness::faults::pauses::Pauses;

const EXPECT: Expect = Expect::Victim { kinds: &["broker_slow", "broker_stalled"], within: DEGRADED_GOAL };

/// Stopped 150 of every 300 ms: no answer takes a second.
pub(crate) const INCIDENT: Incident = Incident {
    name: "duty_cycled",
    description: "stopped 150 of every 300 ms",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(15),
    inject: |bed| {
        let pauses = Pauses::periodic(bed.victim().pid(), Duration::from_millis(150), Duration::from_millis(150));
        Box::new(move |_| drop(pauses))
    },
    expect: EXPECT,
};

/// Stopped 1.2 of every 2.4 s: some answers are late, and no pause is long enough for a stall.
pub(crate) const LONG: Incident = Incident {
    name: "duty_cycled_long",
    description: "stopped 1.2 of every 2.4 s",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(20),
    inject: |bed| {
        let half = Duration::from_millis(1200);
        let pauses = Pauses::periodic(bed.victim().pid(), half, half);
        Box::new(move |_| drop(pauses))
    },
    expect: EXPECT,
};

/// As the first, while the prober writes five times as often, or only every 5 s: then the direct probes, one a second, must show it.
pub(crate) const OFTEN: Incident = Incident {
    name: "duty_cycled_at_40ms",
    description: "stopped 150 of every 300 ms, while a record is written every 40 ms",
    settings: &[("KAFKA_PROBER__LANES__PINNED__INTERVAL", "40ms")],
    ..INCIDENT
};

pub(crate) const SELDOM: Incident = Incident {
    name: "duty_cycled_at_5s",
    description: "stopped 150 of every 300 ms, while a record is written every 5 s",
    settings: &[("KAFKA_PROBER__LANES__PINNED__INTERVAL", "5s")],
    duration: secs(25),
    // Eight answers a second apart, of which a third is late.
    expect: Expect::Victim { kinds: &["broker_slow", "broker_stalled"], within: secs(15) },
    ..INCIDENT
};
