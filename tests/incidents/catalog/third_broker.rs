//! Two of five brokers freeze at once and stay so; half a minute later a third one freezes, is killed, cannot be reached or is
//! slow. It is named like a first, and the end of it all is the begin of nothing.

use std::time::Duration;

use super::test_bed::TestBed;
use super::{
    About, ClusterKind, DEGRADED_GOAL, Expect, ExpectedFinding, Incident, UNRESPONSIVE_GOAL, Undo,
    WITHOUT_ENOUGH_REPLICAS, secs,
};
use crate::harness::faults::pauses::Pauses;
use crate::harness::kafka::broker::Broker;
use crate::support::elapse;

/// Both have been fenced for twenty seconds by then.
const LATER: u64 = 30;

const PAIR: ExpectedFinding = ExpectedFinding::new(About::Together(&[0, 1]), &["brokers_together"], UNRESPONSIVE_GOAL);

const fn third(kinds: &'static [&'static str]) -> ExpectedFinding {
    ExpectedFinding::new(About::Victim(2), kinds, UNRESPONSIVE_GOAL).of_fault(1)
}

pub(crate) const FROZEN: Incident = Incident {
    name: "third_frozen",
    description: "SIGSTOP of two of five brokers, and of a third after 30 s; all go on at once",
    cluster_kind: ClusterKind::FiveBrokers,
    settings: &[],
    duration: secs(45),
    inject: |bed| after_two(bed, Broker::freeze),
    expect: Expect::Each {
        findings: &[PAIR, third(&["broker_stalled", "broker_frozen"])],
        beside: WITHOUT_ENOUGH_REPLICAS,
        explain: &[1],
    },
};

pub(crate) const KILLED: Incident = Incident {
    name: "third_killed",
    description: "SIGSTOP of two of five brokers, and SIGKILL of a third after 30 s",
    cluster_kind: ClusterKind::FiveBrokers,
    settings: &[],
    duration: secs(42),
    inject: |bed| after_two(bed, Broker::kill),
    expect: Expect::Each { findings: &[PAIR, third(&["broker_down"])], beside: WITHOUT_ENOUGH_REPLICAS, explain: &[1] },
};

pub(crate) const DROPPED: Incident = Incident {
    name: "third_dropped",
    description: "SIGSTOP of two of five brokers, and every packet of a third one's client port dropped after 30 s",
    cluster_kind: ClusterKind::FiveBrokers,
    settings: &[],
    duration: secs(42),
    inject: |bed| {
        freeze_two(bed);
        bed.mark_fault_started();
        bed.network().drop_port(bed.cluster.proxy(bed.victims()[2]).port());
        Box::new(|bed| {
            bed.network().heal();
            thaw(bed);
        })
    },
    expect: Expect::Each {
        findings: &[PAIR, third(&["broker_stalled", "broker_unreachable"])],
        beside: WITHOUT_ENOUGH_REPLICAS,
        explain: &[1],
    },
};

pub(crate) const SLOW: Incident = Incident {
    name: "third_slow",
    description: "SIGSTOP of two of five brokers, and a third one stopped 150 of every 300 ms after 30 s",
    cluster_kind: ClusterKind::FiveBrokers,
    settings: &[],
    duration: secs(42),
    inject: |bed| {
        freeze_two(bed);
        bed.mark_fault_started();
        let half = Duration::from_millis(150);
        let pauses = Pauses::periodic(bed.victim_at(2).pid(), half, half);
        Box::new(move |bed| {
            drop(pauses);
            thaw(bed);
        })
    },
    expect: Expect::Each {
        findings: &[
            PAIR,
            ExpectedFinding::new(About::Victim(2), &["broker_slow", "broker_stalled"], DEGRADED_GOAL).of_fault(1),
        ],
        beside: WITHOUT_ENOUGH_REPLICAS,
        explain: &[1],
    },
};

fn after_two(bed: &mut TestBed<'_>, fail: fn(&Broker)) -> Undo {
    freeze_two(bed);
    bed.mark_fault_started();
    fail(bed.victim_at(2));
    Box::new(|bed| thaw(bed))
}

fn freeze_two(bed: &mut TestBed<'_>) {
    bed.mark_fault_started();
    for place in [0, 1] {
        bed.victim_at(place).freeze();
    }
    elapse(secs(LATER));
}

fn thaw(bed: &TestBed<'_>) {
    bed.cluster.brokers().iter().filter(|broker| broker.is_frozen()).for_each(Broker::thaw);
    bed.start_stopped_brokers();
}
