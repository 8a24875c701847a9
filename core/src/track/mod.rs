//! The one state machine of `produce`, `consume` and `end_to_end`: one record, three attempts.
//!
//! ```text
//!  due ──sent──┬── produce ────── acked │ failed │ deadline
//!              │                    └── consume ── read │ lost │ corrupt │ deadline      (starts at the ack)
//!              └── end_to_end ───────────────────── read │ lost │ corrupt │ deadline
//! ```
//!
//! **Invariant: exactly once.** Each attempt that was announced by [`Output::Due`] is ended by exactly one
//! [`Output::Event`], at its deadline at the latest. What arrives later changes no event: it is an anomaly, counted apart.
//!
//! A track never waits and never asks for the time; its owner calls [`Track::expire`] when [`Track::next_wake`] is due.

mod ending;
mod entry;
#[cfg(test)]
mod properties;
mod reading;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use crate::event::{Anomaly, Event, Limits, RawOutcome, VoidReason};
use crate::fault::Fault;
use crate::ids::{Broker, Probe, Sequence, Series, Target};
use crate::time::{Time, nanos};

use entry::{Entry, Integrity, Stage};

/// Time after which an offset that the reader passed without the record is read again, before the record counts as lost.
const REREAD_AFTER: Duration = Duration::from_secs(1);

/// Time after which an unanswered reread is requested again.
const REREAD_AGAIN: Duration = Duration::from_secs(5);

/// Time for which a refusal reported by the leader also explains records that were sent afterwards; the leader is asked again
/// within it.
const REFUSAL_HOLDS: Duration = Duration::from_secs(1);

/// Finished records kept at least, so that late records and duplicates are recognised: 200 s at the default rate.
const REMEMBERED_MIN: usize = 1024;

/// Ranges of unreadable bytes kept, since a later ack may name one of their offsets.
const GARBAGE_REMEMBERED: usize = 64;

/// Settings of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Time between two records.
    pub interval: Duration,
    /// Limits of the produce attempt, from `sent`.
    pub produce: Limits,
    /// Limits of the consume attempt, from the ack.
    pub consume: Limits,
    /// Limits of the end-to-end attempt, from `sent`.
    pub end_to_end: Limits,
}

impl Settings {
    /// Records in flight at most: ceil(deadline / interval) + 2, so that the bound never hides an outage as `missed`.
    pub fn in_flight_max(&self) -> usize {
        let deadline = self.produce.deadline.max(self.end_to_end.deadline);
        let attempts = nanos(deadline).div_ceil(nanos(self.interval).max(1));
        usize::try_from(attempts).unwrap_or(usize::MAX).saturating_add(2)
    }
}

/// Outputs of a track to its owner, in the order of their causes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// An attempt came due.
    Due(Probe),
    /// Its bytes went to the client.
    Sent(Probe),
    /// This many attempts came due and were never sent.
    Missed(Probe, u64),
    /// An attempt ended.
    Event(Event),
    /// An anomaly, and the number of records.
    Anomaly(Anomaly, u64),
    /// An ack came after its attempt was over.
    LateAck,
    /// It is in doubt whether the record is at this offset: read the offset again, then call [`Track::reread`].
    Reread(i64),
}

/// Content of an offset that was read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RereadResult {
    /// This record of this run.
    Record(Sequence),
    /// Bytes that are not in the record format of the prober.
    Garbage,
    /// No record of this run, though the log reaches past it; or the log ends below it.
    Nothing,
}

/// Whether a failed produce may have left its record in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The bytes never left, or the broker refused them.
    No,
    /// Unknown.
    Maybe,
}

/// All records of one target.
#[derive(Debug)]
pub struct Track {
    settings: Settings,
    broker: Broker,
    produce: Series,
    consume: Series,
    end_to_end: Series,
    /// By sequence, the first one's being `base`; finished ones stay for a while.
    entries: VecDeque<Entry>,
    base: u64,
    /// Sequence of the first unfinished entry.
    first_live: u64,
    /// Attempts that have not ended, by produce, consume, end_to_end.
    open: [usize; 3],
    highest_read: Option<u64>,
    /// The reader cannot read records below this offset, because of `floor_reason`.
    floor: i64,
    floor_reason: VoidReason,
    /// The reader's next offset: everything below it was delivered.
    passed: i64,
    garbage: VecDeque<(i64, i64)>,
    /// The fault with which the leader refuses every record, and when it last reported that.
    refusal: Option<(Fault, Time)>,
    next_wake: Time,
}

impl Track {
    /// A track without a read position: until [`Track::reset`] gives one, reads are `void(no_position)`.
    ///
    /// `first` is the first sequence to use: a partition's sequences go on when its track is replaced, so that no
    /// record of this run is ever taken for another.
    pub fn new(target: &Target, settings: Settings, first: Sequence) -> Track {
        Track {
            settings,
            broker: target.broker,
            produce: target.series(Probe::Produce),
            consume: target.series(Probe::Consume),
            end_to_end: target.series(Probe::EndToEnd),
            entries: VecDeque::new(),
            base: first.0,
            first_live: first.0,
            open: [0; 3],
            highest_read: None,
            floor: i64::MAX,
            floor_reason: VoidReason::NoPosition,
            passed: i64::MIN,
            garbage: VecDeque::new(),
            refusal: None,
            next_wake: Time::NEVER,
        }
    }

    /// A record came due. `None`: the maximum is in flight, so this record is missed.
    pub fn due(&mut self, due: Time, out: &mut Vec<Output>) -> Option<Sequence> {
        if self.settings.in_flight_max() <= self.open[0] {
            self.missed(1, out);
            return None;
        }
        self.forget_oldest(due, out);
        let sequence = self.next_sequence();
        self.entries.push_back(Entry::new(due));
        self.open[0] += 1;
        self.open[2] += 1;
        out.push(Output::Due(Probe::Produce));
        out.push(Output::Due(Probe::EndToEnd));
        self.wake_by(due + self.settings.produce.deadline.min(self.settings.end_to_end.deadline));
        Some(sequence)
    }

    /// `count` records came due while the prober itself was not running.
    pub fn missed(&mut self, count: u64, out: &mut Vec<Output>) {
        if 0 < count {
            out.push(Output::Missed(Probe::Produce, count));
            out.push(Output::Missed(Probe::EndToEnd, count));
        }
    }

    /// The record's bytes went to the client.
    pub fn sent(&mut self, sequence: Sequence, at: Time, out: &mut Vec<Output>) {
        let Some(entry) = self.entry_mut(sequence.0) else { return };
        if entry.sent.is_none() {
            entry.sent = Some(at);
            out.push(Output::Sent(Probe::Produce));
            out.push(Output::Sent(Probe::EndToEnd));
        }
    }

    /// The produce attempt failed.
    pub fn failed(&mut self, sequence: Sequence, at: Time, fault: Fault, written: Written, out: &mut Vec<Output>) {
        let deadline = self.settings.produce.deadline;
        let Some(entry) = self.entry_mut(sequence.0) else { return };
        if entry.produce != Stage::Open {
            return;
        }
        if entry.began() + deadline < at {
            self.end_produce(sequence.0, None, out);
            return;
        }
        entry.failed = Some(fault);
        self.end_produce(sequence.0, Some((at, RawOutcome::Failed(fault))), out);
        if written == Written::No {
            self.end_end_to_end(sequence.0, at, RawOutcome::Failed(fault), out);
        }
        self.advance_live();
    }

    /// The leader reports that it refuses every record with `fault`, or (`None`) that it accepts records again. This ends no
    /// attempt, because a retry may still be acked; it explains those that are not.
    pub fn refuses(&mut self, at: Time, fault: Option<Fault>) {
        self.refusal = fault.map(|fault| (fault, at));
    }

    /// The record was acked at `offset`.
    pub fn acked(&mut self, sequence: Sequence, at: Time, offset: i64, out: &mut Vec<Output>) {
        let deadline = self.settings.produce.deadline;
        let Some(entry) = self.entry_mut(sequence.0) else {
            out.push(Output::LateAck);
            return;
        };
        if entry.offset.is_some() {
            return;
        }
        entry.offset = Some(offset);
        entry.acked = Some(at);
        if entry.read.is_none() {
            entry.integrity = Integrity::Unread;
        }
        let in_time = at <= entry.began() + deadline;
        if entry.produce == Stage::Open && in_time {
            let latency = at.since(entry.began());
            self.end_produce(sequence.0, Some((at, RawOutcome::Success(latency))), out);
            self.begin_consume(sequence.0, at, out);
        } else {
            if entry.produce == Stage::Open {
                self.end_produce(sequence.0, None, out);
            }
            out.push(Output::LateAck);
            self.first_live = self.first_live.min(sequence.0);
        }
        self.check_against_reader(sequence.0, at, offset, out);
        self.advance_live();
    }

    /// Ends all attempts in flight as void.
    pub fn abandon(&mut self, at: Time, reason: VoidReason, out: &mut Vec<Output>) {
        for sequence in self.live() {
            self.end_produce(sequence, Some((at, RawOutcome::Void(reason))), out);
            self.give_up_reading(sequence, at, reason, out);
        }
        self.advance_live();
    }

    /// Ends the attempts that have reached their deadline.
    pub fn expire(&mut self, now: Time, out: &mut Vec<Output>) {
        if now < self.next_wake {
            return;
        }
        self.next_wake = Time::NEVER;
        for sequence in self.live() {
            self.expire_one(sequence, now, out);
        }
        self.advance_live();
    }

    /// When [`Track::expire`] must be called next; may be early, is never late.
    pub fn next_wake(&self) -> Time {
        self.next_wake
    }

    /// Attempts of `probe` that have not ended.
    pub fn in_flight(&self, probe: Probe) -> usize {
        slot(probe).map_or(0, |slot| self.open[slot])
    }

    /// The sequence that the next record gets.
    pub fn next_sequence(&self) -> Sequence {
        Sequence(self.base + self.entries.len() as u64)
    }

    /// When the oldest unacked record was sent. For states and findings, not for counts.
    pub fn oldest_unacked(&self) -> Option<Time> {
        self.live()
            .filter_map(|sequence| self.entry(sequence))
            .find(|entry| entry.produce == Stage::Open)
            .map(Entry::began)
    }

    /// The settings it runs under.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Makes room for one more record. By its size the memory never reaches an attempt in flight; if it did, the
    /// attempt would end as void rather than vanish.
    fn forget_oldest(&mut self, now: Time, out: &mut Vec<Output>) {
        let remembered = REMEMBERED_MIN.max(self.settings.in_flight_max().saturating_mul(4));
        if self.entries.len() < remembered {
            return;
        }
        self.end_produce(self.base, Some((now, RawOutcome::Void(VoidReason::ProberFault))), out);
        self.give_up_reading(self.base, now, VoidReason::ProberFault, out);
        self.entries.pop_front();
        self.base += 1;
        self.first_live = self.first_live.max(self.base);
    }

    fn wake_by(&mut self, at: Time) {
        self.next_wake = self.next_wake.min(at);
    }

    fn wake_for(&mut self, sequence: u64) {
        if let Some(at) = self.entry(sequence).and_then(|entry| entry.next_wake(&self.settings)) {
            self.wake_by(at);
        }
    }

    fn advance_live(&mut self) {
        while self.entry(self.first_live).is_some_and(Entry::is_finished) {
            self.first_live += 1;
        }
        if self.live().is_empty() {
            self.next_wake = Time::NEVER;
        }
    }

    fn live(&self) -> std::ops::Range<u64> {
        self.first_live..self.next_sequence().0
    }

    fn entry(&self, sequence: u64) -> Option<&Entry> {
        let index = usize::try_from(sequence.checked_sub(self.base)?).ok()?;
        self.entries.get(index)
    }

    fn entry_mut(&mut self, sequence: u64) -> Option<&mut Entry> {
        let index = usize::try_from(sequence.checked_sub(self.base)?).ok()?;
        self.entries.get_mut(index)
    }
}

fn slot(probe: Probe) -> Option<usize> {
    Probe::OF_A_RECORD.iter().position(|of| *of == probe)
}
