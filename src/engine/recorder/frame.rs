//! The bytes of one recorded input or evaluation. A plain event takes about twelve, so that minutes of a hundred brokers fit.
//!
//! | frame | bytes |
//! | --- | --- |
//! | time | `TIME`, nanoseconds since the frame before |
//! | event | `EVENT` and flags, index of its series, difference of its due time to the schedule, times in nanoseconds, outcome, partition of an internal topic |
//! | input | `INPUT`, length, JSON. An event in this form begins a series, or changes its limits |
//! | metadata, topic | `SAME_METADATA` and when they were requested, `SAME_TOPIC`: as the newest before |
//! | evaluation | `EVALUATION`; with changed findings `FINDINGS`, length, JSON |

use std::collections::BTreeMap;
use std::time::Duration;

use prober_core::coordinator::{InternalPartition, InternalTopic};
use prober_core::event::{Event, Limits, RawOutcome};
use prober_core::ids::{Broker, Partition, Probe, Subject, View};
use prober_core::time::{Time, nanos};

use super::varint;

pub(super) const TIME: u8 = 0;
pub(super) const INPUT: u8 = 1;
pub(super) const SAME_METADATA: u8 = 2;
pub(super) const SAME_TOPIC: u8 = 3;
pub(super) const EVALUATION: u8 = 4;
pub(super) const FINDINGS: u8 = 5;
/// The high bit; the others are flags.
pub(super) const EVENT: u8 = 0x80;

/// It was sent.
const SENT: u8 = 1;
/// It ended as the series' newest event that did not succeed.
const REPEATED: u8 = 2;
/// Its latency is not the time from when it was sent, or else was due.
const LATENCY: u8 = 4;
/// The prober was stalled meanwhile.
const STALLED: u8 = 8;
/// It is about a partition of an internal topic.
const INTERNAL: u8 = 16;

/// What events of one series have in common, and how far they have come.
#[derive(Clone, Debug)]
pub(super) struct SeriesState {
    pub(super) index: u64,
    broker: Broker,
    limits: Limits,
    due: Time,
    /// Difference of the two newest due times, mostly the interval.
    interval: i64,
    unsuccessful: Option<RawOutcome>,
}

/// The series of one segment. The cluster is the same for all.
#[derive(Debug, Default)]
pub(super) struct SeriesTable {
    series: BTreeMap<(View, Probe, Subject), SeriesState>,
}

impl SeriesTable {
    /// Appends an event as a frame; false if it is to be written as JSON, and then passed to [`SeriesTable::begin`].
    pub(super) fn put(&mut self, into: &mut Vec<u8>, event: &Event) -> bool {
        let series = &event.series;
        let Some(state) = self.series.get_mut(&(series.view, series.probe, series.subject)) else { return false };
        if state.broker != event.broker || state.limits != event.limits {
            return false;
        }
        let began = event.sent.unwrap_or(event.due);
        let (mut flags, mut latency) = (EVENT, None);
        match event.raw_outcome {
            RawOutcome::Success(took) if began.as_nanos().checked_add(nanos(took)) == Some(event.ended.as_nanos()) => {}
            RawOutcome::Success(took) => {
                flags |= LATENCY;
                latency = Some(took);
            }
            other if state.unsuccessful == Some(other) => flags |= REPEATED,
            _ => return false,
        }
        if event.sent.is_some() {
            flags |= SENT;
        }
        if !event.stalled.is_zero() {
            flags |= STALLED;
        }
        if event.internal_partition.is_some() {
            flags |= INTERNAL;
        }
        into.push(flags);
        varint::put(into, state.index);
        let interval = between(state.due, event.due);
        varint::put_signed(into, interval.wrapping_sub(state.interval));
        (state.due, state.interval) = (event.due, interval);
        if let Some(sent) = event.sent {
            varint::put_signed(into, between(event.due, sent));
        }
        varint::put_signed(into, between(began, event.ended));
        if let Some(latency) = latency {
            varint::put(into, nanos(latency));
        }
        if !event.stalled.is_zero() {
            varint::put(into, nanos(event.stalled));
        }
        if let Some(internal) = event.internal_partition {
            let place = InternalTopic::ALL.iter().position(|topic| *topic == internal.topic);
            varint::put(into, place.unwrap_or_default() as u64);
            varint::put_signed(into, internal.partition.0.into());
        }
        true
    }

    /// An event is written as JSON: the following ones of its series refer to it.
    pub(super) fn begin(&mut self, event: &Event) {
        let next = self.series.len() as u64;
        let series = &event.series;
        let known = self.series.get(&(series.view, series.probe, series.subject));
        let (index, interval) = known.map_or((next, 0), |state| (state.index, between(state.due, event.due)));
        let unsuccessful = match event.raw_outcome {
            RawOutcome::Success(_) => known.and_then(|state| state.unsuccessful),
            other => Some(other),
        };
        let (broker, limits, due) = (event.broker, event.limits, event.due);
        let state = SeriesState { index, broker, limits, due, interval, unsuccessful };
        self.series.insert((series.view, series.probe, series.subject), state);
    }
}

/// The series of a segment that is read, by index, each with its newest event.
#[derive(Debug, Default)]
pub(super) struct SeriesReader {
    table: SeriesTable,
    events: Vec<Event>,
}

impl SeriesReader {
    /// An event was read as JSON.
    pub(super) fn begin(&mut self, event: &Event) {
        self.table.begin(event);
        let series = &event.series;
        let Some(state) = self.table.series.get(&(series.view, series.probe, series.subject)) else { return };
        let index = usize::try_from(state.index).unwrap_or(usize::MAX);
        match self.events.get_mut(index) {
            Some(known) => known.clone_from(event),
            None => self.events.push(event.clone()),
        }
    }

    /// Takes the event after its flags; `None` if the bytes end.
    pub(super) fn take(&mut self, flags: u8, from: &mut &[u8]) -> Option<Event> {
        let known = self.events.get_mut(usize::try_from(varint::take(from)?).ok()?)?;
        let series = &known.series;
        let state = self.table.series.get_mut(&(series.view, series.probe, series.subject))?;
        let interval = state.interval.wrapping_add(varint::take_signed(from)?);
        let due = after(state.due, interval);
        let sent = if flags & SENT == 0 { None } else { Some(after(due, varint::take_signed(from)?)) };
        let began = sent.unwrap_or(due);
        let ended = after(began, varint::take_signed(from)?);
        let raw_outcome = match flags & (REPEATED | LATENCY) {
            0 => RawOutcome::Success(ended.since(began)),
            LATENCY => RawOutcome::Success(Duration::from_nanos(varint::take(from)?)),
            _ => state.unsuccessful?,
        };
        let stalled = if flags & STALLED == 0 { 0 } else { varint::take(from)? };
        let internal_partition = if flags & INTERNAL == 0 { None } else { Some(take_internal(from)?) };
        (state.due, state.interval) = (due, interval);
        let stalled = Duration::from_nanos(stalled);
        *known = Event { internal_partition, due, sent, ended, raw_outcome, stalled, ..known.clone() };
        Some(known.clone())
    }
}

fn take_internal(from: &mut &[u8]) -> Option<InternalPartition> {
    let topic = *InternalTopic::ALL.get(usize::try_from(varint::take(from)?).ok()?)?;
    let partition = Partition(i32::try_from(varint::take_signed(from)?).ok()?);
    Some(InternalPartition { topic, partition })
}

/// Nanoseconds from one time to another, in two's complement, so that every pair of times comes back exactly.
pub(super) fn between(from: Time, to: Time) -> i64 {
    to.as_nanos().wrapping_sub(from.as_nanos()).cast_signed()
}

/// The inverse of [`between`].
pub(super) fn after(from: Time, nanos: i64) -> Time {
    Time::from_nanos(from.as_nanos().wrapping_add(nanos.cast_unsigned()))
}
