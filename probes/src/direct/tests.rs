//! The driver against a fake that answers as it is told, by hand on a clock that stands still.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use prober_core::counting::Counting;
use prober_core::counts::Counts;
use prober_core::event::{Limits, Outcome};
use prober_core::fault::Fault;
use prober_core::ids::{Broker, BrokerId, ClusterName, Probe};
use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const SETTINGS: Settings =
    Settings { interval: SECOND, limits: Limits { deadline: Duration::from_secs(2), threshold: SECOND } };
const ONE: Broker = Broker::Id(BrokerId(1));
const TWO: Broker = Broker::Id(BrokerId(2));

#[derive(Default)]
struct Asked(VecDeque<ProbeRequest>);

impl ProbeClient for Asked {
    fn start(&mut self, question: ProbeRequest, _: Duration) {
        self.0.push_back(question);
    }

    fn connect_check(&mut self, _: BrokerId) {}
}

/// A driver whose clock the test moves.
struct Bench {
    direct: Direct,
    counting: Counting,
    asked: Asked,
    clock: Clock,
}

impl Bench {
    fn new(brokers: &[Broker]) -> Bench {
        let clock = Clock::start();
        let settings = BTreeMap::from([(Probe::Fetch, SETTINGS)]);
        let direct = Direct::new(ClusterName::new("c"), settings, clock);
        let mut bench = Bench { direct, counting: Counting::new(Arc::from([]), &[]), asked: Asked::default(), clock };
        bench.aim(brokers);
        bench
    }

    fn aim(&mut self, brokers: &[Broker]) {
        let brokers: BTreeSet<Broker> = brokers.iter().copied().collect();
        self.direct
            .hear(ProbeInput::Targets { probe: Probe::Fetch, at: self.clock.now(), brokers }, &mut self.counting);
    }

    async fn pass(&mut self, time: Duration) {
        let until = self.clock.now() + time;
        while self.clock.now() < until {
            let step = until.since(self.clock.now()).min(Duration::from_millis(50));
            tokio::time::advance(step).await;
            self.direct.advance(self.clock.now(), &mut self.counting, &mut self.asked);
        }
    }

    fn answer(&mut self, question: ProbeRequest, result: Result<(), Fault>) {
        let answer = ProbeResponse { sent: None, at: self.clock.now(), result };
        self.direct.hear(ProbeInput::Response { id: question.id, response: answer }, &mut self.counting);
    }

    /// Counts of one broker, once everything that has ended is settled.
    fn counts(&mut self, broker: Broker) -> Counts {
        let late = self.clock.now() + 10 * SECOND;
        self.counting.beat(late, late);
        self.counting.settle(late, |_, _| {});
        assert!(self.counting.balance(self.direct.open()));
        self.counting.ledger().counts(&series(&ClusterName::new("c"), Probe::Fetch, broker))
    }
}

#[tokio::test(start_paused = true)]
async fn answered_question_is_one_good_event() {
    let mut bench = Bench::new(&[ONE]);
    bench.pass(SECOND).await;
    let question = bench.asked.0.pop_front().expect("one a second");
    bench.answer(question, Ok(()));
    let counts = bench.counts(ONE);
    assert_eq!((counts.due, counts.sent, counts.of(Outcome::Good), counts.in_flight()), (1, 1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_deadline_and_a_late_answer_changes_nothing() {
    let mut bench = Bench::new(&[ONE]);
    bench.pass(SECOND).await;
    let question = bench.asked.0.pop_front().expect("one a second");
    bench.pass(3 * SECOND).await;
    bench.answer(question, Ok(()));
    let counts = bench.counts(ONE);
    assert_eq!((counts.of(Outcome::Timeout), counts.of(Outcome::Good)), (2, 0));
    assert_eq!(counts.due, counts.of(Outcome::Timeout) + counts.in_flight());
}

#[tokio::test(start_paused = true)]
async fn silent_broker_delays_no_other() {
    let mut bench = Bench::new(&[ONE, TWO]);
    for _ in 0..50 {
        bench.pass(SECOND / 5).await;
        while let Some(question) = bench.asked.0.pop_front() {
            if question.broker == TWO {
                bench.answer(question, Ok(()));
            }
        }
    }
    let (silent, other) = (bench.counts(ONE), bench.counts(TWO));
    assert_eq!((other.of(Outcome::Good), other.due), (10, 10));
    assert_eq!((silent.of(Outcome::Good), silent.due), (0, 10));
}

#[tokio::test(start_paused = true)]
async fn target_that_is_gone_leaves_no_bad_event() {
    let mut bench = Bench::new(&[ONE]);
    bench.pass(SECOND).await;
    bench.aim(&[]);
    bench.pass(5 * SECOND).await;
    let counts = bench.counts(ONE);
    assert_eq!((counts.due, counts.of(Outcome::Void), counts.in_flight()), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn stalled_prober_misses_ticks_and_blames_nobody() {
    let mut bench = Bench::new(&[ONE]);
    tokio::time::advance(10 * SECOND).await;
    bench.direct.advance(bench.clock.now(), &mut bench.counting, &mut bench.asked);
    let question = bench.asked.0.pop_front().expect("the newest is asked");
    bench.answer(question, Ok(()));
    let counts = bench.counts(ONE);
    assert_eq!((counts.of(Outcome::Good), counts.of(Outcome::Missed), counts.due), (1, 9, 10));
}

#[tokio::test(start_paused = true)]
async fn forgotten_broker_is_asked_again_only_when_it_is_one_again() {
    let mut bench = Bench::new(&[ONE, TWO]);
    bench.direct.forget(&BTreeSet::from([BrokerId(2)]), bench.clock.now(), &mut bench.counting);
    bench.aim(&[ONE, TWO]);
    bench.pass(10 * SECOND).await;
    assert!(bench.asked.0.iter().all(|question| question.broker == ONE));
    bench.asked.0.clear();
    bench.direct.forget(&BTreeSet::new(), bench.clock.now(), &mut bench.counting);
    bench.pass(10 * SECOND).await;
    assert!((9..=11).contains(&bench.asked.0.iter().filter(|question| question.broker == TWO).count()));
}

proptest! {
    /// Whatever answers come, when and in which order: every due attempt is counted once or in flight.
    #[test]
    fn every_due_attempt_is_accounted_for(script in prop::collection::vec((0u64..1500, 0usize..3, any::<bool>()), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let mut bench = Bench::new(&[ONE, TWO]);
            for (millis, skip, good) in script {
                bench.pass(Duration::from_millis(millis)).await;
                if let Some(question) = bench.asked.0.remove(skip) {
                    bench.answer(question, if good { Ok(()) } else { Err(Fault::ConnectionReset) });
                }
            }
            for broker in [ONE, TWO] {
                let counts = bench.counts(broker);
                assert_eq!(counts.due, counts.outcomes.iter().sum::<u64>() + counts.in_flight());
            }
            bench.direct.shut_down(bench.clock.now(), &mut bench.counting);
            for broker in [ONE, TWO] {
                assert_eq!(bench.counts(broker).in_flight(), 0);
            }
        });
    }
}
