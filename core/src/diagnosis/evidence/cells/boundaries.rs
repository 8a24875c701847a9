//! How far a number of the cells may move before a flag changes: answers that are just enough, and just not.

use super::tests::{event, live, ms, write_of};
use super::*;

/// The writes at broker 2 after twenty seconds, one every 200 ms, in which those are late of which `is_late` says so by their place in
/// the row; the others are well.
fn late_where(is_late: impl Fn(u64) -> bool, late: u64) -> WindowStats {
    let mut cells = Cells::default();
    live(&mut cells, 0..60, |_, _| 3);
    live(&mut cells, 60..80, |broker, at| if broker == 2 && is_late(at / 200) { late } else { 3 });
    write_of(&mut cells, 80, 2).stats
}

#[test]
fn three_answers_are_not_enough_to_judge_a_cell_and_four_are() {
    let mut cells = Cells::default();
    live(&mut cells, 0..60, |_, _| 3);
    cells.reset();
    for (at, is_slow) in [(61_000, false), (62_500, false), (64_000, false), (65_500, true)] {
        cells.on_event(&event(Probe::Produce, 2, at, RawOutcome::Success(ms(400))));
        let stats = cells.table(Time::from_millis(at)).at(Column::Write, BrokerId(2)).expect("a cell").stats;
        assert_eq!((stats.is_enough(), stats.slow), (is_slow, is_slow), "at {at}");
    }
}

#[test]
fn answers_of_a_probe_that_no_longer_runs_are_forgotten_after_a_minute() {
    let mut cells = Cells::default();
    live(&mut cells, 0..60, |_, _| 3);
    assert!(0 < write_of(&mut cells, 60 + 50, 2).stats.answers);
    assert_eq!(write_of(&mut cells, 60 + 61, 2).stats.answers, 0);
}

#[test]
fn one_late_answer_in_twelve_is_well_and_one_in_seven_is_neither_well_nor_slow() {
    let well = late_where(|place| place % 12 == 0, 400);
    let neither = late_where(|place| place % 7 == 0, 400);
    assert_eq!((well.well, well.slow, neither.well, neither.slow), (true, false, false, false));
}

#[test]
fn late_answers_in_five_episodes_are_slow_though_they_are_fewer_than_a_third() {
    let stats = late_where(|place| place % 7 < 2, 400);
    assert!(stats.slow && stats.late < 0.35, "{stats:?}");
}

#[test]
fn slowness_above_a_twentieth_of_the_threshold_is_slow() {
    assert!(late_where(|_| true, 60).slow);
}

#[test]
fn broker_that_is_slow_for_an_hour_gets_a_new_baseline_and_not_before() {
    let mut cells = Cells::default();
    live(&mut cells, 0..60, |_, _| 3);
    let mut was_slow = |seconds: std::ops::Range<u64>| {
        seconds.fold(false, |_, second| {
            live(&mut cells, second..second + 1, |broker, _| if broker == 2 { 400 } else { 3 });
            write_of(&mut cells, second + 1, 2).stats.slow
        })
    };
    assert!(was_slow(60..50 * 60));
    assert!(!was_slow(50 * 60..75 * 60));
}

#[test]
fn broker_late_three_times_as_often_as_its_peers_is_an_outlier_and_twice_as_often_it_is_not() {
    for (peers, is_outlier) in [(5, false), (10, true)] {
        let mut cells = Cells::default();
        live(&mut cells, 0..60, |_, _| 3);
        let every = |broker: i32| if broker == 2 { 2 } else { peers };
        live(&mut cells, 60..80, |broker, at| if at / 200 % every(broker) == 0 { 400 } else { 3 });
        assert_eq!(write_of(&mut cells, 80, 2).is_outlier, is_outlier, "peers late once in {peers}");
    }
}

#[test]
fn path_is_lossy_if_its_connections_stall_four_times_as_often_as_those_of_most() {
    let table = |peers: usize| {
        let stalls = |stalls| SingleConnectionStalls { stalls, connections: 2, is_ongoing: true };
        let of = |id: i32| (BrokerId(id), stalls(if id == 2 { 12 } else { peers }));
        Table { single_connection_stalls: (1..=3).map(of).collect(), ..Table::default() }
    };
    assert_eq!([3, 4].map(|peers| table(peers).is_path_lossy(BrokerId(2))), [true, false]);
}

#[test]
fn hundred_milliseconds_are_no_retransmission() {
    let mut cells = Cells::default();
    live(&mut cells, 0..60, |_, _| 3);
    for at in (60_000..70_000).step_by(200) {
        cells.on_event(&event(Probe::Metadata, 2, at - 50, RawOutcome::Success(ms(3))));
        cells.on_event(&event(Probe::Produce, 2, at, RawOutcome::Success(ms(100))));
    }
    assert_eq!(cells.table(Time::from_millis(70_000)).stalls_of(BrokerId(2)).stalls, 0);
}
