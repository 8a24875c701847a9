//! An event as a recording has it: flat, and each time relative to the one before it, because there are hundreds in a second.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::coordinator::InternalPartition;
use crate::event::{Event, Limits, RawOutcome};
use crate::ids::{Broker, ClusterName, Probe, Series, Subject, View};
use crate::time::{Time, nanoseconds};

/// The fields of an event. Times and durations are in nanoseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventFields {
    cluster: ClusterName,
    view: View,
    probe: Probe,
    broker: Broker,
    /// What the series is about; without it the broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<Subject>,
    /// The partition of an internal topic that a coordinator was asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    internal_partition: Option<InternalPartition>,
    #[serde(with = "nanoseconds")]
    deadline: Duration,
    #[serde(with = "nanoseconds")]
    threshold: Duration,
    /// When the attempt was due.
    due: Time,
    /// From `due` until it was sent; without it, it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_after: Option<i64>,
    /// From when it was sent, or else was due, until it ended.
    ended_after: i64,
    /// Without it the attempt succeeded, and its latency is `ended_after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<RawOutcome>,
    /// Time that the prober was stalled meanwhile.
    #[serde(default, skip_serializing_if = "Duration::is_zero", with = "nanoseconds")]
    stalled: Duration,
}

impl From<Event> for EventFields {
    fn from(event: Event) -> EventFields {
        let began = event.sent.unwrap_or(event.due);
        let ended = between(began, event.ended);
        let is_plain = |outcome: &RawOutcome| match outcome {
            RawOutcome::Success(latency) => i128::try_from(latency.as_nanos()) == Ok(i128::from(ended)),
            _ => false,
        };
        EventFields {
            cluster: event.series.cluster,
            view: event.series.view,
            probe: event.series.probe,
            broker: event.broker,
            subject: Some(event.series.subject).filter(|subject| *subject != Subject::Broker(event.broker)),
            internal_partition: event.internal_partition,
            deadline: event.limits.deadline,
            threshold: event.limits.threshold,
            due: event.due,
            sent_after: event.sent.map(|sent| between(event.due, sent)),
            ended_after: ended,
            outcome: Some(event.raw_outcome).filter(|outcome| !is_plain(outcome)),
            stalled: event.stalled,
        }
    }
}

impl From<EventFields> for Event {
    fn from(fields: EventFields) -> Event {
        let sent = fields.sent_after.map(|after| after_time(fields.due, after));
        let ended = fields.ended_after;
        let latency = || RawOutcome::Success(Duration::from_nanos(ended.unsigned_abs()));
        Event {
            series: Series {
                cluster: fields.cluster,
                view: fields.view,
                probe: fields.probe,
                subject: fields.subject.unwrap_or(Subject::Broker(fields.broker)),
            },
            broker: fields.broker,
            internal_partition: fields.internal_partition,
            limits: Limits { deadline: fields.deadline, threshold: fields.threshold },
            due: fields.due,
            sent,
            ended: after_time(sent.unwrap_or(fields.due), ended),
            raw_outcome: fields.outcome.unwrap_or_else(latency),
            stalled: fields.stalled,
        }
    }
}

/// Nanoseconds from one time to another, in two's complement, so that every pair of times comes back exactly.
fn between(from: Time, to: Time) -> i64 {
    to.as_nanos().wrapping_sub(from.as_nanos()).cast_signed()
}

fn after_time(from: Time, nanos: i64) -> Time {
    Time::from_nanos(from.as_nanos().wrapping_add(nanos.cast_unsigned()))
}
