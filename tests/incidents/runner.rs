//! Runs one incident from a healthy cluster to a healthy cluster: injects the faults, holds them, undoes them, and polls the
//! findings throughout.

use std::time::{Duration, Instant};

use crate::findings_monitor::FindingsMonitor;
use crate::harness::kafka::shared::give_back_leadership;
use crate::harness::wait_until;
use crate::incident::Incident;
use crate::probe_counts;
use crate::probe_counts::CountsSnapshot;
use crate::record;
use crate::report::{Report, Times};
use crate::support::{Status, elapse};
use crate::test_bed::TestBed;

/// How long the healthy cluster is measured before the fault, for comparison.
const CALM: Duration = Duration::from_secs(4);

/// Age at which a prober has a baseline and has ended its start-up cool-down, so that it can find faults by statistics.
const BASELINE_AFTER: Duration = Duration::from_secs(30);

/// Time without an active finding after which the findings count as ended, because one may begin again.
const CALM_FOR: Duration = Duration::from_secs(3);

/// Time limit for findings to end, longer than any goal; one that is active for longer is reported as never ended.
const CALM_WITHIN: Duration = Duration::from_secs(60);

/// Every attempt that the fault affected is judged by then: the longest deadline is 10 s.
const DECIDED_WITHIN: Duration = Duration::from_secs(11);

/// Runs one incident and returns its report.
#[track_caller]
pub(crate) fn run(incident: &Incident, bed: &mut TestBed<'_>) -> Report {
    wait_until_healthy(bed);
    let start = CountsSnapshot::of(bed);
    // A random second, so that the fault meets every phase of the prober's schedule.
    let youth = if incident.expect.needs_no_baseline() { CALM } else { BASELINE_AFTER.saturating_sub(bed.age()) };
    elapse(CALM.max(youth) + bed.random.between(&(Duration::ZERO..Duration::from_secs(1))));
    let before = CountsSnapshot::of(bed);

    let now = Instant::now();
    let findings_monitor = FindingsMonitor::start(&bed.probing);
    let undo_faults = (incident.inject)(bed);
    let mut faults = bed.take_faults();
    if faults.is_empty() {
        faults.push(now);
    }
    elapse(incident.duration.saturating_sub(faults[0].elapsed()));
    let during = CountsSnapshot::of(bed);
    let ended = probe_counts::logs_of_ended_brokers(bed.cluster);
    let explain = bed.probing.explain_exit();

    let undo = Instant::now();
    undo_faults(bed);
    let times = Times { faults, undo, healed: Instant::now() };
    let cleared = wait_calm(&findings_monitor).map(|at| at.saturating_duration_since(times.healed));
    elapse(DECIDED_WITHIN.saturating_sub(times.healed.elapsed()));
    let after = CountsSnapshot::of(bed);
    after.assert_balances();
    assert!(!findings_monitor.samples().is_empty(), "the page of findings was read");

    let report = Report::of(incident, bed.victims(), &findings_monitor.samples(), &times);
    let report = report.ended(cleared, explain, &before, &after);
    probe_counts::keep(incident, &report, &[&start, &before, &during, &after], &findings_monitor, &times, &ended);
    if let Some(folder) = record::folder() {
        record::keep(&folder, incident, bed, &report, &times, now);
    }
    report
}

/// Waits until every partition has its preferred leader, every broker has good events in both views, and no finding is active.
#[track_caller]
pub(crate) fn wait_until_healthy(bed: &TestBed<'_>) {
    bed.cluster.heal();
    give_back_leadership(bed.cluster);
    let (ids, since) = (bed.ids(), Instant::now());
    bed.probing.wait_status(CALM_WITHIN, "every broker is good in both views", |status| {
        let good = |view: &Status, broker: i32| view.good_at(broker, "end_to_end").is_some_and(|at| since < at);
        ids.iter().all(|broker| good(status, *broker) && good(&status.client(), *broker))
    });
    wait_until(CALM_WITHIN, "no finding is active before the incident", || bed.probing.findings().is_empty());
}

/// When the last finding ended; `None` if one is still active after [`CALM_WITHIN`].
fn wait_calm(findings_monitor: &FindingsMonitor) -> Option<Instant> {
    let began = Instant::now();
    while began.elapsed() < CALM_WITHIN {
        if let Some(calm) = findings_monitor.calm_since().filter(|calm| CALM_FOR <= calm.elapsed()) {
            return Some(calm);
        }
        elapse(Duration::from_millis(100));
    }
    None
}
