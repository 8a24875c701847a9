//! Inputs from the reader of a log: records, gaps, resets, and bytes that are not the prober's.

use crate::event::{Anomaly, RawOutcome, VoidReason};
use crate::ids::{Probe, Sequence};
use crate::time::Time;

use super::entry::{Entry, Integrity, Stage};
use super::{GARBAGE_REMEMBERED, Output, REREAD_AFTER, RereadResult, Track};

impl Track {
    /// A record of this run and target was read.
    pub fn read(&mut self, sequence: Sequence, at: Time, offset: i64, out: &mut Vec<Output>) {
        if self.next_sequence() <= sequence {
            out.push(Output::Anomaly(Anomaly::Foreign, 1));
            return;
        }
        let (consume_limits, end_to_end_limits) = (self.settings.consume, self.settings.end_to_end);
        let highest = self.highest_read;
        let Some(entry) = self.entry_mut(sequence.0) else {
            out.push(Output::Anomaly(Anomaly::Late, 1));
            return;
        };
        match entry.read {
            Some((_, first)) if first == offset => return,
            Some(_) => {
                out.push(Output::Anomaly(Anomaly::Duplicate, 1));
                return;
            }
            None => entry.read = Some((at, offset)),
        }
        entry.integrity = Integrity::Found;
        let (began, acked, produce, end_to_end) = (entry.began(), entry.acked, entry.produce, entry.end_to_end);
        if highest.is_some_and(|highest| sequence.0 < highest) {
            out.push(Output::Anomaly(Anomaly::Reordered, 1));
        }
        self.highest_read = Some(highest.map_or(sequence.0, |highest| highest.max(sequence.0)));
        if end_to_end != Stage::Open || began + end_to_end_limits.deadline < at {
            out.push(Output::Anomaly(Anomaly::Late, 1));
        }
        if produce == Stage::Ended && acked.is_none() {
            out.push(Output::Anomaly(Anomaly::UnackedButSeen, 1));
        }
        self.end_read(sequence.0, Probe::EndToEnd, began, at, end_to_end_limits, out);
        if let Some(acked) = acked {
            self.end_read(sequence.0, Probe::Consume, acked, at, consume_limits, out);
        }
        self.advance_live();
    }

    /// The offsets `first..=last` contain bytes that are no record of the prober.
    ///
    /// All of them count as foreign; one that an ack names, before or later, is corrupt.
    pub fn garbage(&mut self, at: Time, first: i64, last: i64, out: &mut Vec<Output>) {
        let count = u64::try_from(last.saturating_sub(first).saturating_add(1)).unwrap_or(0);
        if count == 0 {
            return;
        }
        out.push(Output::Anomaly(Anomaly::Foreign, count));
        while let Some(sequence) = self.doubted_within(first, last, Time::NEVER) {
            self.corrupt(sequence, at, out);
        }
        if self.garbage.len() == GARBAGE_REMEMBERED {
            self.garbage.pop_front();
        }
        self.garbage.push_back((first, last));
    }

    /// The reader delivered everything below `next_offset`.
    pub fn passed(&mut self, at: Time, next_offset: i64) {
        self.passed = self.passed.max(next_offset);
        for sequence in self.live() {
            self.plan_reread(sequence, at);
        }
    }

    /// `offset` was read again, with a request sent at `asked` and answered at `at`. A record that was acked there before the
    /// request and is not found there is lost.
    ///
    /// After an unclean election two records are acked at the same offset, one before it and one after. An answer from between
    /// the two says nothing about the second: that record stays in doubt and is read again.
    pub fn reread(&mut self, asked: Time, at: Time, offset: i64, found: RereadResult, out: &mut Vec<Output>) {
        match found {
            RereadResult::Record(sequence) => self.found(sequence, at, offset, out),
            RereadResult::Garbage => self.garbage(at, offset, offset, out),
            RereadResult::Nothing => {}
        }
        while let Some(sequence) = self.doubted_within(offset, offset, asked) {
            if let Some(entry) = self.entry_mut(sequence) {
                entry.integrity = Integrity::Closed;
            }
            out.push(Output::Anomaly(Anomaly::Lost, 1));
            self.end_both_reads(sequence, at, RawOutcome::Lost, out);
        }
        self.advance_live();
    }

    /// The reread found the record where it was acked: read for the first time, or still there.
    fn found(&mut self, sequence: Sequence, at: Time, offset: i64, out: &mut Vec<Output>) {
        let Some(entry) = self.entry_mut(sequence.0).filter(|entry| entry.offset == Some(offset)) else { return };
        if entry.read.is_some() {
            entry.integrity = Integrity::Found;
        } else {
            self.read(sequence, at, offset, out);
        }
    }

    /// The leader epoch under which records were acked until now ended at `end` (OffsetForLeaderEpoch, KIP-101). What
    /// was acked at or above it belongs to the next epoch, or was truncated by an unclean election (K6): each is read
    /// once more, whether it has been read before or not.
    pub fn epoch_ended(&mut self, at: Time, end: i64) {
        let again = at + REREAD_AFTER;
        for sequence in self.base..self.next_sequence().0 {
            let Some(entry) = self.entry_mut(sequence) else { continue };
            let acked_by_then = entry.acked.is_some_and(|acked| acked <= at);
            let in_doubt = entry.offset.is_some_and(|offset| end <= offset) && acked_by_then;
            if in_doubt && matches!(entry.integrity, Integrity::Unread | Integrity::Found) {
                entry.integrity = Integrity::RereadAt(again);
                self.first_live = self.first_live.min(sequence);
                self.wake_by(again);
            }
        }
    }

    /// The position of the reader was reset to `offset`, forwards or backwards: records that it cannot read any more are void.
    ///
    /// Skipped records are given up. After going back the reader passes the same offsets again, and a new leader may have truncated
    /// them: whether those records are lost stays undecided.
    pub fn reset(&mut self, at: Time, offset: i64, reason: VoidReason, out: &mut Vec<Output>) {
        let went_back = offset < self.passed;
        for sequence in self.live() {
            // Records that were read before and are being read again do not depend on the reader.
            let unread = |entry: &&Entry| entry.read.is_none() && entry.integrity.is_open();
            let Some(acked) = self.entry(sequence).filter(unread).and_then(|entry| entry.offset) else { continue };
            if acked < offset {
                self.give_up_reading(sequence, at, reason, out);
            } else if went_back {
                self.end_both_reads(sequence, at, RawOutcome::Void(reason), out);
            }
        }
        self.floor = offset;
        self.floor_reason = reason;
        self.passed = offset;
        self.advance_live();
    }

    /// The topic was deleted and created again: old offsets mean nothing, and attempts in flight are void.
    pub fn recreated(&mut self, at: Time, out: &mut Vec<Output>) {
        self.abandon(at, VoidReason::TopicRecreated, out);
        self.garbage.clear();
        self.floor = i64::MAX;
        self.floor_reason = VoidReason::TopicRecreated;
        self.passed = i64::MIN;
    }

    /// Handles an ack for an offset that the reader has already passed.
    pub(super) fn check_against_reader(&mut self, sequence: u64, at: Time, offset: i64, out: &mut Vec<Output>) {
        let unread = self.entry(sequence).is_some_and(|entry| entry.integrity == Integrity::Unread);
        if !unread {
            return;
        }
        let position_known = self.floor != i64::MAX;
        let is_garbage = self.garbage.iter().any(|(first, last)| (*first..=*last).contains(&offset));
        if is_garbage {
            self.corrupt(sequence, at, out);
        } else if position_known && offset < self.floor {
            self.give_up_reading(sequence, at, self.floor_reason, out);
        } else {
            self.plan_reread(sequence, at);
        }
    }

    pub(super) fn plan_reread(&mut self, sequence: u64, at: Time) {
        let passed = self.passed;
        let Some(entry) = self.entry_mut(sequence) else { return };
        let overlooked = entry.integrity == Integrity::Unread && entry.offset.is_some_and(|offset| offset < passed);
        if overlooked {
            entry.integrity = Integrity::RereadAt(at + REREAD_AFTER);
            self.wake_by(at + REREAD_AFTER);
        }
    }

    pub(super) fn corrupt(&mut self, sequence: u64, at: Time, out: &mut Vec<Output>) {
        if let Some(entry) = self.entry_mut(sequence) {
            entry.integrity = Integrity::Closed;
        }
        out.push(Output::Anomaly(Anomaly::Corrupt, 1));
        self.end_both_reads(sequence, at, RawOutcome::Corrupt, out);
        self.advance_live();
    }

    pub(super) fn give_up_reading(&mut self, sequence: u64, at: Time, reason: VoidReason, out: &mut Vec<Output>) {
        if let Some(entry) = self.entry_mut(sequence) {
            entry.integrity = Integrity::Closed;
        }
        self.end_both_reads(sequence, at, RawOutcome::Void(reason), out);
    }

    /// A record that was acked at one of these offsets, at `acked_by` at the latest, and is undecided.
    fn doubted_within(&self, first: i64, last: i64, acked_by: Time) -> Option<u64> {
        self.live().find(|sequence| {
            self.entry(*sequence).is_some_and(|entry| {
                let acked_there = entry.offset.is_some_and(|offset| (first..=last).contains(&offset));
                entry.integrity.is_open() && acked_there && entry.acked.is_some_and(|acked| acked <= acked_by)
            })
        })
    }
}
