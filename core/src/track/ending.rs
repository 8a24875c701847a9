//! How the attempts of a record begin and end. Each ends once; a second end is ignored.

use std::time::Duration;

use crate::event::{Anomaly, Event, Limits, RawOutcome};
use crate::ids::{Probe, Series};
use crate::time::Time;

use super::entry::{Entry, Integrity, Stage};
use super::{Output, REFUSAL_HOLDS, REREAD_AGAIN, Track};

impl Track {
    pub(super) fn expire_one(&mut self, sequence: u64, now: Time, out: &mut Vec<Output>) {
        let (produce, consume, end_to_end) =
            (self.settings.produce.deadline, self.settings.consume.deadline, self.settings.end_to_end.deadline);
        let Some(entry) = self.entry(sequence).copied() else { return };
        let began = entry.began();
        if entry.produce == Stage::Open && began + produce <= now {
            self.end_produce(sequence, None, out);
        }
        if let (Stage::Open, Some(acked)) = (entry.consume, entry.acked)
            && acked + consume <= now
        {
            let raw_outcome = self.unread_outcome(&entry);
            self.end_consume(sequence, acked + consume, raw_outcome, out);
        }
        if entry.end_to_end == Stage::Open && began + end_to_end <= now {
            let raw_outcome = entry.failed.map_or_else(|| self.unread_outcome(&entry), RawOutcome::Failed);
            self.end_end_to_end(sequence, began + end_to_end, raw_outcome, out);
        }
        if let Integrity::RereadAt(at) = entry.integrity
            && at <= now
            && let Some(offset) = entry.offset
        {
            if let Some(entry) = self.entry_mut(sequence) {
                entry.integrity = Integrity::RereadAt(now + REREAD_AGAIN);
            }
            out.push(Output::Reread(offset));
        }
        self.wake_for(sequence);
    }

    /// Outcome of an unread record at its deadline: void if the reader could not have read it.
    pub(super) fn unread_outcome(&self, entry: &Entry) -> RawOutcome {
        match entry.offset {
            Some(offset) if offset < self.floor => RawOutcome::Void(self.floor_reason),
            Some(_) => RawOutcome::TimedOut,
            None => self.unacked_outcome(entry.began()),
        }
    }

    /// Outcome of an unacked record at its deadline: refused, if the leader reported a refusal while the record waited or at most
    /// [`REFUSAL_HOLDS`] before.
    fn unacked_outcome(&self, began: Time) -> RawOutcome {
        match self.refusal {
            Some((fault, seen)) if began <= seen + REFUSAL_HOLDS => RawOutcome::RefusedUntilDeadline(fault),
            _ => RawOutcome::TimedOut,
        }
    }

    pub(super) fn begin_consume(&mut self, sequence: u64, at: Time, out: &mut Vec<Output>) {
        let limits = self.settings.consume;
        let Some(entry) = self.entry_mut(sequence) else { return };
        entry.consume = Stage::Open;
        let read = entry.read;
        self.open[1] += 1;
        out.push(Output::Due(Probe::Consume));
        out.push(Output::Sent(Probe::Consume));
        if let Some((read_at, _)) = read {
            self.end_read(sequence, Probe::Consume, at, read_at.max(at), limits, out);
        } else {
            self.wake_by(at + limits.deadline);
        }
    }

    pub(super) fn end_both_reads(&mut self, sequence: u64, at: Time, raw_outcome: RawOutcome, out: &mut Vec<Output>) {
        self.end_consume(sequence, at, raw_outcome, out);
        self.end_end_to_end(sequence, at, raw_outcome, out);
    }

    /// A read ends an attempt with its latency, or at the deadline if it came after it.
    pub(super) fn end_read(
        &mut self,
        sequence: u64,
        probe: Probe,
        from: Time,
        at: Time,
        limits: Limits,
        out: &mut Vec<Output>,
    ) {
        let deadline = from + limits.deadline;
        let (at, raw_outcome) =
            if at <= deadline { (at, RawOutcome::Success(at.since(from))) } else { (deadline, RawOutcome::TimedOut) };
        if probe == Probe::Consume {
            // Read before the ack was processed: the attempt began and ended at the ack.
            self.end_consume(sequence, at.max(from), raw_outcome, out);
        } else {
            self.end_end_to_end(sequence, at, raw_outcome, out);
        }
    }

    /// Ends the produce attempt; `None` is its deadline.
    pub(super) fn end_produce(&mut self, sequence: u64, end: Option<(Time, RawOutcome)>, out: &mut Vec<Output>) {
        let limits = self.settings.produce;
        let Some(entry) = self.entry_mut(sequence) else { return };
        if entry.produce != Stage::Open {
            return;
        }
        entry.produce = Stage::Ended;
        let began = entry.began();
        let (at, raw_outcome) = end.unwrap_or_else(|| (began + limits.deadline, self.unacked_outcome(began)));
        let Some(entry) = self.entry(sequence) else { return };
        let judged = !matches!(raw_outcome, RawOutcome::Void(_));
        let unacked_but_seen = judged && entry.read.is_some() && entry.acked.is_none();
        let event = self.event(&self.produce, limits, (entry.due, entry.sent), (at, raw_outcome));
        self.open[0] -= 1;
        out.push(event);
        if unacked_but_seen {
            out.push(Output::Anomaly(Anomaly::UnackedButSeen, 1));
        }
    }

    pub(super) fn end_consume(&mut self, sequence: u64, at: Time, raw_outcome: RawOutcome, out: &mut Vec<Output>) {
        let limits = self.settings.consume;
        let Some(entry) = self.entry_mut(sequence) else { return };
        let (Stage::Open, Some(acked)) = (entry.consume, entry.acked) else { return };
        entry.consume = Stage::Ended;
        self.open[1] -= 1;
        out.push(self.event(&self.consume, limits, (acked, Some(acked)), (at, raw_outcome)));
    }

    pub(super) fn end_end_to_end(&mut self, sequence: u64, at: Time, raw_outcome: RawOutcome, out: &mut Vec<Output>) {
        let limits = self.settings.end_to_end;
        let Some(entry) = self.entry_mut(sequence) else { return };
        if entry.end_to_end != Stage::Open {
            return;
        }
        entry.end_to_end = Stage::Ended;
        let began = (entry.due, entry.sent);
        self.open[2] -= 1;
        out.push(self.event(&self.end_to_end, limits, began, (at, raw_outcome)));
    }

    /// The event of an attempt of `series`, from when it was due and sent, and when and how it ended.
    fn event(
        &self,
        series: &Series,
        limits: Limits,
        (due, sent): (Time, Option<Time>),
        (ended, raw_outcome): (Time, RawOutcome),
    ) -> Output {
        let (series, broker, stalled) = (series.clone(), self.broker, Duration::ZERO);
        Output::Event(Event {
            series,
            broker,
            internal_partition: None,
            limits,
            due,
            sent,
            ended,
            raw_outcome,
            stalled,
        })
    }
}
