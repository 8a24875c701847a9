//! What comes out of the recorder is what went in, or its newest part.

use std::collections::BTreeSet;
use std::time::Duration;

use prober_core::coordinator::{InternalPartition, InternalTopic};
use prober_core::diagnosis::evidence::Settings;
use prober_core::diagnosis::recording::{Entry, Version};
use prober_core::event::{Event, Limits, RawOutcome};
use prober_core::fault::Fault;
use prober_core::ids::{Broker, BrokerId, ClusterName, Partition, Probe, Series, Subject, VantageHash, View};
use prober_core::kafka_error::KafkaError;
use prober_core::time::WallTime;
use prober_core::topology::{PartitionSeen, TopicSeen};
use proptest::prelude::*;

use super::*;

fn header(is_complete: bool) -> Header {
    Header {
        format: Version::CURRENT,
        prober: "test".to_owned(),
        vantage: VantageHash(1),
        origin: WallTime(0),
        is_complete,
        settings: Settings {
            cluster: ClusterName::new("c"),
            answer_interval: Duration::from_millis(200),
            has_connect_checks: true,
            reference: None,
        },
        objectives: Vec::new(),
    }
}

fn at(millis: u64) -> Time {
    Time::from_millis(millis)
}

fn event(broker: i32, due: Time, took: Duration) -> Event {
    let broker = Broker::Id(BrokerId(broker));
    let (view, probe, subject) = (View::Broker, Probe::Produce, Subject::Broker(broker));
    let sent = due + Duration::from_micros(70);
    Event {
        series: Series { cluster: ClusterName::new("c"), view, probe, subject },
        broker,
        internal_partition: None,
        limits: Limits { deadline: Duration::from_secs(5), threshold: Duration::from_secs(1) },
        due,
        sent: Some(sent),
        ended: sent + took,
        raw_outcome: RawOutcome::Success(took),
        stalled: Duration::ZERO,
    }
}

fn metadata(asked: u64) -> Input {
    Input::MetadataBrokers { asked: at(asked), brokers: (1..=3).map(BrokerId).collect() }
}

fn topic(leader: i32) -> Input {
    let brokers = vec![BrokerId(1), BrokerId(2)];
    let leader = Some(BrokerId(leader));
    let (partition, leader_epoch) = (Partition(0), Some(4));
    let seen = PartitionSeen { partition, leader, leader_epoch, replicas: brokers.clone(), in_sync: brokers };
    Input::Topic(TopicSeen { id: Some([7; 16]), partitions: vec![seen] })
}

fn inputs_of(recording: &Recording) -> Vec<(Time, Input)> {
    let input = |line: Line| match line.entry {
        Entry::Input(input) => Some((line.at, input)),
        Entry::Evaluation { .. } => None,
    };
    recording.lines().filter_map(input).collect()
}

/// What makes an event differ from a plain one.
type Deviation = (i32, u64, [bool; 3], u64, Option<RawOutcome>, Option<i32>, bool);

fn deviating((broker, due, [is_plain, is_sent, is_stalled], ended, outcome, internal, is_other): Deviation) -> Event {
    let mut event = event(broker, Time::from_nanos(due), Duration::from_millis(3));
    if !is_plain {
        event.sent = is_sent.then(|| Time::from_nanos(ended / 2));
        event.ended = Time::from_nanos(ended);
    }
    if is_stalled {
        event.stalled = Duration::from_nanos(ended);
    }
    if is_other {
        event.limits.threshold = Duration::from_millis(ended % 7);
    }
    let topic = InternalTopic::TransactionState;
    event.internal_partition = internal.map(|index| InternalPartition { topic, partition: Partition(index) });
    event.raw_outcome = outcome.unwrap_or(event.raw_outcome);
    event
}

/// Events of three series that differ in everything that a frame has.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let refused = RawOutcome::Failed(Fault::Kafka(KafkaError(6)));
    let outcome = prop::sample::select(vec![None, Some(RawOutcome::TimedOut), Some(refused), Some(RawOutcome::Lost)]);
    let internal = prop::option::of(any::<i32>());
    let one = (1..4i32, any::<u64>(), any::<[bool; 3]>(), any::<u64>(), outcome, internal, prop::bool::weighted(0.3));
    prop::collection::vec(one.prop_map(deviating), 0..50)
}

proptest! {
    #[test]
    fn events_are_recorded_exactly(events in events()) {
        let mut recorder = Recorder::new(BYTES_MAX);
        for (millis, event) in (0..).zip(&events) {
            recorder.input(at(millis), &Input::Event(event.clone()));
        }
        let recorded = inputs_of(&recorder.recording(at(1000), header));
        let expected: Vec<(Time, Input)> = (0..).zip(events).map(|(millis, event)| (at(millis), Input::Event(event))).collect();
        prop_assert_eq!(recorded, expected);
    }
}

#[test]
fn everything_is_recorded_in_its_order() {
    let mut recorder = Recorder::new(BYTES_MAX);
    let inputs = [metadata(0), topic(1), metadata(1000), topic(1), topic(2), metadata(2000), topic(2)];
    for (millis, input) in (0..).zip(&inputs) {
        recorder.input(at(millis), input);
        recorder.evaluation(at(millis), &[]);
    }
    let recording = recorder.recording(at(50), header);
    assert!(recording.header().is_complete);
    assert_eq!(inputs_of(&recording), (0..).map(at).zip(inputs).collect::<Vec<_>>());
    let evaluations: Vec<Entry> = recording.lines().map(|line| line.entry).filter(is_evaluation).collect();
    assert_eq!(evaluations.len(), 7);
    assert_eq!(evaluations[0], Entry::Evaluation { findings: Some(Vec::new()) }, "the first has its findings");
    assert!(evaluations[1..].iter().all(|one| *one == Entry::Evaluation { findings: None }), "{evaluations:?}");
}

/// A replay is equal only if it evaluates at the very same times.
#[test]
fn times_of_evaluations_are_exact_whatever_came_before() {
    let mut recorder = Recorder::new(BYTES_MAX);
    let micros = |micros: u64| at(1000) + Duration::from_micros(micros);
    recorder.input(micros(100), &metadata(1000));
    recorder.evaluation(micros(137), &[]);
    recorder.input(micros(500), &topic(1));
    recorder.input(micros(2000), &topic(2));
    recorder.evaluation(micros(1990), &[]);
    let lines: Vec<Line> = recorder.recording(at(2000), header).lines().collect();
    let evaluations = lines.iter().filter(|line| is_evaluation(&line.entry)).map(|line| line.at);
    assert_eq!(evaluations.collect::<Vec<_>>(), [micros(137), micros(1990)]);
}

fn is_evaluation(entry: &Entry) -> bool {
    matches!(entry, Entry::Evaluation { .. })
}

/// What the prober of a hundred brokers records in `seconds`.
fn record(recorder: &mut Recorder, seconds: std::ops::Range<u64>) -> usize {
    let mut count = 0;
    for second in seconds {
        recorder.input(at(1000 * second), &metadata(1000 * second));
        for millis in (1000 * second..1000 * (second + 1)).step_by(100) {
            // Each broker is written to every 200 ms.
            for broker in (1..=100i32).filter(|broker| (millis / 100) % 2 == u64::from(broker.unsigned_abs()) % 2) {
                let latency = Duration::from_nanos(
                    2_000_000 + (millis * 7919 + u64::from(broker.unsigned_abs()) * 104_729) % 3_000_000,
                );
                recorder.input(at(millis), &Input::Event(event(broker, at(millis), latency)));
                count += 1;
            }
            recorder.evaluation(at(millis), &[]);
        }
    }
    count
}

#[test]
fn plain_event_takes_at_most_twelve_bytes() {
    let mut recorder = Recorder::new(BYTES_MAX);
    record(&mut recorder, 0..1);
    let before = recorder.open.written();
    let events = record(&mut recorder, 1..11);
    let each = (recorder.open.written() - before) as f64 / events as f64;
    assert!(each <= 12.0, "{each} bytes");
}

/// Probes of one broker on default settings: view, probe, and interval in milliseconds. Subjects need not be those of the view.
const PROBES: [(View, Probe, u64); 8] = [
    (View::Broker, Probe::Produce, 200),
    (View::Broker, Probe::Consume, 200),
    (View::Broker, Probe::EndToEnd, 200),
    (View::Client, Probe::Produce, 500),
    (View::Client, Probe::Consume, 500),
    (View::Client, Probe::EndToEnd, 500),
    (View::Broker, Probe::Fetch, 1000),
    (View::Broker, Probe::Metadata, 1000),
];

/// Time that this thread has run, by the scheduler of the kernel.
fn thread_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux has it");
    let nanos = text.split(' ').next().and_then(|first| first.parse().ok()).expect("nanoseconds");
    Duration::from_nanos(nanos)
}

/// The recorder's part of one core, and the seconds and bytes that it holds, after ten minutes of this many brokers.
fn cost(brokers: i32) -> (f64, u64, usize) {
    let seconds = 600;
    let mut recorder = Recorder::new(BYTES_MAX);
    let mut spent = Duration::ZERO;
    for millis in (0..1000 * seconds).step_by(100) {
        let of_probe = |(view, probe, interval): (View, Probe, u64)| {
            let due = move |broker: &i32| (millis + 100 * u64::from(broker.unsigned_abs())).is_multiple_of(interval);
            (1..=brokers).filter(due).map(move |broker| {
                let took =
                    Duration::from_nanos(2_000_000 + (millis * 7919 + u64::from(broker.unsigned_abs())) % 3_000_000);
                let mut event = event(broker, at(millis), took);
                (event.series.view, event.series.probe) = (view, probe);
                Input::Event(event)
            })
        };
        let mut inputs: Vec<Input> = PROBES.into_iter().flat_map(of_probe).collect();
        if millis % 1000 == 0 {
            let brokers = (1..=brokers).map(BrokerId).collect();
            inputs.push(Input::MetadataBrokers { asked: at(millis), brokers });
            inputs.push(Input::Readings(prober_core::vitals::Readings { at: at(millis), ..Default::default() }));
        }
        let before = thread_time();
        for (place, input) in (0..).zip(&inputs) {
            recorder.input(at(millis) + Duration::from_micros(40 * place), input);
        }
        recorder.evaluation(at(millis + 99), &[]);
        spent += thread_time().saturating_sub(before);
    }
    let recording = recorder.recording(at(1000 * seconds), header);
    let first = recording.lines().next().expect("lines").at;
    let held = at(1000 * seconds).since(first).as_secs();
    (spent.as_secs_f64() / seconds as f64, held, recorder.bytes())
}

#[test]
#[expect(clippy::print_stdout, reason = "the numbers are what docs/performance.md quotes")]
fn recorder_takes_less_than_one_percent_of_a_core_and_its_memory() {
    for (brokers, least) in [(3, 600), (100, 120)] {
        let (share, held, bytes) = cost(brokers);
        println!(
            "{brokers} brokers: {:.3} % of a core; {held} s in {:.1} MiB",
            100.0 * share,
            bytes as f64 / 1048576.0
        );
        assert!(share < 0.01, "{brokers} brokers: {share}");
        assert!(bytes <= BYTES_MAX, "{brokers} brokers: {bytes}");
        assert!(least <= held, "{brokers} brokers: {held} s");
    }
}

#[test]
fn memory_is_bounded_and_the_oldest_goes_first() {
    let mut recorder = Recorder::new(1 << 20);
    recorder.input(at(0), &topic(1));
    record(&mut recorder, 0..600);
    assert!(recorder.bytes() <= 1 << 20, "{}", recorder.bytes());
    let recording = recorder.recording(at(600_000), header);
    assert!(!recording.header().is_complete);
    let lines: Vec<Line> = recording.lines().collect();
    let (first, last) = (lines[0].at, lines[lines.len() - 1].at);
    assert_eq!(last, at(599_900));
    assert!(at(1000) < first && first < at(550_000), "{first} is the beginning");
    let known: Vec<&Entry> = lines.iter().map(|line| &line.entry).take(2).collect();
    assert!(matches!(known[0], Entry::Input(Input::MetadataBrokers { .. })), "the newest metadata: {known:?}");
    assert_eq!(known[1], &Entry::Input(topic(1)), "a topic that was seen once, before the beginning");
    let evaluation = lines.iter().find(|line| is_evaluation(&line.entry)).map(|line| &line.entry);
    assert_eq!(evaluation, Some(&Entry::Evaluation { findings: Some(Vec::new()) }));
    let repeated = lines.iter().filter(|line| matches!(line.entry, Entry::Input(Input::Topic(_)))).count();
    assert_eq!(repeated, 1, "the state of later segments is not repeated");
}

#[test]
fn recording_does_not_end_the_recorder() {
    let mut recorder = Recorder::new(BYTES_MAX);
    recorder.input(at(1), &Input::Brokers(BTreeSet::new()));
    let first = recorder.recording(at(5), header);
    recorder.input(at(10), &metadata(10));
    assert_eq!(inputs_of(&first).len(), 1);
    let second = recorder.recording(at(15), header);
    assert_eq!(inputs_of(&second), [(at(1), Input::Brokers(BTreeSet::new())), (at(10), metadata(10))]);
}

/// A short recording of a broker's metadata and events.
pub(crate) fn recording_of_a_test() -> Recording {
    let mut recorder = Recorder::new(BYTES_MAX);
    recorder.input(at(1), &metadata(1));
    for millis in (200..2000).step_by(200) {
        recorder.input(at(millis + 100), &Input::Event(event(1, at(millis), Duration::from_millis(3))));
        recorder.evaluation(at(millis + 100), &[]);
    }
    recorder.recording(at(2000), header)
}
