//! Holds each resolved event for one settle time, so that a stall of the prober is known before a broker is blamed.
//!
//! An event leaves when both are true: its settle time is over, and a heartbeat later than its end was seen. The second
//! condition covers a suspended process (SIGSTOP): when it resumes, timers may fire in any order, and until the first
//! heartbeat has shown the gap nothing is judged.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{Event, RawOutcome, VoidReason};
use crate::ids::Series;
use crate::time::Time;

/// Interval of the heartbeat.
pub const HEARTBEAT_EVERY: Duration = Duration::from_millis(50);

/// How long an event is held: three heartbeats.
pub const SETTLE_FOR: Duration = Duration::from_millis(150);

/// A heartbeat that is late by less than this is ordinary timer and scheduler jitter, not a stall.
const STALL_FROM: Duration = Duration::from_millis(5);

/// Stalls kept. Attempts live for at most two deadlines; at one stall per heartbeat this covers over three minutes.
const STALLS_KEPT: usize = 4096;

/// A stretch in which the prober did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stall {
    /// When the heartbeat should have come.
    pub from: Time,
    /// When it came.
    pub to: Time,
}

/// Events that are resolved and not yet counted.
#[derive(Debug, Default)]
pub struct Settle {
    /// By end, then by arrival, so that events leave in the order in which they ended.
    waiting: BTreeMap<(Time, u64), Event>,
    arrivals: u64,
    last_beat: Time,
    stalls: VecDeque<Stall>,
    throttled: VecDeque<Stall>,
}

impl Settle {
    /// Nothing waiting, no stall known.
    pub fn new() -> Settle {
        Settle::default()
    }

    /// Takes in a resolved event.
    pub fn push(&mut self, event: Event) {
        self.arrivals += 1;
        self.waiting.insert((event.ended, self.arrivals), event);
    }

    /// Takes in a heartbeat and returns the stall that it shows, if any.
    pub fn beat(&mut self, expected: Time, at: Time) -> Option<Stall> {
        self.last_beat = self.last_beat.max(at);
        if at.since(expected) < STALL_FROM {
            return None;
        }
        let stall = Stall { from: expected, to: at };
        remember(&mut self.stalls, stall);
        Some(stall)
    }

    /// The CPU limit of the container throttled the prober during `stretch`. The heartbeat sees only throttling that goes on after
    /// its next beat was due: of a thread that is throttled for 95 ms in every 100 ms it sees half.
    pub fn on_throttled(&mut self, stretch: Stall) {
        remember(&mut self.throttled, stretch);
    }

    /// The host resumed after a suspend: failures that wait to be judged were caused by it and are void.
    pub fn on_resume(&mut self) {
        for event in self.waiting.values_mut() {
            if matches!(
                event.raw_outcome,
                RawOutcome::Failed(_) | RawOutcome::RefusedUntilDeadline(_) | RawOutcome::TimedOut
            ) {
                event.raw_outcome = RawOutcome::Void(VoidReason::Stall);
            }
        }
    }

    /// Hands out every event that may be judged at `now`, with its stall filled in.
    pub fn ready(&mut self, now: Time, mut judge: impl FnMut(Event)) {
        while let Some(first) = self.waiting.first_entry() {
            let ended = first.key().0;
            let settled = ended + SETTLE_FOR <= now && ended < self.last_beat;
            if !settled {
                break;
            }
            let event = first.remove();
            judge(self.with_stall(event));
        }
    }

    /// Hands out everything, settled or not, before the process ends.
    pub fn flush(&mut self, mut judge: impl FnMut(Event)) {
        while let Some((_, event)) = self.waiting.pop_first() {
            judge(self.with_stall(event));
        }
    }

    /// How many events of one series wait.
    pub fn waiting_in(&self, series: &Series) -> usize {
        self.waiting.values().filter(|event| event.series == *series).count()
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn with_stall(&self, mut event: Event) -> Event {
        let began = event.sent.unwrap_or(event.due);
        event.stalled = self.stalled_between(began, event.ended);
        event
    }

    /// How long the prober was stalled within `[from, to]`: the larger of what heartbeat and CPU limit show, since they overlap.
    fn stalled_between(&self, from: Time, to: Time) -> Duration {
        // Newest first: every stall before one that ended too early ended earlier still.
        let sum = |stalls: &VecDeque<Stall>| -> Duration {
            let near = stalls.iter().rev().take_while(|stall| from < stall.to);
            near.map(|stall| stall.to.min(to).since(stall.from.max(from))).sum()
        };
        sum(&self.stalls).max(sum(&self.throttled))
    }
}

fn remember(stalls: &mut VecDeque<Stall>, stall: Stall) {
    if stalls.len() == STALLS_KEPT {
        stalls.pop_front();
    }
    stalls.push_back(stall);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Limits, Outcome};
    use crate::ids::{Broker, ClusterName, Probe, Subject, View};
    use crate::judge::outcome;
    use proptest::prelude::*;

    fn event(sent_ms: u64, ended_ms: u64, raw_outcome: RawOutcome) -> Event {
        let series = Series {
            cluster: ClusterName::new("c"),
            view: View::Broker,
            probe: Probe::Produce,
            subject: Subject::Broker(Broker::Unknown),
        };
        Event {
            series,
            broker: Broker::Unknown,
            limits: Limits { deadline: Duration::from_secs(5), threshold: Duration::from_secs(1) },
            due: Time::from_millis(sent_ms),
            sent: Some(Time::from_millis(sent_ms)),
            ended: Time::from_millis(ended_ms),
            raw_outcome,
            stalled: Duration::ZERO,
            internal_partition: None,
        }
    }

    #[test]
    fn time_out_of_a_prober_that_was_throttled_all_the_time_is_void() {
        let judged = |hold: bool| {
            let mut settle = Settle::new();
            // A CPU limit of 5 %: in every tenth of a second it runs for 5 ms, and half of its beats are in time.
            for begin in (0..5_200).step_by(100) {
                let at = |millis: u64| Time::from_millis(begin + millis);
                settle.beat(at(50), at(100));
                if hold {
                    settle.on_throttled(Stall { from: at(5), to: at(100) });
                }
            }
            settle.push(event(0, 5000, RawOutcome::TimedOut));
            outcome(&ready(&mut settle, 5_200)[0])
        };
        assert_eq!(judged(false), Outcome::Timeout, "the heartbeat alone sees half of it");
        assert_eq!(judged(true), Outcome::Void);
    }

    #[test]
    fn failure_before_a_resume_is_void_and_success_is_kept() {
        let mut settle = Settle::new();
        settle.push(event(0, 10, RawOutcome::Failed(crate::fault::Fault::ConnectionReset)));
        settle.push(event(0, 20, RawOutcome::Success(Duration::from_millis(20))));
        settle.on_resume();
        settle.beat(Time::from_millis(50), Time::from_millis(50));
        let raw_outcome: Vec<RawOutcome> = ready(&mut settle, 500).into_iter().map(|event| event.raw_outcome).collect();
        assert_eq!(raw_outcome, [RawOutcome::Void(VoidReason::Stall), RawOutcome::Success(Duration::from_millis(20))]);
    }

    fn ready(settle: &mut Settle, now_ms: u64) -> Vec<Event> {
        let mut out = Vec::new();
        settle.ready(Time::from_millis(now_ms), |event| out.push(event));
        out
    }

    fn beat(settle: &mut Settle, expected_ms: u64, at_ms: u64) -> Option<Stall> {
        settle.beat(Time::from_millis(expected_ms), Time::from_millis(at_ms))
    }

    #[test]
    fn event_waits_for_its_settle_time_and_a_later_heartbeat() {
        let mut settle = Settle::new();
        settle.push(event(0, 100, RawOutcome::TimedOut));
        assert!(ready(&mut settle, 1000).is_empty(), "no heartbeat yet");
        beat(&mut settle, 100, 100);
        assert!(ready(&mut settle, 1000).is_empty(), "the heartbeat is not later than its end");
        beat(&mut settle, 150, 150);
        assert!(ready(&mut settle, 249).is_empty(), "the settle time is not over");
        assert_eq!(ready(&mut settle, 250).len(), 1);
        assert!(settle.is_empty());
    }

    #[test]
    fn stall_is_attached_as_far_as_it_overlaps() {
        let mut settle = Settle::new();
        settle.push(event(1000, 6000, RawOutcome::TimedOut));
        assert!(beat(&mut settle, 500, 1500).is_some());
        assert!(beat(&mut settle, 5500, 7000).is_some());
        let events = ready(&mut settle, 7000);
        assert_eq!(events[0].stalled, Duration::from_millis(500 + 500));
    }

    #[test]
    fn scheduler_jitter_of_4_ms_is_no_stall() {
        assert_eq!(beat(&mut Settle::new(), 50, 54), None);
    }

    #[test]
    fn frozen_prober_voids_its_time_outs() {
        // Frozen from 1.0 s to 11.0 s: sent just before, the deadline passed long ago, the timer fires first.
        let mut settle = Settle::new();
        beat(&mut settle, 950, 950);
        settle.push(event(999, 5999, RawOutcome::TimedOut));
        settle.push(event(999, 11_001, RawOutcome::Success(Duration::from_millis(10_002))));
        assert!(ready(&mut settle, 11_001).is_empty(), "nothing is judged before the gap is known");
        beat(&mut settle, 1000, 11_002);
        let outcomes: Vec<_> = ready(&mut settle, 11_300).iter().map(outcome).collect();
        assert_eq!(outcomes, [Outcome::Void, Outcome::Void]);
    }

    #[test]
    fn flush_hands_out_everything() {
        let mut settle = Settle::new();
        settle.push(event(0, 100, RawOutcome::TimedOut));
        settle.push(event(0, 50, RawOutcome::TimedOut));
        let mut ends = Vec::new();
        settle.flush(|event| ends.push(event.ended));
        assert_eq!(ends, [Time::from_millis(50), Time::from_millis(100)]);
    }

    proptest! {
        /// The overlap never exceeds the event nor the stalls, whatever the beats were.
        #[test]
        fn overlap_is_bounded(gaps in prop::collection::vec((1u64..400, 0u64..3000), 0..40), from in 0u64..9000, length in 0u64..9000) {
            let mut settle = Settle::new();
            let (mut clock, mut stalled) = (0, Duration::ZERO);
            for (idle, late) in gaps {
                let expected = clock + idle;
                clock = expected + late;
                stalled += beat(&mut settle, expected, clock).map_or(Duration::ZERO, |stall| stall.to.since(stall.from));
            }
            let overlap = settle.stalled_between(Time::from_millis(from), Time::from_millis(from + length));
            prop_assert!(overlap <= Duration::from_millis(length));
            prop_assert!(overlap <= stalled);
        }
    }
}
