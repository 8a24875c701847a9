//! One target at work: its schedule, its track, and whether it may send yet.

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

/// A target that is being probed, or waits to be.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) target: Target,
    pub(super) track: Track,
    ordinal: u64,
    gate: Gate,
    /// Known before anything is sent: there is nowhere to send it.
    fault: Option<Fault>,
    resolved: bool,
}

#[derive(Debug)]
enum Gate {
    /// Not due before this, unless the lane says earlier that there is nothing to wait for.
    Until(Time),
    /// Due on this grid.
    Open(Schedule),
    /// Never due again.
    Closed,
}

impl Live {
    /// A target whose attempts fail for a reason known beforehand, due from `from` on.
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

    /// Changes the reason that is known beforehand.
    pub(super) fn fails_with(&mut self, fault: Fault) {
        self.fault = Some(fault);
    }

    /// There is nothing to wait for any more.
    pub(super) fn open_from(&mut self, at: Time) {
        if matches!(self.gate, Gate::Until(_)) {
            self.reopen(at);
        }
    }

    /// Nothing is due any more.
    pub(super) fn close(&mut self) {
        self.gate = Gate::Closed;
    }

    /// Due again, from `at` on.
    pub(super) fn reopen(&mut self, at: Time) {
        self.gate = Gate::Open(Schedule::new(self.track.settings().interval, self.ordinal, at));
    }

    /// Whether nothing is due any more.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.gate, Gate::Closed)
    }

    /// When there is something to do.
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

    /// Lets something happen to the track, enters what it says, and carries out the rereads that it asks for.
    pub(super) fn say(
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

    /// Sends the attempt that is due at `now`, if one is, and counts the missed ones.
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
        self.say(counting, lane, |_, said| said.append(&mut out));
    }

    /// Ends what is in flight, because the target is not probed any more.
    pub(super) fn retire(&mut self, at: Time, counting: &mut Counting) {
        let mut out = Vec::new();
        self.track.abandon(at, VoidReason::TargetRemoved, &mut out);
        for output in out {
            self.resolved |= matches!(output, Output::Event(_));
            counting.on_output(&self.target, output);
        }
    }
}
