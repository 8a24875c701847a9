//! The scheduler against a client whose responses the test gives by hand, on a paused clock.

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
struct StartedAttempts(VecDeque<ProbeRequest>);

impl ProbeClient for StartedAttempts {
    fn start(&mut self, request: ProbeRequest, _: Duration) {
        self.0.push_back(request);
    }

    fn connect_check(&mut self, _: BrokerId) {}
}

/// A scheduler on a paused clock.
struct TestScheduler {
    direct: DirectScheduler,
    counting: Counting,
    started: StartedAttempts,
    clock: Clock,
}

impl TestScheduler {
    fn new(brokers: &[Broker]) -> TestScheduler {
        let clock = Clock::start();
        let settings = BTreeMap::from([(Probe::Fetch, SETTINGS)]);
        let direct = DirectScheduler::new(ClusterName::new("c"), settings, clock);
        let mut scheduler = TestScheduler {
            direct,
            counting: Counting::new(Arc::from([]), prober_core::buckets::Edges::with(&[])),
            started: StartedAttempts::default(),
            clock,
        };
        scheduler.set_targets(brokers);
        scheduler
    }

    fn set_targets(&mut self, brokers: &[Broker]) {
        let brokers: BTreeSet<Broker> = brokers.iter().copied().collect();
        self.direct
            .on_input(ProbeInput::Targets { probe: Probe::Fetch, at: self.clock.now(), brokers }, &mut self.counting);
    }

    async fn pass(&mut self, time: Duration) {
        let until = self.clock.now() + time;
        while self.clock.now() < until {
            let step = until.since(self.clock.now()).min(Duration::from_millis(50));
            tokio::time::advance(step).await;
            self.direct.advance(self.clock.now(), &mut self.counting, &mut self.started);
        }
    }

    fn answer(&mut self, request: ProbeRequest, result: Result<(), Fault>) {
        let answer = ProbeResponse { sent: None, at: self.clock.now(), result };
        self.direct.on_input(ProbeInput::Response { id: request.id, response: answer }, &mut self.counting);
    }

    /// Counts of one broker, once everything that has ended is settled.
    fn counts(&mut self, broker: Broker) -> Counts {
        let late = self.clock.now() + 10 * SECOND;
        self.counting.beat(late, late);
        self.counting.settle(late, |_| {});
        assert!(self.counting.balance(self.direct.open()));
        self.counting.ledger().counts(&series(&ClusterName::new("c"), Probe::Fetch, broker))
    }
}

#[tokio::test(start_paused = true)]
async fn answered_attempt_is_one_good_event() {
    let mut scheduler = TestScheduler::new(&[ONE]);
    scheduler.pass(SECOND).await;
    let request = scheduler.started.0.pop_front().expect("one a second");
    scheduler.answer(request, Ok(()));
    let counts = scheduler.counts(ONE);
    assert_eq!((counts.due, counts.sent, counts.of(Outcome::Good), counts.in_flight()), (1, 1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn unanswered_attempt_ends_at_the_deadline_and_a_late_response_changes_nothing() {
    let mut scheduler = TestScheduler::new(&[ONE]);
    scheduler.pass(SECOND).await;
    let request = scheduler.started.0.pop_front().expect("one a second");
    scheduler.pass(3 * SECOND).await;
    scheduler.answer(request, Ok(()));
    let counts = scheduler.counts(ONE);
    assert_eq!((counts.of(Outcome::Timeout), counts.of(Outcome::Good)), (2, 0));
    assert_eq!(counts.due, counts.of(Outcome::Timeout) + counts.in_flight());
}

#[tokio::test(start_paused = true)]
async fn unresponsive_broker_delays_no_other() {
    let mut scheduler = TestScheduler::new(&[ONE, TWO]);
    for _ in 0..50 {
        scheduler.pass(SECOND / 5).await;
        while let Some(request) = scheduler.started.0.pop_front() {
            if request.broker == TWO {
                scheduler.answer(request, Ok(()));
            }
        }
    }
    let (unresponsive, other) = (scheduler.counts(ONE), scheduler.counts(TWO));
    assert_eq!((other.of(Outcome::Good), other.due), (10, 10));
    assert_eq!((unresponsive.of(Outcome::Good), unresponsive.due), (0, 10));
}

#[tokio::test(start_paused = true)]
async fn removed_target_leaves_no_bad_event() {
    let mut scheduler = TestScheduler::new(&[ONE]);
    scheduler.pass(SECOND).await;
    scheduler.set_targets(&[]);
    scheduler.pass(5 * SECOND).await;
    let counts = scheduler.counts(ONE);
    assert_eq!((counts.due, counts.of(Outcome::Void), counts.in_flight()), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn attempts_due_during_a_stall_of_the_prober_are_missed_and_not_bad() {
    let mut scheduler = TestScheduler::new(&[ONE]);
    tokio::time::advance(10 * SECOND).await;
    scheduler.direct.advance(scheduler.clock.now(), &mut scheduler.counting, &mut scheduler.started);
    let request = scheduler.started.0.pop_front().expect("the newest is asked");
    scheduler.answer(request, Ok(()));
    let counts = scheduler.counts(ONE);
    assert_eq!((counts.of(Outcome::Good), counts.of(Outcome::Missed), counts.due), (1, 9, 10));
}

#[tokio::test(start_paused = true)]
async fn decommissioned_broker_is_asked_again_only_after_it_returns() {
    let mut scheduler = TestScheduler::new(&[ONE, TWO]);
    scheduler.direct.set_decommissioned(&BTreeSet::from([BrokerId(2)]), scheduler.clock.now(), &mut scheduler.counting);
    scheduler.set_targets(&[ONE, TWO]);
    scheduler.pass(10 * SECOND).await;
    assert!(scheduler.started.0.iter().all(|request| request.broker == ONE));
    scheduler.started.0.clear();
    scheduler.direct.set_decommissioned(&BTreeSet::new(), scheduler.clock.now(), &mut scheduler.counting);
    scheduler.pass(10 * SECOND).await;
    assert!((9..=11).contains(&scheduler.started.0.iter().filter(|request| request.broker == TWO).count()));
}

proptest! {
    /// Every due attempt is counted once or in flight, whatever answers come, when and in which order.
    #[test]
    fn every_due_attempt_is_accounted_for(script in prop::collection::vec((0u64..1500, 0usize..3, any::<bool>()), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let mut scheduler = TestScheduler::new(&[ONE, TWO]);
            for (millis, skip, good) in script {
                scheduler.pass(Duration::from_millis(millis)).await;
                if let Some(request) = scheduler.started.0.remove(skip) {
                    scheduler.answer(request, if good { Ok(()) } else { Err(Fault::ConnectionReset) });
                }
            }
            for broker in [ONE, TWO] {
                let counts = scheduler.counts(broker);
                assert_eq!(counts.due, counts.outcomes.iter().sum::<u64>() + counts.in_flight());
            }
            scheduler.direct.shut_down(scheduler.clock.now(), &mut scheduler.counting);
            for broker in [ONE, TWO] {
                assert_eq!(scheduler.counts(broker).in_flight(), 0);
            }
        });
    }
}
