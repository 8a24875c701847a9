//! One incident from calm to calm: the fault is injected, held and undone, and the page of findings is watched throughout.

use std::time::{Duration, Instant};

use crate::findings_monitor::FindingsMonitor;
use crate::harness::kafka::shared::give_back_leadership;
use crate::harness::wait_until;
use crate::incident::Incident;
use crate::probe_counts;
use crate::probe_counts::CountsSnapshot;
use crate::report::Report;
use crate::support::{Status, elapse};
use crate::test_bed::TestBed;

/// How long what is normal is looked at before, to compare with.
const CALM: Duration = Duration::from_secs(4);

/// What only counting tells, a prober of this age can tell: it knows what is usual, and no longer waits for a cluster to
/// settle that it has just met.
const GROWN_UP: Duration = Duration::from_secs(30);

/// A finding has to be over for so long, so that one that comes and goes is not taken for one that is gone.
const OVER_FOR: Duration = Duration::from_secs(3);

/// Longer than any goal; what is not over by then is said to be so.
const OVER_WITHIN: Duration = Duration::from_secs(60);

/// Every attempt that the fault has hit is decided by then.
const DECIDED_WITHIN: Duration = Duration::from_secs(11);

/// Runs one incident, and says what came of it.
#[track_caller]
pub(crate) fn run(incident: &Incident, bed: &mut TestBed<'_>) -> Report {
    wait_until_healthy(bed);
    let start = CountsSnapshot::of(bed);
    // So that the fault meets every phase of the prober's schedule.
    let youth = if incident.expect.needs_no_baseline() { CALM } else { GROWN_UP.saturating_sub(bed.age()) };
    elapse(CALM.max(youth) + bed.random.between(&(Duration::ZERO..Duration::from_secs(1))));
    let before = CountsSnapshot::of(bed);

    let findings_monitor = FindingsMonitor::start(&bed.probing);
    let now = Instant::now();
    let undo = (incident.inject)(bed);
    let began = bed.take_fault_started().unwrap_or(now);
    elapse(incident.duration.saturating_sub(began.elapsed()));
    let during = CountsSnapshot::of(bed);
    let ended = probe_counts::logs_of_ended_brokers(bed.cluster);

    undo(bed);
    let healed = bed.take_fault_started().unwrap_or_else(Instant::now);
    let cleared = wait_calm(&findings_monitor).map(|at| at.saturating_duration_since(healed));
    elapse(DECIDED_WITHIN.saturating_sub(healed.elapsed()));
    let after = CountsSnapshot::of(bed);
    after.assert_balances();

    let victim = bed.victim_id();
    let report = Report::of(incident, victim, &findings_monitor, began, cleared, &before, &after);
    probe_counts::keep(
        incident,
        &report,
        &[&start, &before, &during, &after],
        &findings_monitor,
        (began, healed),
        &ended,
    );
    report
}

/// Waits until every partition is led where it should be, every broker is good, and nothing stands.
#[track_caller]
pub(crate) fn wait_until_healthy(bed: &TestBed<'_>) {
    bed.cluster.heal();
    give_back_leadership(bed.cluster);
    let (ids, since) = (bed.ids(), Instant::now());
    bed.probing.wait_status(OVER_WITHIN, "every broker is good in both views", |status| {
        let good = |view: &Status, broker: i32| view.good_at(broker, "end_to_end").is_some_and(|at| since < at);
        ids.iter().all(|broker| good(status, *broker) && good(&status.client(), *broker))
    });
    wait_until(OVER_WITHIN, "no finding stands before the incident", || bed.probing.findings().is_empty());
}

/// When the last finding was over; `None` if that was not to be waited for.
fn wait_calm(findings_monitor: &FindingsMonitor) -> Option<Instant> {
    let began = Instant::now();
    while began.elapsed() < OVER_WITHIN {
        if let Some(calm) = findings_monitor.calm_since().filter(|calm| OVER_FOR <= calm.elapsed()) {
            return Some(calm);
        }
        elapse(Duration::from_millis(100));
    }
    None
}
