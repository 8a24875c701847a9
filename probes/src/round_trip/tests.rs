//! The three probes against the simulated cluster, under the paused clock.

use std::sync::Arc;

use prober_core::counts::Counts;
use prober_core::event::{Anomaly, Limits, Outcome};
use prober_core::ids::{RunId, Series, VantageHash};
use prober_core::kafka_error::KafkaError;
use prober_core::settle::HEARTBEAT_EVERY;

use super::*;
use crate::sim::lane::{At, Incident, SimLane, Timeline};

/// A prober in front of a simulated cluster.
struct TestBed {
    clock: Clock,
    sim: SimLane,
    round_trip: RoundTrip,
    counting: Counting,
    expected_beat: Time,
}

impl TestBed {
    fn new(brokers: i32, timeline: Timeline) -> TestBed {
        let clock = Clock::start();
        let limits = Limits { deadline: Duration::from_secs(5), threshold: Duration::from_secs(1) };
        let interval = Duration::from_millis(200);
        let track = track::Settings { interval, produce: limits, consume: limits, end_to_end: limits };
        let identity = Identity { run: RunId([1; 16]), vantage: VantageHash::of("default") };
        let settings = Settings { track, record_size: 128 };
        let cluster = ClusterName::new("sim");
        let round_trip = RoundTrip::new(cluster, Lane::Pinned, identity, settings, clock);
        let counting = Counting::new(Arc::from([]), prober_core::buckets::Edges::with(&[]));
        TestBed {
            clock,
            sim: SimLane::new(brokers, clock, timeline),
            round_trip,
            counting,
            expected_beat: Time::ORIGIN,
        }
    }

    /// Runs until `millis`, in the order of the engine: inputs, deadlines and sends, settled events.
    async fn until(&mut self, millis: u64) {
        let end = Time::from_millis(millis);
        loop {
            let wake = self.round_trip.next_wake().min(self.sim.next_wake()).min(self.expected_beat).min(end);
            self.clock.sleep_until(wake).await;
            self.step();
            if end <= self.clock.now() {
                return;
            }
        }
    }

    fn step(&mut self) {
        for input in self.sim.advance() {
            self.round_trip.on_input(input, &mut self.counting, &mut self.sim.clone());
        }
        let now = self.clock.now();
        self.round_trip.advance(now, &mut self.counting, &mut self.sim.clone());
        if self.expected_beat <= now {
            self.counting.beat(self.expected_beat, now);
            self.expected_beat = now + HEARTBEAT_EVERY;
        }
        self.counting.settle(now, |_| {});
        assert!(self.counting.balance(self.round_trip.open()), "attempts are not all accounted for at {now}");
    }

    /// Stops the prober's process while the cluster keeps running.
    async fn freeze_prober(&mut self, length: Duration) {
        tokio::time::advance(length).await;
        self.step();
    }

    fn set_decommissioned(&mut self, brokers: &[i32]) {
        let brokers = brokers.iter().map(|id| BrokerId(*id)).collect();
        self.round_trip.set_decommissioned(&brokers, self.clock.now(), &mut self.counting);
    }

    fn shut_down(&mut self) {
        let now = self.clock.now();
        self.round_trip.shut_down(now, &mut self.counting, &mut self.sim.clone());
        self.counting.close();
    }

    fn counts(&self, broker: Broker, probe: Probe) -> Counts {
        let target = Target { cluster: ClusterName::new("sim"), lane: Lane::Pinned, broker, partition: None };
        self.counting.ledger().counts(&target.series(probe))
    }

    fn of(&self, broker: i32, probe: Probe, outcome: Outcome) -> u64 {
        self.counts(Broker::Id(BrokerId(broker)), probe).of(outcome)
    }

    fn bad(&self, broker: i32) -> u64 {
        use Outcome::{Corrupt, Error, Lost, Slow, Timeout};
        let of = |probe| [Slow, Error, Timeout, Lost, Corrupt].map(|outcome| self.of(broker, probe, outcome));
        Probe::OF_A_RECORD.into_iter().flat_map(of).sum()
    }

    fn anomaly(&self, broker: i32, anomaly: Anomaly) -> u64 {
        let of_broker = |records: &prober_core::counts::RecordCounts| records.broker == Broker::Id(BrokerId(broker));
        self.counting
            .ledger()
            .records()
            .into_iter()
            .filter(of_broker)
            .map(|records| records.anomalies[anomaly.index()])
            .sum()
    }
}

#[tokio::test(start_paused = true)]
async fn healthy_cluster_has_only_good_events() {
    let mut bed = TestBed::new(3, Timeline::quiet());
    bed.until(60_000).await;
    for broker in 1..=3 {
        assert_eq!(bed.bad(broker), 0);
        for probe in Probe::OF_A_RECORD {
            assert!(298 <= bed.of(broker, probe, Outcome::Good), "{probe:?}");
        }
        assert_eq!(bed.of(broker, Probe::Produce, Outcome::Missed), 0);
    }
    assert_eq!(bed.counts(Broker::Unknown, Probe::Produce), Counts::default());
}

#[tokio::test(start_paused = true)]
async fn only_the_frozen_broker_fails_and_every_attempt_is_accounted_for() {
    let timeline = Timeline::quiet().at(10_000, 2, At::Freeze).at(40_000, 2, At::Thaw);
    let mut bed = TestBed::new(3, timeline);
    bed.until(70_000).await;
    assert_eq!((bed.bad(1), bed.bad(3)), (0, 0));
    // Due in the 30 s, less those that were answered within their deadline when the broker resumed.
    let timeouts = bed.of(2, Probe::Produce, Outcome::Timeout);
    assert!((124..=126).contains(&timeouts), "{timeouts}");
    assert_eq!(bed.of(2, Probe::EndToEnd, Outcome::Timeout), timeouts);
    assert_eq!(bed.anomaly(2, Anomaly::Late), timeouts);
    assert_eq!(bed.anomaly(2, Anomaly::Lost), 0);
    assert_eq!(bed.anomaly(2, Anomaly::Duplicate), 0);
    let counts = bed.counts(Broker::Id(BrokerId(2)), Probe::Produce);
    assert_eq!(counts.due as usize, bed.sim.log_len(BrokerId(2)));
}

#[tokio::test(start_paused = true)]
async fn killed_broker_is_bad_from_the_first_refusal_to_the_first_ack() {
    let timeline = Timeline::quiet().at(10_000, 2, At::Kill).at(30_000, 2, At::Start);
    let mut bed = TestBed::new(3, timeline);
    bed.until(40_000).await;
    assert_eq!((bed.bad(1), bed.bad(3)), (0, 0));
    let errors = bed.of(2, Probe::Produce, Outcome::Error);
    assert!((99..=101).contains(&errors), "{errors}");
    assert_eq!(bed.of(2, Probe::EndToEnd, Outcome::Error), errors);
    assert_eq!(bed.counts(Broker::Id(BrokerId(2)), Probe::Produce).errors["connection_refused"], errors);
}

#[tokio::test(start_paused = true)]
async fn cluster_down_at_start_counts_from_the_first_second_and_recovers() {
    let timeline = Timeline::quiet().cluster(0, Incident::ClusterDown).cluster(30_000, Incident::ClusterUp);
    let mut bed = TestBed::new(3, timeline);
    bed.until(40_000).await;
    let unknown = bed.counts(Broker::Unknown, Probe::Produce);
    assert_eq!(unknown.of(Outcome::Error), unknown.due);
    assert!((144..=146).contains(&unknown.due), "{}", unknown.due);
    assert_eq!(unknown.errors["no_metadata"], unknown.due);
    for broker in 1..=3 {
        assert_eq!(bed.bad(broker), 0);
        assert!(45 <= bed.of(broker, Probe::EndToEnd, Outcome::Good));
    }
}

#[tokio::test(start_paused = true)]
async fn frozen_prober_causes_no_bad_event() {
    let mut bed = TestBed::new(3, Timeline::quiet());
    bed.until(10_001).await;
    bed.freeze_prober(Duration::from_secs(10)).await;
    bed.until(30_000).await;
    for broker in 1..=3 {
        assert_eq!(bed.bad(broker), 0);
        let missed = bed.of(broker, Probe::Produce, Outcome::Missed);
        assert!((48..=50).contains(&missed), "{missed}");
    }
}

#[tokio::test(start_paused = true)]
async fn stall_of_30_ms_voids_and_misses_nothing() {
    let mut bed = TestBed::new(3, Timeline::quiet());
    for second in 1..30 {
        bed.until(second * 1000).await;
        bed.freeze_prober(Duration::from_millis(30)).await;
    }
    bed.until(31_000).await;
    for broker in 1..=3 {
        assert_eq!(bed.bad(broker), 0);
        for probe in Probe::OF_A_RECORD {
            assert_eq!(bed.of(broker, probe, Outcome::Void), 0);
            assert_eq!(bed.of(broker, probe, Outcome::Missed), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn broker_frozen_during_a_stall_of_the_prober_still_fails() {
    let timeline = Timeline::quiet().at(5_000, 2, At::Freeze);
    let mut bed = TestBed::new(3, timeline);
    for second in 5..30 {
        bed.until(second * 1000).await;
        bed.freeze_prober(Duration::from_millis(300)).await;
    }
    assert_eq!((bed.bad(1), bed.bad(3)), (0, 0));
    assert!(60 <= bed.of(2, Probe::Produce, Outcome::Timeout));
}

#[tokio::test(start_paused = true)]
async fn refused_writes_are_errors_of_that_broker_with_the_error_name_of_kafka() {
    let timeline = Timeline::quiet().at(5_000, 3, At::Refuse(KafkaError(56))).at(7_000, 3, At::Accept);
    let mut bed = TestBed::new(3, timeline);
    bed.until(10_000).await;
    let errors = bed.counts(Broker::Id(BrokerId(3)), Probe::Produce).errors;
    assert_eq!(errors.keys().copied().collect::<Vec<_>>(), ["KAFKA_STORAGE_ERROR"]);
    assert_eq!(errors["KAFKA_STORAGE_ERROR"], 10);
}

#[tokio::test(start_paused = true)]
async fn slow_broker_is_slow_not_failing() {
    let timeline = Timeline::quiet().at(5_000, 1, At::Slow(Duration::from_millis(1200)));
    let mut bed = TestBed::new(2, timeline);
    bed.until(20_000).await;
    assert!(0 < bed.of(1, Probe::Produce, Outcome::Slow));
    assert_eq!(bed.of(1, Probe::Produce, Outcome::Timeout), 0);
    assert_eq!(bed.bad(2), 0);
}

#[tokio::test(start_paused = true)]
async fn lost_duplicate_corrupt_and_foreign_records_are_distinguished() {
    let timeline = Timeline::quiet()
        .at(5_000, 1, At::LoseNext)
        .at(10_000, 1, At::DuplicateNext)
        .at(15_000, 1, At::CorruptNext)
        .at(20_000, 1, At::ForeignRecord);
    let mut bed = TestBed::new(1, timeline);
    bed.until(30_000).await;
    assert_eq!(bed.of(1, Probe::Consume, Outcome::Lost), 1);
    assert_eq!(bed.of(1, Probe::EndToEnd, Outcome::Lost), 1);
    assert_eq!(bed.of(1, Probe::Consume, Outcome::Corrupt), 1);
    let anomalies = [Anomaly::Lost, Anomaly::Duplicate, Anomaly::Corrupt].map(|anomaly| bed.anomaly(1, anomaly));
    assert_eq!(anomalies, [1, 1, 1]);
    assert_eq!(bed.anomaly(1, Anomaly::Foreign), 2, "the damaged record and the one in another format");
    let produce = bed.counts(Broker::Id(BrokerId(1)), Probe::Produce);
    assert_eq!(
        produce.of(Outcome::Good) + produce.in_flight(),
        produce.due,
        "faults of the log change no produce event"
    );
}

#[tokio::test(start_paused = true)]
async fn recreated_topic_causes_no_bad_event() {
    let timeline = Timeline::quiet().cluster(5_001, Incident::Recreate);
    let mut bed = TestBed::new(3, timeline);
    bed.until(10_000).await;
    for broker in 1..=3 {
        assert_eq!(bed.bad(broker), 0);
        assert_eq!(bed.anomaly(broker, Anomaly::Lost), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_voids_the_attempts_in_flight_and_leaves_none_open() {
    let mut bed = TestBed::new(3, Timeline::quiet().at(5_000, 2, At::Freeze));
    bed.until(8_000).await;
    bed.shut_down();
    assert_eq!(bed.round_trip.open(), 0);
    assert_eq!(bed.bad(2), 0);
    assert!(14 <= bed.of(2, Probe::Produce, Outcome::Void));
    assert_eq!(bed.counts(Broker::Id(BrokerId(2)), Probe::Produce).in_flight(), 0);
    assert_eq!(bed.round_trip.next_wake(), Time::NEVER);
}

#[tokio::test(start_paused = true)]
async fn dropped_inputs_void_the_attempts_in_flight() {
    let mut bed = TestBed::new(2, Timeline::quiet());
    bed.until(5_001).await;
    let open = bed.round_trip.open();
    let now = bed.clock.now();
    bed.round_trip.input_dropped(now, &mut bed.counting, &mut bed.sim.clone());
    assert_eq!(bed.round_trip.open(), 0);
    bed.until(6_000).await;
    let voided: u64 = [1, 2].map(|id| bed.of(id, Probe::EndToEnd, Outcome::Void)).iter().sum();
    assert!(voided <= open as u64);
    assert_eq!((bed.bad(1), bed.bad(2)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn missing_topic_causes_no_bad_event_for_twenty_seconds() {
    let mut bed = TestBed::new(0, Timeline::quiet());
    let missing = |at| LaneInput::Layout {
        at,
        layout: Layout::Missing { brokers: vec![BrokerId(1)], fault: Fault::Kafka(KafkaError(29)) },
    };
    bed.step();
    bed.round_trip.on_input(missing(Time::ORIGIN), &mut bed.counting, &mut bed.sim.clone());
    bed.until(19_900).await;
    assert_eq!(bed.counts(Broker::Id(BrokerId(1)), Probe::Produce).due, 0);
    bed.until(25_000).await;
    let errors = bed.counts(Broker::Id(BrokerId(1)), Probe::Produce).errors;
    assert!((24..=26).contains(&errors["TOPIC_AUTHORIZATION_FAILED"]), "{errors:?}");
}

#[tokio::test(start_paused = true)]
async fn decommissioned_broker_is_not_due_and_is_probed_again_when_it_returns() {
    let mut bed = TestBed::new(2, Timeline::quiet());
    bed.until(5_000).await;
    bed.set_decommissioned(&[2]);
    let due = bed.counts(Broker::Id(BrokerId(2)), Probe::Produce).due;
    bed.until(10_000).await;
    assert_eq!(bed.counts(Broker::Id(BrokerId(2)), Probe::Produce).due, due);
    assert_eq!(bed.round_trip.probed().count(), 1);
    bed.set_decommissioned(&[]);
    let read = bed.of(2, Probe::EndToEnd, Outcome::Good);
    bed.until(15_000).await;
    assert!(read + 20 <= bed.of(2, Probe::EndToEnd, Outcome::Good), "its read position was kept");
    assert_eq!((bed.bad(1), bed.bad(2)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn moved_partition_continues_its_sequence_numbers() {
    let mut bed = TestBed::new(2, Timeline::quiet());
    bed.until(5_000).await;
    let at = bed.clock.now();
    let moved = vec![(Partition(0), BrokerId(2)), (Partition(1), BrokerId(2))];
    let layout = LaneInput::Layout { at, layout: Layout::Assigned(moved) };
    bed.round_trip.on_input(layout, &mut bed.counting, &mut bed.sim.clone());
    let position = LaneInput::Position { partition: Partition(0), at, offset: 25, reset: false };
    bed.round_trip.on_input(position, &mut bed.counting, &mut bed.sim.clone());
    bed.until(10_000).await;
    assert_eq!((bed.bad(1), bed.bad(2)), (0, 0));
    assert_eq!(bed.anomaly(2, Anomaly::Duplicate), 0);
    assert!(70 <= bed.of(2, Probe::EndToEnd, Outcome::Good));
}

#[test]
fn series_of_a_lane_have_its_view() {
    let target =
        Target { cluster: ClusterName::new("c"), lane: Lane::Pinned, broker: Broker::Unknown, partition: None };
    let Series { view, .. } = target.series(Probe::Produce);
    assert_eq!(view.as_str(), "broker");
}
