//! Every broker pauses now and then for less than a second, as during garbage collection.

use std::time::Duration;

use super::{ClusterKind, Expect, Incident, secs};
use crate::harness::faults::pauses::Pauses;

const PAUSE: std::ops::Range<Duration> = Duration::from_millis(300)..Duration::from_millis(900);
const BETWEEN: std::ops::Range<Duration> = Duration::from_secs(2)..Duration::from_secs(7);

pub(crate) const INCIDENT: Incident = Incident {
    name: "pauses",
    description: "each broker stopped 300 to 900 ms every 2 to 7 s",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(25),
    inject: |bed| {
        let pids: Vec<u32> = bed.cluster.brokers().iter().map(|broker| broker.pid()).collect();
        let mut paused = Vec::new();
        for pid in pids {
            paused.push(Pauses::random(pid, PAUSE, BETWEEN, bed.random.next()));
        }
        Box::new(move |_| drop(paused))
    },
    // A record that waits for two paused brokers, one after the other, may exceed the threshold of 1 s. Four events did in one
    // run.
    expect: Expect::Nothing { client_bad: 16 },
};
