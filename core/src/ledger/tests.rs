use super::*;
use crate::event::{Limits, RawOutcome, VoidReason};
use crate::fault::Fault;
use crate::kafka_error::KafkaError;

const SECOND: Duration = Duration::from_secs(1);

fn target() -> Target {
    Target { cluster: ClusterName::new("c"), lane: Lane::Pinned, broker: Broker::Id(BrokerId(2)), partition: None }
}

fn event(due_ms: u64, raw_outcome: RawOutcome) -> Event {
    Event {
        series: target().series(Probe::Produce),
        broker: target().broker,
        limits: Limits { deadline: 5 * SECOND, threshold: SECOND },
        due: Time::from_millis(due_ms),
        sent: Some(Time::from_millis(due_ms)),
        ended: Time::from_millis(due_ms + 5000),
        raw_outcome,
        stalled: Duration::ZERO,
        internal_partition: None,
    }
}

fn objective(threshold: Option<Duration>) -> Objective {
    Objective { name: "o".into(), view: View::Broker, probe: Probe::Produce, threshold, target: 0.999 }
}

fn ledger<const N: usize>(objectives: [Objective; N]) -> Ledger {
    Ledger::new(Arc::from(objectives), Edges::with(&[]))
}

#[test]
fn discovered_target_starts_at_zero() {
    let mut ledger = ledger([objective(None)]);
    ledger.discover(&target());
    assert_eq!(ledger.series(Time::ORIGIN).len(), 3);
    assert_eq!(ledger.objectives().len(), 1);
    assert_eq!(ledger.records().len(), 1);
}

#[test]
fn each_objective_counts_its_own_good_bad_and_excluded() {
    let mut ledger = ledger([objective(None), objective(Some(SECOND))]);
    ledger.record(&event(0, RawOutcome::Success(2 * SECOND)));
    ledger.record(&event(200, RawOutcome::TimedOut));
    ledger.record(&event(400, RawOutcome::Void(VoidReason::Shutdown)));
    ledger.missed(&target().series(Probe::Produce), 2);
    let counts: Vec<_> = ledger.objectives().iter().map(|row| (row.good, row.bad, row.excluded)).collect();
    assert_eq!(counts, [(1, 1, 3), (0, 2, 3)]);
}

#[test]
fn durations_hold_time_outs_at_the_deadline_and_no_errors() {
    let mut ledger = ledger([]);
    ledger.record(&event(0, RawOutcome::TimedOut));
    ledger.record(&event(0, RawOutcome::Failed(Fault::ConnectionRefused)));
    let row = &ledger.series(Time::ORIGIN)[0];
    assert_eq!((row.buckets.count(), row.buckets.sum()), (1, 5.0));
    assert_eq!(row.quantiles.count, 1);
}

#[test]
fn percentiles_hold_microseconds_and_minutes_in_one_series() {
    let mut ledger = ledger([]);
    let latencies = [Duration::ZERO, Duration::from_micros(7), 90 * SECOND, 500 * SECOND];
    latencies.iter().for_each(|latency| {
        ledger.record(&event(0, RawOutcome::Success(*latency)));
    });
    let quantiles = ledger.series(Time::ORIGIN)[0].quantiles;
    assert_eq!(quantiles.count, 4);
    let near = |latency: Duration, micros: u64| latency.as_micros().abs_diff(micros.into()) <= u128::from(micros / 100);
    assert!(near(quantiles.p50, 7), "{quantiles:?}");
    assert!(near(quantiles.max, 120_000_000), "longer latencies are counted at the bound: {quantiles:?}");
}

#[test]
fn errors_are_counted_by_type() {
    let mut ledger = ledger([]);
    ledger.record(&event(0, RawOutcome::Failed(Fault::Kafka(KafkaError(6)))));
    ledger.record(&event(0, RawOutcome::TimedOut));
    let errors = ledger.counts(&target().series(Probe::Produce)).errors;
    assert_eq!(errors, BTreeMap::from([("NOT_LEADER_OR_FOLLOWER", 1), ("timeout", 1)]));
}

#[test]
fn bad_events_that_do_not_blame_the_cluster_are_counted_apart() {
    let mut ledger = ledger([]);
    // TOPIC_AUTHORIZATION_FAILED, then NOT_LEADER_OR_FOLLOWER.
    ledger.record(&event(0, RawOutcome::Failed(Fault::Kafka(KafkaError(29)))));
    ledger.record(&event(0, RawOutcome::Failed(Fault::Kafka(KafkaError(6)))));
    ledger.record(&event(0, RawOutcome::Success(SECOND / 100)));
    assert_eq!(ledger.counts(&target().series(Probe::Produce)).unclear, 1);
}

#[test]
fn refreshed_percentiles_are_of_all_events() {
    let mut ledger = ledger([]);
    ledger.series(Time::ORIGIN);
    ledger.record(&event(0, RawOutcome::Success(SECOND)));
    assert_eq!(ledger.series(Time::ORIGIN)[0].quantiles.count, 0, "the last percentiles are fresh enough");
    ledger.refresh_quantiles();
    assert_eq!(ledger.series(Time::ORIGIN)[0].quantiles.count, 1);
}

#[test]
fn latest_is_the_newest_by_due_and_never_void() {
    let mut ledger = ledger([]);
    ledger.record(&event(6000, RawOutcome::Success(SECOND / 100)));
    ledger.record(&event(2000, RawOutcome::TimedOut));
    ledger.record(&event(7000, RawOutcome::Void(VoidReason::Stall)));
    let latest = ledger.latest(&target().series(Probe::Produce)).expect("an event was judged");
    assert_eq!(latest.outcome, Outcome::Good);
}

#[test]
fn percentiles_are_of_what_was_counted() {
    let mut ledger = ledger([]);
    for millis in 1..=100 {
        ledger.record(&event(0, RawOutcome::Success(Duration::from_millis(millis))));
    }
    let quantiles = ledger.series(Time::ORIGIN)[0].quantiles;
    let close = |value: Duration, millis: f64| (value.as_secs_f64() * 1e3 / millis - 1.0).abs() < 0.02;
    assert!(close(quantiles.p50, 50.0) && close(quantiles.p99, 99.0), "{quantiles:?}");
}
