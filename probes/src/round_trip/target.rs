//! One target of a lane: its schedule, the track of its attempts, and whether it may send yet.

use prober_core::counting::Counting;
use prober_core::event::VoidReason;
use prober_core::fault::Fault;
use prober_core::ids::{Sequence, Target};
use prober_core::time::Time;
use prober_core::track::{Output, Settings, Track, Written};

use crate::clock::Clock;
use crate::port::{self, RecordToSend};
use crate::record::{self, Identity};
use crate::schedule::Schedule;

/// A target that is probed, or waits for its read position.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) target: Target,
    pub(super) track: Track,
    ordinal: u64,
    gate: Gate,
    /// The fault of every attempt while the topic has no usable partition.
    fault: Option<Fault>,
    resolved: bool,
}

#[derive(Debug)]
enum Gate {
    /// Not due before this time, unless the lane reports a read position earlier.
    Until(Time),
    /// Due by this schedule.
    Open(Schedule),
    /// Not due.
    Closed,
}

impl Live {
    /// A target without a usable partition: its attempts fail with `fault`, and come due from `from` on.
    pub(super) fn failing(target: Target, settings: Settings, ordinal: u64, fault: Fault, from: Time) -> Live {
        let track = Track::new(&target, settings, Sequence(0));
        let gate = Gate::Open(Schedule::new(settings.interval, ordinal, from));
        Live { target, track, ordinal, gate, fault: Some(fault), resolved: false }
    }

    /// A target that waits for its read position, until `latest`.
    pub(super) fn waiting(target: Target, settings: Settings, ordinal: u64, first: Sequence, latest: Time) -> Live {
        let track = Track::new(&target, settings, first);
        Live { target, track, ordinal, gate: Gate::Until(latest), fault: None, resolved: false }
    }

    /// Changes the cause with which attempts fail.
    pub(super) fn set_fault(&mut self, fault: Fault) {
        self.fault = Some(fault);
    }

    /// Ends the wait for a read position.
    pub(super) fn open_from(&mut self, at: Time) {
        if matches!(self.gate, Gate::Until(_)) {
            self.reopen(at);
        }
    }

    /// Stops the schedule.
    pub(super) fn close(&mut self) {
        self.gate = Gate::Closed;
    }

    /// Starts the schedule again, from `at` on.
    pub(super) fn reopen(&mut self, at: Time) {
        self.gate = Gate::Open(Schedule::new(self.track.settings().interval, self.ordinal, at));
    }

    /// Whether the schedule is stopped.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.gate, Gate::Closed)
    }

    /// When there is something to do next.
    pub(super) fn next_wake(&self) -> Time {
        let due = match &self.gate {
            Gate::Until(latest) => *latest,
            Gate::Open(schedule) => schedule.next_due(),
            Gate::Closed => Time::NEVER,
        };
        due.min(self.track.next_wake())
    }

    /// Whether an attempt was ever resolved.
    pub(super) fn has_resolved(&self) -> bool {
        self.resolved
    }

    /// Applies `event` to the track, counts its outputs, and starts the rereads that it requests.
    pub(super) fn update(
        &mut self,
        counting: &mut Counting,
        lane: &mut dyn port::Lane,
        event: impl FnOnce(&mut Track, &mut Vec<Output>),
    ) {
        let mut out = Vec::new();
        event(&mut self.track, &mut out);
        for output in out {
            if let (Output::Reread(offset), Some(partition)) = (&output, self.target.partition) {
                lane.reread(partition, *offset);
            }
            self.resolved |= matches!(output, Output::Event(_));
            counting.on_output(&self.target, output);
        }
    }

    /// Sends the attempt that is due at `now`, if any, and counts missed ones.
    pub(super) fn send_due(
        &mut self,
        now: Time,
        clock: Clock,
        identity: Identity,
        size: usize,
        counting: &mut Counting,
        lane: &mut dyn port::Lane,
    ) {
        if let Gate::Until(latest) = self.gate
            && latest <= now
        {
            self.open_from(now);
        }
        let Gate::Open(schedule) = &mut self.gate else { return };
        let Some(tick) = schedule.take(now) else { return };
        let (fault, partition, which) = (self.fault, self.target.partition, self.target.lane);
        let mut out = Vec::new();
        self.track.missed(tick.missed, &mut out);
        if let Some(sequence) = self.track.due(tick.due, &mut out) {
            let sent = match (fault, partition) {
                (None, Some(partition)) => {
                    let due = clock.wall_at(tick.due);
                    let value = record::encode(identity, which, partition, sequence, due, size);
                    lane.submit(RecordToSend { partition, sequence, due, value })
                }
                (fault, _) => Err(port::SendError { at: clock.now(), fault: fault.unwrap_or(Fault::NoPartition) }),
            };
            match sent {
                Ok(at) => self.track.sent(sequence, at, &mut out),
                Err(refusal) => self.track.failed(sequence, refusal.at, refusal.fault, Written::No, &mut out),
            }
        }
        self.update(counting, lane, |_, outputs| outputs.append(&mut out));
    }

    /// Voids the attempts in flight: the target is removed.
    pub(super) fn retire(&mut self, at: Time, counting: &mut Counting) {
        let mut out = Vec::new();
        self.track.abandon(at, VoidReason::TargetRemoved, &mut out);
        for output in out {
            self.resolved |= matches!(output, Output::Event(_));
            counting.on_output(&self.target, output);
        }
    }
}
