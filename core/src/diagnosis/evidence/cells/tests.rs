//! The flags of a table after some minutes of given answers.

use std::time::Duration;

use super::*;
use crate::event::{Limits, VoidReason};
use crate::ids::{Broker, ClusterName, Subject};
use crate::kafka_error::KafkaError;

pub(super) fn ms(length: u64) -> Duration {
    Duration::from_millis(length)
}

pub(super) fn event(probe: Probe, broker: i32, ended: u64, raw_outcome: RawOutcome) -> Event {
    let view = View::Broker;
    let broker = Broker::Id(BrokerId(broker));
    let series = Series { cluster: ClusterName::new("c"), view, probe, subject: Subject::Broker(broker) };
    let limits = Limits { deadline: ms(5000), threshold: ms(1000) };
    let ended = Time::from_millis(ended);
    let sent = ended - if let RawOutcome::Success(latency) = raw_outcome { latency } else { limits.deadline };
    Event {
        series,
        broker,
        limits,
        due: sent,
        sent: Some(sent),
        ended,
        raw_outcome,
        stalled: Duration::ZERO,
        internal_partition: None,
    }
}

/// Writes, five a second at each of three brokers, from second to second; `latency` by broker and time in milliseconds.
pub(super) fn live(cells: &mut Cells, seconds: std::ops::Range<u64>, latency: impl Fn(i32, u64) -> u64) {
    for at in (seconds.start * 1000..seconds.end * 1000).step_by(200) {
        for broker in 1..=3 {
            cells.on_event(&event(Probe::Produce, broker, at, RawOutcome::Success(ms(latency(broker, at)))));
        }
    }
}

pub(super) fn write_of(cells: &mut Cells, now: u64, broker: i32) -> CellFlags {
    *cells.table(Time::from_millis(now * 1000)).at(Column::Write, BrokerId(broker)).expect("a cell")
}

/// Latency of a broker that runs half of the time: half a second, then it pauses for half a second.
fn half_of_the_time(at: u64) -> u64 {
    if at % 1000 < 500 { 500 - at % 500 } else { 3 }
}

#[test]
fn broker_that_runs_half_of_the_time_is_a_slow_outlier_within_eight_seconds() {
    let mut cells = Cells::default();
    live(&mut cells, 0..60, |_, _| 3);
    live(&mut cells, 60..68, |broker, at| if broker == 2 { half_of_the_time(at) } else { 3 });
    let bits = write_of(&mut cells, 68, 2);
    assert!(bits.stats.slow && bits.is_bad_outlier, "{bits:?}");
    assert!(!write_of(&mut cells, 68, 1).is_bad());
}

#[test]
fn broker_that_stops_three_times_a_second_is_slow() {
    let mut cells = Cells::default();
    let stops = |at: u64| if at * 7 % 300 < 150 { 150 - at * 7 % 300 } else { 3 };
    live(&mut cells, 0..60, |_, _| 3);
    live(&mut cells, 60..69, |broker, at| if broker == 2 { stops(at) } else { 3 });
    let bits = write_of(&mut cells, 69, 2);
    assert!(bits.stats.slow && bits.is_bad_outlier, "{bits:?}");
}

#[test]
fn slow_broker_that_recovers_is_well_within_eight_seconds() {
    let mut cells = Cells::default();
    live(&mut cells, 0..60, |_, _| 3);
    live(&mut cells, 60..120, |broker, _| if broker == 2 { 400 } else { 3 });
    assert!(write_of(&mut cells, 120, 2).stats.slow);
    live(&mut cells, 120..126, |_, _| 3);
    assert!(!write_of(&mut cells, 126, 2).is_bad());
}

#[test]
fn pauses_of_900_ms_every_five_seconds_are_not_slow() {
    let mut cells = Cells::default();
    let pause = |at: u64| if at % 5000 < 900 { 900 - at % 5000 } else { 3 };
    live(&mut cells, 0..120, |broker, at| if broker == 2 { pause(at) } else { 3 });
    assert!((60..120).all(|now| !write_of(&mut cells, now, 2).is_bad()));
}

#[test]
fn brokers_that_are_slow_at_the_same_time_are_no_outliers() {
    let mut cells = Cells::default();
    live(&mut cells, 0..60, |_, _| 3);
    live(&mut cells, 60..70, |_, _| 400);
    let bits = write_of(&mut cells, 70, 2);
    assert!(bits.stats.slow && !bits.is_bad_outlier, "{bits:?}");
}

#[test]
fn broker_that_is_always_slower_is_compared_with_its_own_baseline() {
    let mut cells = Cells::default();
    live(&mut cells, 0..120, |broker, _| if broker == 2 { 150 } else { 3 });
    assert!(!write_of(&mut cells, 20, 2).is_bad(), "before it has a baseline");
    let limit = write_of(&mut cells, 119, 2);
    assert_eq!((limit.is_bad(), limit.stats.limit), (false, ms(450)));
}

#[test]
fn slowness_below_a_twentieth_of_the_threshold_is_not_slow() {
    let mut cells = Cells::default();
    live(&mut cells, 0..60, |_, _| 3);
    live(&mut cells, 60..80, |broker, _| if broker == 2 { 45 } else { 3 });
    assert!(!write_of(&mut cells, 80, 2).is_bad());
}

#[test]
fn failures_make_a_cell_fail_and_eight_good_seconds_clear_it() {
    let mut cells = Cells::default();
    live(&mut cells, 0..60, |_, _| 3);
    let error = Fault::Kafka(KafkaError(56));
    for at in (60_000..61_000).step_by(200) {
        cells.on_event(&event(Probe::Produce, 2, at, RawOutcome::Failed(error)));
    }
    let bits = write_of(&mut cells, 61, 2);
    assert_eq!((bits.stats.failing, bits.stats.fault), (true, Some(error)));
    live(&mut cells, 61..68, |_, _| 3);
    assert!(write_of(&mut cells, 68, 2).stats.failing);
    live(&mut cells, 68..71, |_, _| 3);
    assert!(!write_of(&mut cells, 71, 2).is_bad());
}

#[test]
fn void_events_and_faults_that_are_not_about_a_broker_are_ignored() {
    let mut cells = Cells::default();
    for at in (0..20_000).step_by(200) {
        cells.on_event(&event(Probe::Produce, 2, at, RawOutcome::Void(VoidReason::Stall)));
        cells.on_event(&event(Probe::Produce, 2, at, RawOutcome::Failed(Fault::Quota)));
        cells.on_event(&event(Probe::Produce, 2, at, RawOutcome::Failed(Fault::LocalResources)));
        cells.on_event(&event(
            Probe::Produce,
            2,
            at,
            RawOutcome::Failed(Fault::Kafka(KafkaError::NOT_LEADER_OR_FOLLOWER)),
        ));
    }
    assert_eq!(cells.table(Time::from_millis(20_000)), Table::default());
}

#[test]
fn stall_of_the_prober_is_subtracted_from_a_latency() {
    let mut cells = Cells::default();
    live(&mut cells, 0..60, |_, _| 3);
    for at in (60_000..70_000).step_by(200) {
        let stalled = event(Probe::Produce, 2, at, RawOutcome::Success(ms(400)));
        cells.on_event(&Event { stalled: ms(390), ..stalled });
    }
    assert!(!write_of(&mut cells, 70, 2).is_bad());
}

#[test]
fn reset_cells_are_well() {
    let mut cells = Cells::default();
    live(&mut cells, 0..60, |_, _| 3);
    live(&mut cells, 60..70, |broker, _| if broker == 2 { 400 } else { 3 });
    cells.reset();
    assert!(!write_of(&mut cells, 70, 2).is_bad());
}
