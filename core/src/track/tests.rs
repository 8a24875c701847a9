use super::*;
use crate::ids::{Broker, BrokerId, ClusterName, Lane, Partition};
use crate::judge::outcome;
use crate::kafka_error::KafkaError;

const REFUSED: Fault = Fault::ConnectionRefused;

/// A track under test. Times are in milliseconds; [`Scenario::outputs`] returns the outputs since the last call, as text.
struct Scenario {
    track: Track,
    out: Vec<Output>,
}

fn ms(at: u64) -> Time {
    Time::from_millis(at)
}

fn settings() -> Settings {
    let limits = Limits { deadline: Duration::from_secs(5), threshold: Duration::from_secs(1) };
    Settings { interval: Duration::from_millis(200), produce: limits, consume: limits, end_to_end: limits }
}

impl Scenario {
    fn without_position() -> Scenario {
        let target = Target {
            cluster: ClusterName::new("c"),
            lane: Lane::Pinned,
            broker: Broker::Id(BrokerId(2)),
            partition: Some(Partition(1)),
        };
        Scenario { track: Track::new(&target, settings(), Sequence(0)), out: Vec::new() }
    }

    /// A track whose reader is at offset 100.
    fn new() -> Scenario {
        let mut scenario = Scenario::without_position();
        scenario.track.reset(ms(0), 100, VoidReason::NoPosition, &mut scenario.out);
        scenario
    }

    fn send(&mut self, at: u64) -> Sequence {
        let sequence = self.track.due(ms(at), &mut self.out).expect("room in flight");
        self.track.sent(sequence, ms(at), &mut self.out);
        sequence
    }

    fn ack(&mut self, sequence: Sequence, at: u64, offset: i64) {
        self.track.acked(sequence, ms(at), offset, &mut self.out);
    }

    fn read(&mut self, sequence: Sequence, at: u64, offset: i64) {
        self.track.read(sequence, ms(at), offset, &mut self.out);
        self.track.passed(ms(at), offset + 1);
    }

    fn reread(&mut self, asked: u64, at: u64, offset: i64, found: RereadResult) {
        self.track.reread(ms(asked), ms(at), offset, found, &mut self.out);
    }

    fn fail(&mut self, sequence: Sequence, at: u64, fault: Fault, written: Written) {
        self.track.failed(sequence, ms(at), fault, written, &mut self.out);
    }

    fn at(&mut self, now: u64) {
        self.track.expire(ms(now), &mut self.out);
    }

    fn outputs(&mut self) -> Vec<String> {
        let outputs = std::mem::take(&mut self.out);
        outputs.iter().filter_map(Scenario::text).collect()
    }

    fn text(output: &Output) -> Option<String> {
        match output {
            Output::Due(_) | Output::Sent(_) => None,
            Output::Missed(probe, count) => Some(format!("{} missed {count}", probe.as_str())),
            Output::Event(event) => {
                let what = match event.raw_outcome {
                    RawOutcome::Void(reason) => format!("void({})", reason.as_str()),
                    _ => outcome(event).as_str().to_owned(),
                };
                Some(format!("{} {what} @{}", event.series.probe.as_str(), event.ended.as_nanos() / 1_000_000))
            }
            Output::Anomaly(anomaly, 1) => Some(anomaly.as_str().to_owned()),
            Output::Anomaly(anomaly, count) => Some(format!("{} x{count}", anomaly.as_str())),
            Output::LateAck => Some("late_ack".to_owned()),
            Output::Reread(offset) => Some(format!("reread {offset}")),
        }
    }

    fn idle(&self) -> bool {
        Probe::OF_A_RECORD.iter().all(|probe| self.track.in_flight(*probe) == 0)
    }
}

#[test]
fn healthy_record_is_three_good_events() {
    let mut scenario = Scenario::new();
    let record = scenario.send(0);
    scenario.ack(record, 2, 100);
    scenario.read(record, 3, 100);
    assert_eq!(scenario.outputs(), ["produce good @2", "end_to_end good @3", "consume good @3"]);
    assert!(scenario.idle());
}

#[test]
fn record_read_before_its_ack_has_consume_latency_zero() {
    let mut scenario = Scenario::new();
    let record = scenario.send(0);
    scenario.read(record, 3, 100);
    scenario.ack(record, 5, 100);
    let consume = scenario.out.iter().find_map(|output| match output {
        Output::Event(event) if event.series.probe == Probe::Consume => Some(event.raw_outcome),
        _ => None,
    });
    assert_eq!(consume, Some(RawOutcome::Success(Duration::ZERO)));
    assert_eq!(scenario.outputs(), ["end_to_end good @3", "produce good @5", "consume good @5"]);
}

#[test]
fn unanswered_record_times_out_at_the_deadline_without_a_consume_attempt() {
    let mut scenario = Scenario::new();
    scenario.send(10);
    scenario.at(5009);
    assert!(scenario.outputs().is_empty());
    scenario.at(5600);
    assert_eq!(scenario.outputs(), ["produce timeout @5010", "end_to_end timeout @5010"]);
}

#[test]
fn error_before_a_byte_was_sent_ends_produce_and_end_to_end_immediately() {
    let mut scenario = Scenario::new();
    let record = scenario.send(0);
    scenario.fail(record, 1, REFUSED, Written::No);
    assert_eq!(scenario.outputs(), ["produce error @1", "end_to_end error @1"]);
}

#[test]
fn after_an_ambiguous_error_end_to_end_waits_for_the_record() {
    let mut scenario = Scenario::new();
    let record = scenario.send(0);
    scenario.fail(record, 1, Fault::ConnectionReset, Written::Maybe);
    assert_eq!(scenario.outputs(), ["produce error @1"]);
    scenario.read(record, 40, 100);
    assert_eq!(scenario.outputs(), ["unacked_but_seen", "end_to_end good @40"]);
}

#[test]
fn record_not_read_after_an_ambiguous_error_ends_with_its_fault() {
    let mut scenario = Scenario::new();
    let record = scenario.send(0);
    scenario.fail(record, 1, Fault::Kafka(KafkaError(7)), Written::Maybe);
    scenario.at(5000);
    assert_eq!(scenario.outputs(), ["produce error @1", "end_to_end error @5000"]);
}

#[test]
fn late_ack_and_late_record_change_no_event() {
    let mut scenario = Scenario::new();
    let record = scenario.send(0);
    scenario.at(5000);
    scenario.outputs();
    scenario.ack(record, 5100, 100);
    scenario.read(record, 5200, 100);
    assert_eq!(scenario.outputs(), ["late_ack", "late"]);
    assert!(scenario.idle());
}

#[test]
fn unacked_record_read_late_is_neither_loss_nor_duplicate() {
    let mut scenario = Scenario::new();
    let record = scenario.send(0);
    scenario.at(5000);
    scenario.outputs();
    scenario.read(record, 30_000, 100);
    assert_eq!(scenario.outputs(), ["late", "unacked_but_seen"]);
}

#[test]
fn ack_after_the_deadline_is_a_timeout_even_if_the_timer_fires_later() {
    let mut scenario = Scenario::new();
    let record = scenario.send(0);
    scenario.ack(record, 5001, 100);
    scenario.read(record, 5002, 100);
    assert_eq!(scenario.outputs(), ["produce timeout @5000", "late_ack", "late", "end_to_end timeout @5000"]);
}

#[test]
fn acked_record_never_delivered_is_a_timeout_not_a_loss() {
    let mut scenario = Scenario::new();
    let record = scenario.send(0);
    scenario.ack(record, 2, 100);
    scenario.at(6000);
    assert_eq!(scenario.outputs(), ["produce good @2", "consume timeout @5002", "end_to_end timeout @5000"]);
}

#[test]
fn record_is_lost_only_after_the_reader_passed_it_and_a_reread() {
    let mut scenario = Scenario::new();
    let record = scenario.send(0);
    scenario.ack(record, 2, 100);
    scenario.track.passed(ms(10), 101);
    scenario.at(1009);
    assert_eq!(scenario.outputs(), ["produce good @2"]);
    scenario.at(1010);
    assert_eq!(scenario.outputs(), ["reread 100"]);
    scenario.reread(1020, 1020, 100, RereadResult::Nothing);
    assert_eq!(scenario.outputs(), ["lost", "consume lost @1020", "end_to_end lost @1020"]);
    assert!(scenario.idle());
}

#[test]
fn record_read_while_a_reread_is_pending_is_not_lost() {
    let mut scenario = Scenario::new();
    let record = scenario.send(0);
    scenario.ack(record, 2, 100);
    scenario.track.passed(ms(10), 101);
    scenario.at(1010);
    scenario.outputs();
    scenario.read(record, 1020, 100);
    assert_eq!(scenario.outputs(), ["end_to_end slow @1020", "consume slow @1020"]);
}

#[test]
fn loss_found_after_the_deadline_is_an_anomaly_and_changes_no_event() {
    let mut scenario = Scenario::new();
    let record = scenario.send(0);
    scenario.ack(record, 2, 100);
    scenario.at(5500);
    scenario.track.passed(ms(5600), 101);
    scenario.at(6600);
    scenario.outputs();
    scenario.reread(6700, 6700, 100, RereadResult::Nothing);
    assert_eq!(scenario.outputs(), ["lost"]);
}

#[test]
fn unanswered_reread_is_requested_again() {
    let mut scenario = Scenario::new();
    let record = scenario.send(0);
    scenario.ack(record, 2, 100);
    scenario.track.passed(ms(10), 101);
    scenario.at(1010);
    scenario.outputs();
    scenario.at(6010);
    assert!(scenario.outputs().contains(&"reread 100".to_owned()));
}

#[test]
fn record_truncated_after_it_was_read_is_lost_and_its_counted_events_stay() {
    let mut scenario = Scenario::new();
    let (kept, gone) = (scenario.send(0), scenario.send(200));
    scenario.ack(kept, 2, 100);
    scenario.read(kept, 3, 100);
    scenario.ack(gone, 202, 101);
    scenario.read(gone, 203, 101);
    scenario.outputs();
    scenario.track.epoch_ended(ms(5000), 101);
    scenario.at(6000);
    assert_eq!(scenario.outputs(), ["reread 101"]);
    scenario.reread(6010, 6010, 101, RereadResult::Nothing);
    assert_eq!(scenario.outputs(), ["lost"]);
    assert!(scenario.idle());
}

#[test]
fn record_overwritten_by_the_next_leader_is_lost_and_the_other_is_not() {
    let mut scenario = Scenario::new();
    let (gone, new) = (scenario.send(0), scenario.send(200));
    scenario.ack(gone, 2, 100);
    scenario.read(gone, 3, 100);
    scenario.ack(new, 202, 100);
    scenario.read(new, 203, 100);
    scenario.outputs();
    scenario.track.epoch_ended(ms(5000), 100);
    scenario.at(6000);
    scenario.outputs();
    scenario.reread(6010, 6010, 100, RereadResult::Record(new));
    assert_eq!(scenario.outputs(), ["lost"]);
    assert!(scenario.idle());
}

#[test]
fn record_acked_at_the_offset_after_the_reread_was_sent_is_not_lost() {
    let mut scenario = Scenario::new();
    let gone = scenario.send(0);
    scenario.ack(gone, 2, 100);
    scenario.read(gone, 3, 100);
    scenario.track.epoch_ended(ms(1000), 100);
    scenario.at(2000);
    let new = scenario.send(2000);
    scenario.outputs();
    // The log of the new leader ended at 100 when it was asked; the next record was acked there before the answer was processed.
    scenario.ack(new, 2003, 100);
    scenario.reread(2001, 2002, 100, RereadResult::Nothing);
    assert_eq!(scenario.outputs(), ["produce good @2003", "lost"]);
    scenario.read(new, 2004, 100);
    assert_eq!(scenario.outputs(), ["end_to_end good @2004", "consume good @2004"]);
    assert!(scenario.idle());
}

#[test]
fn orderly_leader_move_loses_nothing() {
    let mut scenario = Scenario::new();
    let (before, after) = (scenario.send(0), scenario.send(200));
    scenario.ack(before, 2, 100);
    scenario.read(before, 3, 100);
    scenario.ack(after, 202, 101);
    scenario.read(after, 203, 101);
    scenario.outputs();
    scenario.track.epoch_ended(ms(400), 101);
    scenario.at(1400);
    assert_eq!(scenario.outputs(), ["reread 101"]);
    scenario.reread(1410, 1410, 101, RereadResult::Record(after));
    assert!(scenario.outputs().is_empty());
    assert!(scenario.idle());
}

#[test]
fn record_at_a_second_offset_is_a_duplicate_and_read_twice_at_one_is_not() {
    let mut scenario = Scenario::new();
    let record = scenario.send(0);
    scenario.ack(record, 2, 100);
    scenario.read(record, 3, 100);
    scenario.outputs();
    scenario.read(record, 4, 100);
    assert!(scenario.outputs().is_empty());
    scenario.read(record, 5, 101);
    assert_eq!(scenario.outputs(), ["duplicate"]);
}

#[test]
fn overtaken_record_is_reordered() {
    let mut scenario = Scenario::new();
    let (first, second) = (scenario.send(0), scenario.send(200));
    scenario.read(second, 210, 100);
    scenario.read(first, 211, 101);
    assert!(scenario.outputs().contains(&"reordered".to_owned()));
}

#[test]
fn wrong_bytes_at_an_acked_offset_are_corrupt_whichever_came_first() {
    let mut scenario = Scenario::new();
    let record = scenario.send(0);
    scenario.ack(record, 2, 100);
    scenario.track.garbage(ms(3), 100, 100, &mut scenario.out);
    assert_eq!(
        scenario.outputs(),
        ["produce good @2", "foreign", "corrupt", "consume corrupt @3", "end_to_end corrupt @3"]
    );
    let record = scenario.send(200);
    scenario.track.garbage(ms(203), 101, 101, &mut scenario.out);
    scenario.ack(record, 204, 101);
    assert_eq!(
        scenario.outputs(),
        ["foreign", "produce good @204", "corrupt", "consume corrupt @204", "end_to_end corrupt @204"]
    );
}

#[test]
fn wrong_bytes_at_other_offsets_change_no_event() {
    let mut scenario = Scenario::new();
    let record = scenario.send(0);
    scenario.track.garbage(ms(1), 90, 100, &mut scenario.out);
    scenario.ack(record, 2, 101);
    scenario.read(record, 3, 101);
    assert_eq!(scenario.outputs(), ["foreign x11", "produce good @2", "end_to_end good @3", "consume good @3"]);
}

#[test]
fn reads_without_a_position_are_void() {
    let mut scenario = Scenario::without_position();
    let record = scenario.send(0);
    scenario.ack(record, 2, 100);
    scenario.at(6000);
    let void = ["produce good @2", "consume void(no_position) @5002", "end_to_end void(no_position) @5000"];
    assert_eq!(scenario.outputs(), void);
}

#[test]
fn records_below_a_position_found_later_are_void() {
    let mut scenario = Scenario::without_position();
    let (first, second) = (scenario.send(0), scenario.send(200));
    scenario.ack(first, 2, 100);
    scenario.outputs();
    scenario.track.reset(ms(210), 101, VoidReason::NoPosition, &mut scenario.out);
    assert_eq!(scenario.outputs(), ["consume void(no_position) @210", "end_to_end void(no_position) @210"]);
    scenario.ack(second, 211, 101);
    scenario.read(second, 212, 101);
    assert_eq!(scenario.outputs(), ["produce good @211", "end_to_end good @212", "consume good @212"]);
}

#[test]
fn unanswered_record_without_a_position_is_a_timeout() {
    let mut scenario = Scenario::without_position();
    scenario.send(0);
    scenario.at(5000);
    assert_eq!(scenario.outputs(), ["produce timeout @5000", "end_to_end timeout @5000"]);
}

#[test]
fn reader_reset_voids_the_skipped_range_only() {
    let mut scenario = Scenario::new();
    let (first, second) = (scenario.send(0), scenario.send(200));
    scenario.ack(first, 2, 100);
    scenario.ack(second, 202, 105);
    scenario.outputs();
    scenario.track.reset(ms(300), 104, VoidReason::ReaderReset, &mut scenario.out);
    assert_eq!(scenario.outputs(), ["consume void(reader_reset) @300", "end_to_end void(reader_reset) @300"]);
    scenario.read(second, 301, 105);
    assert_eq!(scenario.outputs(), ["end_to_end good @301", "consume good @301"]);
}

#[test]
fn record_skipped_by_a_reset_is_lost_once_its_epoch_ended_below_it() {
    let mut scenario = Scenario::new();
    let (first, second) = (scenario.send(0), scenario.send(200));
    scenario.ack(first, 2, 100);
    scenario.read(first, 3, 100);
    scenario.ack(second, 202, 101);
    scenario.outputs();
    // The new leader's log ends at 99: the reader falls back before anyone has asked where the epoch ended.
    scenario.track.reset(ms(300), 99, VoidReason::ReaderReset, &mut scenario.out);
    assert_eq!(scenario.outputs(), ["consume void(reader_reset) @300", "end_to_end void(reader_reset) @300"]);
    scenario.track.epoch_ended(ms(400), 99);
    scenario.at(1400);
    assert_eq!(scenario.outputs(), ["reread 100", "reread 101"]);
    for offset in [100, 101] {
        scenario.reread(1500, 1500, offset, RereadResult::Nothing);
    }
    assert_eq!(scenario.outputs(), ["lost", "lost"]);
}

#[test]
fn recreated_topic_voids_the_attempts_in_flight() {
    let mut scenario = Scenario::new();
    let (first, _second) = (scenario.send(0), scenario.send(200));
    scenario.ack(first, 2, 100);
    scenario.outputs();
    scenario.track.recreated(ms(300), &mut scenario.out);
    let void = [
        "consume void(topic_recreated) @300",
        "end_to_end void(topic_recreated) @300",
        "produce void(topic_recreated) @300",
        "end_to_end void(topic_recreated) @300",
    ];
    assert_eq!(scenario.outputs(), void);
    scenario.track.reset(ms(400), 0, VoidReason::TopicRecreated, &mut scenario.out);
    let third = scenario.send(401);
    scenario.ack(third, 402, 0);
    scenario.read(third, 403, 0);
    assert_eq!(scenario.outputs(), ["produce good @402", "end_to_end good @403", "consume good @403"]);
}

#[test]
fn record_with_an_unused_sequence_is_foreign() {
    let mut scenario = Scenario::new();
    scenario.read(Sequence(7), 1, 100);
    assert_eq!(scenario.outputs(), ["foreign"]);
}

#[test]
fn in_flight_limit_causes_no_missed_attempts_in_an_outage() {
    let mut scenario = Scenario::new();
    for tick in 0..200 {
        scenario.at(tick * 200);
        scenario.send(tick * 200);
    }
    assert!(scenario.outputs().iter().all(|text| !text.contains("missed")));
}

#[test]
fn attempt_beyond_the_in_flight_limit_is_counted_as_missed() {
    let mut scenario = Scenario::new();
    for _ in 0..settings().in_flight_max() {
        scenario.send(0);
    }
    assert_eq!(scenario.track.due(ms(1), &mut scenario.out), None);
    assert_eq!(scenario.outputs(), ["produce missed 1", "end_to_end missed 1"]);
}

const NOT_ENOUGH: Fault = Fault::Kafka(KafkaError::NOT_ENOUGH_REPLICAS);

/// Outcomes of the produce and the end-to-end attempt of a record that is sent at 10 s and never answered.
fn unanswered_outcomes(scenario: &mut Scenario) -> Vec<RawOutcome> {
    scenario.send(10_000);
    scenario.at(15_000);
    let outputs = std::mem::take(&mut scenario.out);
    let raw_outcome = |output: &Output| if let Output::Event(event) = output { Some(event.raw_outcome) } else { None };
    outputs.iter().filter_map(raw_outcome).collect()
}

#[test]
fn refusal_reported_by_the_leader_is_the_outcome_of_unanswered_records() {
    for reported_at in [9_000, 10_000, 14_900] {
        let mut scenario = Scenario::new();
        scenario.track.refuses(ms(reported_at), Some(NOT_ENOUGH));
        assert_eq!(
            unanswered_outcomes(&mut scenario),
            [RawOutcome::RefusedUntilDeadline(NOT_ENOUGH); 2],
            "reported at {reported_at} ms"
        );
    }
}

#[test]
fn refusal_that_is_old_or_has_ended_leaves_a_timeout() {
    let mut scenario = Scenario::new();
    scenario.track.refuses(ms(8_900), Some(NOT_ENOUGH));
    assert_eq!(unanswered_outcomes(&mut scenario), [RawOutcome::TimedOut; 2]);
    let mut scenario = Scenario::new();
    scenario.track.refuses(ms(10_000), Some(NOT_ENOUGH));
    scenario.track.refuses(ms(10_001), None);
    assert_eq!(unanswered_outcomes(&mut scenario), [RawOutcome::TimedOut; 2]);
}

#[test]
fn acked_record_that_is_not_read_was_not_refused() {
    let mut scenario = Scenario::new();
    let sequence = scenario.send(10_000);
    scenario.ack(sequence, 10_500, 100);
    scenario.track.refuses(ms(11_000), Some(NOT_ENOUGH));
    scenario.at(15_500);
    assert_eq!(scenario.outputs(), ["produce good @10500", "consume timeout @15500", "end_to_end timeout @15000"]);
}
