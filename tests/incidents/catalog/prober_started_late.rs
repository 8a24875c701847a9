//! The prober starts while a broker is frozen, down or absent. It has no past to compare with, and names the broker by what it
//! sees now. A restart is the same: a prober keeps nothing from one run to the next.

use std::time::Duration;

use super::test_bed::TestBed;
use super::{About, ClusterKind, Expect, ExpectedFinding, Incident, Undo, secs};
use crate::harness::kafka::broker::Broker;
use crate::support::elapse;

/// Time after which a broker that does not answer has been fenced (9 s), so that metadata do not list it.
const FENCED_AFTER: Duration = secs(15);

/// A broker that metadata have never listed counts as absent six seconds after the first metadata, which take up to two.
const NAMED_WITHIN: Duration = secs(8);

const HANGS: ExpectedFinding =
    ExpectedFinding::new(About::Victim(0), &["broker_stalled", "broker_frozen"], NAMED_WITHIN);
const DOWN: ExpectedFinding = ExpectedFinding::new(About::Victim(0), &["broker_down"], NAMED_WITHIN);
const ABSENT: ExpectedFinding = ExpectedFinding::new(About::Victim(0), &["broker_absent"], NAMED_WITHIN);

const fn each(findings: &'static [ExpectedFinding]) -> Expect {
    Expect::Each { findings, beside: &[], explain: &[1] }
}

pub(crate) const FROZEN: Incident = Incident {
    name: "started_beside_frozen",
    description: "the prober starts just after SIGSTOP of a broker",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(15),
    inject: |bed| start_after(bed, Broker::freeze, Duration::ZERO),
    expect: each(&[HANGS]),
};

pub(crate) const DOWN_NOW: Incident = Incident {
    name: "started_beside_killed",
    description: "the prober starts just after SIGKILL of a broker",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(15),
    inject: |bed| start_after(bed, Broker::kill, Duration::ZERO),
    expect: each(&[DOWN]),
};

pub(crate) const FENCED: Incident = Incident {
    name: "started_beside_fenced",
    description: "the prober starts 15 s after SIGSTOP of a broker",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(15),
    inject: |bed| start_after(bed, Broker::freeze, FENCED_AFTER),
    expect: each(&[ABSENT]),
};

pub(crate) const GONE: Incident = Incident {
    name: "started_beside_gone",
    description: "the prober starts 15 s after SIGKILL of a broker",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(15),
    inject: |bed| start_after(bed, Broker::kill, FENCED_AFTER),
    expect: each(&[ABSENT]),
};

pub(crate) const SHUT_DOWN: Incident = Incident {
    name: "started_beside_shut_down",
    description: "the prober starts 15 s after the controlled shutdown of a broker",
    cluster_kind: ClusterKind::ThreeBrokers,
    settings: &[],
    duration: secs(15),
    inject: |bed| start_after(bed, |broker| assert!(broker.stop(), "{}", broker.log_tail()), FENCED_AFTER),
    expect: each(&[ABSENT]),
};

/// The faults count from the start of the prober.
fn start_after(bed: &mut TestBed<'_>, fail: fn(&Broker), wait: Duration) -> Undo {
    bed.probing.stop();
    fail(bed.victim());
    elapse(wait);
    bed.mark_fault_started();
    bed.start_prober();
    Box::new(|bed| {
        if bed.victim().is_frozen() {
            bed.victim().thaw();
        }
        bed.start_stopped_brokers();
    })
}
