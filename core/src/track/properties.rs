//! The accounting invariant under arbitrary interleavings: for every probe
//! `due = good + slow + error + timeout + lost + corrupt + planned + void + missed + in flight`,
//! counted by the ledger from the outputs of the track, against the attempts that the track holds open.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::buckets::Edges;
use crate::event::Outcome;
use crate::ids::{Broker, BrokerId, ClusterName, Lane, Partition};
use crate::ledger::Ledger;
use crate::settle::Settle;

/// One input. Sequences and offsets are small, so that they collide.
#[derive(Clone, Debug)]
enum Step {
    Send,
    DueButRefused,
    Missed(u64),
    Ack {
        record: u64,
        offset: i64,
    },
    Fail {
        record: u64,
        maybe: bool,
    },
    Read {
        record: u64,
        offset: i64,
    },
    Garbage {
        offset: i64,
    },
    Passed {
        offset: i64,
    },
    Absent {
        offset: i64,
    },
    Reread {
        record: u64,
        offset: i64,
    },
    EpochEnded {
        offset: i64,
    },
    Reset {
        offset: i64,
    },
    Recreated,
    /// Time passes, and the heartbeat is in time.
    Wait {
        millis: u64,
    },
    /// Time passes, and the heartbeat is late by all of it.
    Stall {
        millis: u64,
    },
    /// Every input in flight was dropped.
    Dropped,
    /// The process ends, and another begins on the same topic.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let record = 0u64..40;
    let offset = 0i64..30;
    prop_oneof![
        8 => Just(Step::Send),
        1 => Just(Step::DueButRefused),
        1 => (1u64..5).prop_map(Step::Missed),
        6 => (record.clone(), offset.clone()).prop_map(|(record, offset)| Step::Ack { record, offset }),
        2 => (record.clone(), any::<bool>()).prop_map(|(record, maybe)| Step::Fail { record, maybe }),
        6 => (record, offset.clone()).prop_map(|(record, offset)| Step::Read { record, offset }),
        1 => offset.clone().prop_map(|offset| Step::Garbage { offset }),
        2 => offset.clone().prop_map(|offset| Step::Passed { offset }),
        2 => offset.clone().prop_map(|offset| Step::Absent { offset }),
        2 => (0u64..40, offset.clone()).prop_map(|(record, offset)| Step::Reread { record, offset }),
        1 => offset.clone().prop_map(|offset| Step::EpochEnded { offset }),
        1 => offset.prop_map(|offset| Step::Reset { offset }),
        1 => Just(Step::Recreated),
        6 => (1u64..3000).prop_map(|millis| Step::Wait { millis }),
        1 => (1u64..12_000).prop_map(|millis| Step::Stall { millis }),
        1 => Just(Step::Dropped),
        1 => Just(Step::Restart),
    ]
}

struct World {
    now: Time,
    target: Target,
    track: Track,
    settle: Settle,
    ledger: Ledger,
    rereads: Vec<i64>,
}

impl World {
    fn new() -> World {
        let target = Target {
            cluster: ClusterName::new("c"),
            lane: Lane::Pinned,
            broker: Broker::Id(BrokerId(1)),
            partition: Some(Partition(0)),
        };
        let track = World::track(&target);
        let mut ledger = Ledger::new(Arc::from([]), Edges::with(&[]));
        ledger.discover(&target);
        World { now: Time::ORIGIN, target, track, settle: Settle::new(), ledger, rereads: Vec::new() }
    }

    fn track(target: &Target) -> Track {
        let limits = Limits { deadline: Duration::from_secs(5), threshold: Duration::from_secs(1) };
        let interval = Duration::from_millis(500);
        Track::new(target, Settings { interval, produce: limits, consume: limits, end_to_end: limits }, Sequence(0))
    }

    fn take(&mut self, step: &Step) {
        let (now, mut out) = (self.now, Vec::new());
        match *step {
            Step::Send => {
                if let Some(sequence) = self.track.due(now, &mut out) {
                    self.track.sent(sequence, now, &mut out);
                }
            }
            Step::DueButRefused => {
                if let Some(sequence) = self.track.due(now, &mut out) {
                    self.track.failed(sequence, now, Fault::QueueFull, Written::No, &mut out);
                }
            }
            Step::Missed(count) => self.track.missed(count, &mut out),
            Step::Ack { record, offset } => self.track.acked(Sequence(record), now, offset, &mut out),
            Step::Fail { record, maybe } => {
                let written = if maybe { Written::Maybe } else { Written::No };
                self.track.failed(Sequence(record), now, Fault::ConnectionReset, written, &mut out);
            }
            Step::Read { record, offset } => self.track.read(Sequence(record), now, offset, &mut out),
            Step::Garbage { offset } => self.track.garbage(now, offset, offset + 2, &mut out),
            Step::Passed { offset } => self.track.passed(now, offset),
            Step::Absent { offset } => self.track.reread(now, now, offset, RereadResult::Nothing, &mut out),
            Step::Reread { record, offset } => {
                self.track.reread(now, now, offset, RereadResult::Record(Sequence(record)), &mut out);
            }
            Step::EpochEnded { offset } => self.track.epoch_ended(now, offset),
            Step::Reset { offset } => self.track.reset(now, offset, VoidReason::ReaderReset, &mut out),
            Step::Recreated => self.track.recreated(now, &mut out),
            Step::Wait { millis } => {
                self.now = now + Duration::from_millis(millis);
                self.settle.beat(self.now, self.now);
            }
            Step::Stall { millis } => {
                self.now = now + Duration::from_millis(millis);
                self.settle.beat(now, self.now);
            }
            Step::Dropped => self.track.abandon(now, VoidReason::InputDropped, &mut out),
            Step::Restart => {
                self.track.abandon(now, VoidReason::Shutdown, &mut out);
                self.on_outputs(out);
                out = Vec::new();
                self.track = World::track(&self.target);
            }
        }
        self.track.expire(self.now, &mut out);
        self.on_outputs(out);
        let ledger = &mut self.ledger;
        self.settle.ready(self.now, |event| {
            ledger.record(&event);
        });
    }

    fn on_outputs(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Reread(offset) => self.rereads.push(offset),
                Output::Event(event) => self.settle.push(event),
                other => self.ledger.on_output(&self.target, &other),
            }
        }
    }

    fn settled_in(&self, probe: Probe) -> u64 {
        let counts = self.ledger.counts(&self.target.series(probe));
        counts.outcomes.iter().sum()
    }

    fn waiting(&self, probe: Probe) -> u64 {
        self.settle.waiting_in(&self.target.series(probe)) as u64
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn every_due_attempt_is_accounted_for_exactly_once(steps in prop::collection::vec(step(), 1..160)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
            for probe in Probe::OF_A_RECORD {
                let due = world.ledger.counts(&world.target.series(probe)).due;
                let in_flight = world.track.in_flight(probe) as u64 + world.waiting(probe);
                prop_assert_eq!(due, world.settled_in(probe) + in_flight, "{:?} after {:?}", probe, step);
            }
        }
        // The end: everything in flight becomes void, everything settles, nothing is left over.
        let mut out = Vec::new();
        world.track.abandon(world.now, VoidReason::Shutdown, &mut out);
        world.on_outputs(out);
        let ledger = &mut world.ledger;
        world.settle.flush(|event| {
            ledger.record(&event);
        });
        for probe in Probe::OF_A_RECORD {
            prop_assert_eq!(world.track.in_flight(probe), 0);
            prop_assert_eq!(world.ledger.counts(&world.target.series(probe)).due, world.settled_in(probe));
        }
    }

    #[test]
    fn attempts_end_at_their_deadlines_without_further_input(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
        }
        world.take(&Step::Wait { millis: 10_001 });
        for probe in Probe::OF_A_RECORD {
            prop_assert_eq!(world.track.in_flight(probe), 0, "{:?}", probe);
        }
    }

    #[test]
    fn no_record_is_lost_without_a_reread(steps in prop::collection::vec(step(), 1..160)) {
        let mut world = World::new();
        for step in &steps {
            // A port never returns the result of a reread that the track did not request.
            if let Step::Absent { offset } | Step::Reread { offset, .. } = step && !world.rereads.contains(offset) {
                continue;
            }
            world.take(step);
        }
        let lost = world.ledger.counts(&world.target.series(Probe::Consume)).outcomes[Outcome::Lost.index()];
        prop_assert!(lost <= world.rereads.len() as u64);
    }

    #[test]
    fn wake_is_never_late(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
            let open: usize = Probe::OF_A_RECORD.iter().map(|probe| world.track.in_flight(*probe)).sum();
            let latest = world.now + Duration::from_secs(5);
            prop_assert!(open == 0 || world.track.next_wake() <= latest);
        }
    }
}
