use super::*;
use crate::ids::{Broker, BrokerId, ClusterName, Lane, Partition};
use crate::judge::outcome;
use crate::kafka_error::KafkaError;

const REFUSED: Fault = Fault::ConnectionRefused;

/// A track at work, told in milliseconds; `seen` is what it said since last asked, in words.
struct Story {
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

impl Story {
    fn without_position() -> Story {
        let target = Target {
            cluster: ClusterName::new("c"),
            lane: Lane::Pinned,
            broker: Broker::Id(BrokerId(2)),
            partition: Some(Partition(1)),
        };
        Story { track: Track::new(&target, settings(), Sequence(0)), out: Vec::new() }
    }

    /// The reader stands at offset 100.
    fn new() -> Story {
        let mut story = Story::without_position();
        story.track.reset(ms(0), 100, VoidReason::NoPosition, &mut story.out);
        story
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

    fn fail(&mut self, sequence: Sequence, at: u64, fault: Fault, written: Written) {
        self.track.failed(sequence, ms(at), fault, written, &mut self.out);
    }

    fn at(&mut self, now: u64) {
        self.track.expire(ms(now), &mut self.out);
    }

    fn seen(&mut self) -> Vec<String> {
        let said = std::mem::take(&mut self.out);
        said.iter().filter_map(Story::word).collect()
    }

    fn word(output: &Output) -> Option<String> {
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
    let mut story = Story::new();
    let record = story.send(0);
    story.ack(record, 2, 100);
    story.read(record, 3, 100);
    assert_eq!(story.seen(), ["produce good @2", "end_to_end good @3", "consume good @3"]);
    assert!(story.idle());
}

#[test]
fn record_read_before_its_ack_has_consume_latency_zero() {
    let mut story = Story::new();
    let record = story.send(0);
    story.read(record, 3, 100);
    story.ack(record, 5, 100);
    let consume = story.out.iter().find_map(|output| match output {
        Output::Event(event) if event.series.probe == Probe::Consume => Some(event.raw_outcome),
        _ => None,
    });
    assert_eq!(consume, Some(RawOutcome::Success(Duration::ZERO)));
    assert_eq!(story.seen(), ["end_to_end good @3", "produce good @5", "consume good @5"]);
}

#[test]
fn silence_times_out_at_the_deadline_and_consume_never_arises() {
    let mut story = Story::new();
    story.send(10);
    story.at(5009);
    assert!(story.seen().is_empty());
    story.at(5600);
    assert_eq!(story.seen(), ["produce timeout @5010", "end_to_end timeout @5010"]);
}

#[test]
fn refusal_before_a_byte_left_ends_both_at_once() {
    let mut story = Story::new();
    let record = story.send(0);
    story.fail(record, 1, REFUSED, Written::No);
    assert_eq!(story.seen(), ["produce error @1", "end_to_end error @1"]);
}

#[test]
fn doubtful_refusal_waits_for_the_record_to_be_read() {
    let mut story = Story::new();
    let record = story.send(0);
    story.fail(record, 1, Fault::ConnectionReset, Written::Maybe);
    assert_eq!(story.seen(), ["produce error @1"]);
    story.read(record, 40, 100);
    assert_eq!(story.seen(), ["unacked_but_seen", "end_to_end good @40"]);
}

#[test]
fn doubtful_refusal_unread_ends_with_the_same_fault() {
    let mut story = Story::new();
    let record = story.send(0);
    story.fail(record, 1, Fault::Kafka(KafkaError(7)), Written::Maybe);
    story.at(5000);
    assert_eq!(story.seen(), ["produce error @1", "end_to_end error @5000"]);
}

#[test]
fn late_ack_and_late_record_change_no_event() {
    let mut story = Story::new();
    let record = story.send(0);
    story.at(5000);
    story.seen();
    story.ack(record, 5100, 100);
    story.read(record, 5200, 100);
    assert_eq!(story.seen(), ["late_ack", "late"]);
    assert!(story.idle());
}

#[test]
fn unacked_record_read_late_is_neither_loss_nor_duplicate() {
    let mut story = Story::new();
    let record = story.send(0);
    story.at(5000);
    story.seen();
    story.read(record, 30_000, 100);
    assert_eq!(story.seen(), ["late", "unacked_but_seen"]);
}

#[test]
fn answer_stamped_after_the_deadline_is_a_timeout_even_if_the_timer_was_slower() {
    let mut story = Story::new();
    let record = story.send(0);
    story.ack(record, 5001, 100);
    story.read(record, 5002, 100);
    assert_eq!(story.seen(), ["produce timeout @5000", "late_ack", "late", "end_to_end timeout @5000"]);
}

#[test]
fn acked_record_never_delivered_is_a_timeout_not_a_loss() {
    let mut story = Story::new();
    let record = story.send(0);
    story.ack(record, 2, 100);
    story.at(6000);
    assert_eq!(story.seen(), ["produce good @2", "consume timeout @5002", "end_to_end timeout @5000"]);
}

#[test]
fn loss_needs_the_reader_past_the_offset_and_a_second_look() {
    let mut story = Story::new();
    let record = story.send(0);
    story.ack(record, 2, 100);
    story.track.passed(ms(10), 101);
    story.at(1009);
    assert_eq!(story.seen(), ["produce good @2"]);
    story.at(1010);
    assert_eq!(story.seen(), ["reread 100"]);
    story.track.reread(ms(1020), ms(1020), 100, RereadResult::Nothing, &mut story.out);
    assert_eq!(story.seen(), ["lost", "consume lost @1020", "end_to_end lost @1020"]);
    assert!(story.idle());
}

#[test]
fn record_found_on_the_second_look_is_not_lost() {
    let mut story = Story::new();
    let record = story.send(0);
    story.ack(record, 2, 100);
    story.track.passed(ms(10), 101);
    story.at(1010);
    story.seen();
    story.read(record, 1020, 100);
    assert_eq!(story.seen(), ["end_to_end slow @1020", "consume slow @1020"]);
}

#[test]
fn loss_found_after_the_deadline_is_counted_apart() {
    let mut story = Story::new();
    let record = story.send(0);
    story.ack(record, 2, 100);
    story.at(5500);
    story.track.passed(ms(5600), 101);
    story.at(6600);
    story.seen();
    story.track.reread(ms(6700), ms(6700), 100, RereadResult::Nothing, &mut story.out);
    assert_eq!(story.seen(), ["lost"]);
}

#[test]
fn second_look_without_an_answer_is_asked_for_again() {
    let mut story = Story::new();
    let record = story.send(0);
    story.ack(record, 2, 100);
    story.track.passed(ms(10), 101);
    story.at(1010);
    story.seen();
    story.at(6010);
    assert!(story.seen().contains(&"reread 100".to_owned()));
}

#[test]
fn record_truncated_after_it_was_read_is_lost_and_its_counted_events_stand() {
    let mut story = Story::new();
    let (kept, gone) = (story.send(0), story.send(200));
    story.ack(kept, 2, 100);
    story.read(kept, 3, 100);
    story.ack(gone, 202, 101);
    story.read(gone, 203, 101);
    story.seen();
    story.track.epoch_ended(ms(5000), 101);
    story.at(6000);
    assert_eq!(story.seen(), ["reread 101"]);
    story.track.reread(ms(6010), ms(6010), 101, RereadResult::Nothing, &mut story.out);
    assert_eq!(story.seen(), ["lost"]);
    assert!(story.idle());
}

#[test]
fn record_overwritten_by_the_next_leader_is_lost_and_the_other_is_not() {
    let mut story = Story::new();
    let (gone, new) = (story.send(0), story.send(200));
    story.ack(gone, 2, 100);
    story.read(gone, 3, 100);
    story.ack(new, 202, 100);
    story.read(new, 203, 100);
    story.seen();
    story.track.epoch_ended(ms(5000), 100);
    story.at(6000);
    story.seen();
    story.track.reread(ms(6010), ms(6010), 100, RereadResult::Record(new), &mut story.out);
    assert_eq!(story.seen(), ["lost"]);
    assert!(story.idle());
}

#[test]
fn record_acked_at_the_offset_after_the_reread_was_sent_is_not_lost() {
    let mut story = Story::new();
    let gone = story.send(0);
    story.ack(gone, 2, 100);
    story.read(gone, 3, 100);
    story.track.epoch_ended(ms(1000), 100);
    story.at(2000);
    let new = story.send(2000);
    story.seen();
    // The log of the new leader ended at 100 when it was asked; the next record was acked there before the answer was processed.
    story.ack(new, 2003, 100);
    story.track.reread(ms(2001), ms(2002), 100, RereadResult::Nothing, &mut story.out);
    assert_eq!(story.seen(), ["produce good @2003", "lost"]);
    story.read(new, 2004, 100);
    assert_eq!(story.seen(), ["end_to_end good @2004", "consume good @2004"]);
    assert!(story.idle());
}

#[test]
fn orderly_leader_move_loses_nothing() {
    let mut story = Story::new();
    let (before, after) = (story.send(0), story.send(200));
    story.ack(before, 2, 100);
    story.read(before, 3, 100);
    story.ack(after, 202, 101);
    story.read(after, 203, 101);
    story.seen();
    story.track.epoch_ended(ms(400), 101);
    story.at(1400);
    assert_eq!(story.seen(), ["reread 101"]);
    story.track.reread(ms(1410), ms(1410), 101, RereadResult::Record(after), &mut story.out);
    assert!(story.seen().is_empty());
    assert!(story.idle());
}

#[test]
fn second_copy_is_a_duplicate_and_the_same_copy_is_not() {
    let mut story = Story::new();
    let record = story.send(0);
    story.ack(record, 2, 100);
    story.read(record, 3, 100);
    story.seen();
    story.read(record, 4, 100);
    assert!(story.seen().is_empty());
    story.read(record, 5, 101);
    assert_eq!(story.seen(), ["duplicate"]);
}

#[test]
fn overtaken_record_is_reordered() {
    let mut story = Story::new();
    let (first, second) = (story.send(0), story.send(200));
    story.read(second, 210, 100);
    story.read(first, 211, 101);
    assert!(story.seen().contains(&"reordered".to_owned()));
}

#[test]
fn wrong_bytes_at_an_acked_offset_are_corrupt_whichever_came_first() {
    let mut story = Story::new();
    let record = story.send(0);
    story.ack(record, 2, 100);
    story.track.garbage(ms(3), 100, 100, &mut story.out);
    assert_eq!(story.seen(), ["produce good @2", "foreign", "corrupt", "consume corrupt @3", "end_to_end corrupt @3"]);
    let record = story.send(200);
    story.track.garbage(ms(203), 101, 101, &mut story.out);
    story.ack(record, 204, 101);
    assert_eq!(
        story.seen(),
        ["foreign", "produce good @204", "corrupt", "consume corrupt @204", "end_to_end corrupt @204"]
    );
}

#[test]
fn wrong_bytes_elsewhere_accuse_nobody() {
    let mut story = Story::new();
    let record = story.send(0);
    story.track.garbage(ms(1), 90, 100, &mut story.out);
    story.ack(record, 2, 101);
    story.read(record, 3, 101);
    assert_eq!(story.seen(), ["foreign x11", "produce good @2", "end_to_end good @3", "consume good @3"]);
}

#[test]
fn reads_without_a_position_are_void() {
    let mut story = Story::without_position();
    let record = story.send(0);
    story.ack(record, 2, 100);
    story.at(6000);
    let void = ["produce good @2", "consume void(no_position) @5002", "end_to_end void(no_position) @5000"];
    assert_eq!(story.seen(), void);
}

#[test]
fn position_found_late_voids_what_lies_before_it() {
    let mut story = Story::without_position();
    let (first, second) = (story.send(0), story.send(200));
    story.ack(first, 2, 100);
    story.seen();
    story.track.reset(ms(210), 101, VoidReason::NoPosition, &mut story.out);
    assert_eq!(story.seen(), ["consume void(no_position) @210", "end_to_end void(no_position) @210"]);
    story.ack(second, 211, 101);
    story.read(second, 212, 101);
    assert_eq!(story.seen(), ["produce good @211", "end_to_end good @212", "consume good @212"]);
}

#[test]
fn silence_without_a_position_is_still_a_timeout() {
    let mut story = Story::without_position();
    story.send(0);
    story.at(5000);
    assert_eq!(story.seen(), ["produce timeout @5000", "end_to_end timeout @5000"]);
}

#[test]
fn reader_reset_voids_the_skipped_range_only() {
    let mut story = Story::new();
    let (first, second) = (story.send(0), story.send(200));
    story.ack(first, 2, 100);
    story.ack(second, 202, 105);
    story.seen();
    story.track.reset(ms(300), 104, VoidReason::ReaderReset, &mut story.out);
    assert_eq!(story.seen(), ["consume void(reader_reset) @300", "end_to_end void(reader_reset) @300"]);
    story.read(second, 301, 105);
    assert_eq!(story.seen(), ["end_to_end good @301", "consume good @301"]);
}

#[test]
fn record_that_the_reader_fell_back_behind_is_lost_once_its_epoch_has_ended_below_it() {
    let mut story = Story::new();
    let (first, second) = (story.send(0), story.send(200));
    story.ack(first, 2, 100);
    story.read(first, 3, 100);
    story.ack(second, 202, 101);
    story.seen();
    // The new leader's log ends at 99: the reader falls back before anyone has asked where the epoch ended.
    story.track.reset(ms(300), 99, VoidReason::ReaderReset, &mut story.out);
    assert_eq!(story.seen(), ["consume void(reader_reset) @300", "end_to_end void(reader_reset) @300"]);
    story.track.epoch_ended(ms(400), 99);
    story.at(1400);
    assert_eq!(story.seen(), ["reread 100", "reread 101"]);
    for offset in [100, 101] {
        story.track.reread(ms(1500), ms(1500), offset, RereadResult::Nothing, &mut story.out);
    }
    assert_eq!(story.seen(), ["lost", "lost"]);
}

#[test]
fn recreated_topic_voids_what_was_in_flight_and_blames_nobody() {
    let mut story = Story::new();
    let (first, _second) = (story.send(0), story.send(200));
    story.ack(first, 2, 100);
    story.seen();
    story.track.recreated(ms(300), &mut story.out);
    let void = [
        "consume void(topic_recreated) @300",
        "end_to_end void(topic_recreated) @300",
        "produce void(topic_recreated) @300",
        "end_to_end void(topic_recreated) @300",
    ];
    assert_eq!(story.seen(), void);
    story.track.reset(ms(400), 0, VoidReason::TopicRecreated, &mut story.out);
    let third = story.send(401);
    story.ack(third, 402, 0);
    story.read(third, 403, 0);
    assert_eq!(story.seen(), ["produce good @402", "end_to_end good @403", "consume good @403"]);
}

#[test]
fn record_of_the_future_is_foreign() {
    let mut story = Story::new();
    story.read(Sequence(7), 1, 100);
    assert_eq!(story.seen(), ["foreign"]);
}

#[test]
fn in_flight_bound_cannot_hide_an_outage() {
    let mut story = Story::new();
    for tick in 0..200 {
        story.at(tick * 200);
        story.send(tick * 200);
    }
    assert!(story.seen().iter().all(|word| !word.contains("missed")));
}

#[test]
fn beyond_the_bound_an_attempt_is_missed_not_forgotten() {
    let mut story = Story::new();
    for _ in 0..settings().in_flight_max() {
        story.send(0);
    }
    assert_eq!(story.track.due(ms(1), &mut story.out), None);
    assert_eq!(story.seen(), ["produce missed 1", "end_to_end missed 1"]);
}

const NOT_ENOUGH: Fault = Fault::Kafka(KafkaError::NOT_ENOUGH_REPLICAS);

/// What the produce and the end-to-end attempt of a record sent at 10 s see that nothing is heard of.
fn unheard(story: &mut Story) -> Vec<RawOutcome> {
    story.send(10_000);
    story.at(15_000);
    let said = std::mem::take(&mut story.out);
    let raw_outcome = |output: &Output| if let Output::Event(event) = output { Some(event.raw_outcome) } else { None };
    said.iter().filter_map(raw_outcome).collect()
}

#[test]
fn refusal_that_the_leader_speaks_of_explains_what_the_client_never_heard() {
    for said_at in [9_000, 10_000, 14_900] {
        let mut story = Story::new();
        story.track.refuses(ms(said_at), Some(NOT_ENOUGH));
        assert_eq!(unheard(&mut story), [RawOutcome::RefusedUntilDeadline(NOT_ENOUGH); 2], "said at {said_at} ms");
    }
}

#[test]
fn refusal_that_is_old_or_over_explains_nothing() {
    let mut story = Story::new();
    story.track.refuses(ms(8_900), Some(NOT_ENOUGH));
    assert_eq!(unheard(&mut story), [RawOutcome::TimedOut; 2]);
    let mut story = Story::new();
    story.track.refuses(ms(10_000), Some(NOT_ENOUGH));
    story.track.refuses(ms(10_001), None);
    assert_eq!(unheard(&mut story), [RawOutcome::TimedOut; 2]);
}

#[test]
fn acked_record_that_is_not_read_was_not_refused() {
    let mut story = Story::new();
    let sequence = story.send(10_000);
    story.ack(sequence, 10_500, 100);
    story.track.refuses(ms(11_000), Some(NOT_ENOUGH));
    story.at(15_500);
    assert_eq!(story.seen(), ["produce good @10500", "consume timeout @15500", "end_to_end timeout @15000"]);
}
