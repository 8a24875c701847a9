//! One broker is killed, or freezes, and stays so: it hides no other trouble. Half a minute later another broker freezes, becomes
//! slow or loses a disk, or the controller hangs.

use std::time::Duration;

use super::test_bed::TestBed;
use super::{
    About, ClusterKind, DEGRADED_GOAL, Expect, ExpectedFinding, Incident, UNRESPONSIVE_GOAL, Undo,
    WITHOUT_ENOUGH_REPLICAS, secs,
};
use crate::harness::faults::pauses::Pauses;
use crate::harness::kafka::broker::Broker;
use crate::support::elapse;

/// It has been fenced for twenty seconds by then.
const LATER: u64 = 30;

const DOWN: ExpectedFinding = ExpectedFinding::new(About::Victim(0), &["broker_down"], UNRESPONSIVE_GOAL);
const FREEZES: ExpectedFinding =
    ExpectedFinding::new(About::Victim(0), &["broker_stalled", "broker_frozen"], UNRESPONSIVE_GOAL);
const FROZEN: ExpectedFinding =
    ExpectedFinding::new(About::Victim(1), &["broker_stalled", "broker_frozen"], UNRESPONSIVE_GOAL).of_fault(1);
const SLOW: ExpectedFinding =
    ExpectedFinding::new(About::Victim(1), &["broker_slow", "broker_stalled"], DEGRADED_GOAL).of_fault(1);
const STORAGE: ExpectedFinding = ExpectedFinding::new(About::Victim(1), &["storage_failed"], DEGRADED_GOAL).of_fault(1);
const CONTROLLER: ExpectedFinding =
    ExpectedFinding::new(About::Cluster, &["controller_unresponsive"], secs(35)).of_fault(1);

const fn each(findings: &'static [ExpectedFinding]) -> Expect {
    Expect::Each { findings, beside: WITHOUT_ENOUGH_REPLICAS, explain: &[1] }
}

pub(crate) const FROZEN_BESIDE_KILLED: Incident = Incident {
    name: "frozen_beside_killed",
    description: "SIGKILL of one of five brokers for good, SIGSTOP of another after 30 s",
    cluster_kind: ClusterKind::FiveBrokers,
    settings: &[],
    duration: secs(42),
    inject: |bed| freeze(bed, Broker::kill),
    expect: each(&[DOWN, FROZEN]),
};

pub(crate) const SLOW_BESIDE_KILLED: Incident = Incident {
    name: "slow_beside_killed",
    description: "SIGKILL of one of five brokers for good, another stopped 150 of every 300 ms after 30 s",
    cluster_kind: ClusterKind::FiveBrokers,
    settings: &[],
    duration: secs(45),
    inject: |bed| slow_down(bed, Broker::kill),
    expect: each(&[DOWN, SLOW]),
};

pub(crate) const SLOW_BESIDE_FROZEN: Incident = Incident {
    name: "slow_beside_frozen",
    description: "SIGSTOP of one of five brokers for good, another stopped 150 of every 300 ms after 30 s",
    cluster_kind: ClusterKind::FiveBrokers,
    settings: &[],
    duration: secs(45),
    inject: |bed| slow_down(bed, Broker::freeze),
    expect: each(&[FREEZES, SLOW]),
};

pub(crate) const DISK_FULL_BESIDE_KILLED: Incident = Incident {
    name: "disk_full_beside_killed",
    description: "SIGKILL of one of five brokers for good, another one's disk full after 30 s",
    cluster_kind: ClusterKind::FiveBrokers,
    settings: &[],
    duration: secs(45),
    inject: |bed| fill_disk(bed, Broker::kill),
    expect: each(&[DOWN, STORAGE]),
};

pub(crate) const DISK_FULL_BESIDE_FROZEN: Incident = Incident {
    name: "disk_full_beside_frozen",
    description: "SIGSTOP of one of five brokers for good, another one's disk full after 30 s",
    cluster_kind: ClusterKind::FiveBrokers,
    settings: &[],
    duration: secs(45),
    inject: |bed| fill_disk(bed, Broker::freeze),
    expect: each(&[FREEZES, STORAGE]),
};

pub(crate) const CONTROLLER_BESIDE_KILLED: Incident = Incident {
    name: "controller_beside_killed",
    description: "SIGKILL of one of three brokers for good, SIGSTOP of the active controller after 30 s",
    cluster_kind: ClusterKind::SeparateControllers,
    settings: &[],
    duration: secs(70),
    inject: |bed| freeze_controller(bed, Broker::kill),
    expect: each(&[DOWN, CONTROLLER]),
};

pub(crate) const CONTROLLER_BESIDE_FROZEN: Incident = Incident {
    name: "controller_beside_frozen",
    description: "SIGSTOP of one of three brokers for good, and of the active controller after 30 s",
    cluster_kind: ClusterKind::SeparateControllers,
    settings: &[],
    duration: secs(70),
    inject: |bed| freeze_controller(bed, Broker::freeze),
    expect: each(&[FREEZES, CONTROLLER]),
};

/// The first trouble, and the begin of the second one.
fn begin(bed: &mut TestBed<'_>, fail: fn(&Broker)) {
    bed.mark_fault_started();
    fail(bed.victim());
    elapse(secs(LATER));
    bed.mark_fault_started();
}

/// Lets the first victim go on.
fn end(bed: &TestBed<'_>) {
    if bed.victim().is_frozen() {
        bed.victim().thaw();
    }
    bed.start_stopped_brokers();
}

fn freeze(bed: &mut TestBed<'_>, fail: fn(&Broker)) -> Undo {
    begin(bed, fail);
    bed.victim_at(1).freeze();
    Box::new(|bed| {
        bed.victim_at(1).thaw();
        end(bed);
    })
}

fn slow_down(bed: &mut TestBed<'_>, fail: fn(&Broker)) -> Undo {
    begin(bed, fail);
    let half = Duration::from_millis(150);
    let pauses = Pauses::periodic(bed.victim_at(1).pid(), half, half);
    Box::new(move |bed| {
        drop(pauses);
        end(bed);
    })
}

fn fill_disk(bed: &mut TestBed<'_>, fail: fn(&Broker)) -> Undo {
    begin(bed, fail);
    bed.pinned_disk_of(1).fill();
    Box::new(|bed| {
        bed.pinned_disk_of(1).empty();
        end(bed);
        // It leaves in good order, so that its restart is nothing to report.
        assert!(bed.victim_at(1).stop(), "it ends by itself: {}", bed.victim_at(1).log_tail());
        bed.start_stopped_brokers();
    })
}

fn freeze_controller(bed: &mut TestBed<'_>, fail: fn(&Broker)) -> Undo {
    begin(bed, fail);
    let controller = bed.cluster.active_controller();
    let id = controller.id();
    controller.freeze();
    Box::new(move |bed| {
        bed.controller(id).thaw();
        end(bed);
    })
}
