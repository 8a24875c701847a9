//! The counts of one series.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::buckets::{Buckets, Edges};
use crate::counts::{Counts, LatestEvent, Quantiles};
use crate::event::{Event, Outcome, RawOutcome};
use crate::fault::Blame;
use crate::judge::{outcome, void_reason};

/// Largest latency in the percentiles of the status page; a deadline is at most half of it.
const LATENCY_MAX: Duration = Duration::from_secs(120);

/// Significant digits of the percentiles: three would cost 160 KB a series.
const LATENCY_DIGITS: u8 = 2;

/// What was counted of one series.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) counts: Counts,
    pub(super) buckets: Buckets,
    latencies: Histogram<u32>,
    pub(super) quantiles: Quantiles,
    /// Whether the percentiles are of all latencies.
    fresh: bool,
    pub(super) latest: Option<LatestEvent>,
}

impl Row {
    pub(super) fn new(edges: &Edges) -> Row {
        Row {
            counts: Counts::default(),
            buckets: Buckets::new(edges),
            latencies: latencies(),
            quantiles: Quantiles::default(),
            fresh: true,
            latest: None,
        }
    }

    /// Counts a judged event.
    pub(super) fn count(&mut self, event: &Event) {
        let outcome = outcome(event);
        self.counts.outcomes[outcome.index()] += 1;
        if let Some(reason) = void_reason(event) {
            self.counts.voided[reason.index()] += 1;
        }
        let error_type = error_type(event, outcome);
        if let (Outcome::Error | Outcome::Timeout, Some(error_type)) = (outcome, error_type) {
            *self.counts.errors.entry(error_type).or_default() += 1;
        }
        if let Some(duration) = duration(event, outcome) {
            self.buckets.add(duration);
            let micros = u64::try_from(duration.min(LATENCY_MAX).as_micros()).unwrap_or(u64::MAX);
            // This cannot fail: the histogram resizes itself, and the value is bounded.
            let _ = self.latencies.record(micros);
            self.fresh = false;
        }
        let judged = !matches!(outcome, Outcome::Void | Outcome::Missed);
        let blame = blame(event, outcome);
        if judged && blame.is_some_and(|blame| blame != Blame::Cluster) {
            self.counts.unclear += 1;
        }
        let newest = self.latest.is_none_or(|latest| latest.due <= event.due);
        if judged && newest {
            let (due, ended) = (event.due, event.ended);
            self.latest = Some(LatestEvent { due, ended, outcome, error_type, blame });
        }
    }

    /// Computes the percentiles again if a latency was counted since.
    pub(super) fn refresh_quantiles(&mut self) {
        if self.fresh {
            return;
        }
        let at = |quantile| Duration::from_micros(self.latencies.value_at_quantile(quantile));
        self.quantiles = Quantiles {
            count: self.latencies.len(),
            p50: at(0.50),
            p99: at(0.99),
            max: Duration::from_micros(self.latencies.max()),
        };
        self.fresh = true;
    }
}

/// A histogram that resizes itself: a series with latencies of milliseconds needs a third of the memory for two minutes.
#[expect(clippy::expect_used, reason = "the number of digits is a valid constant, and a test builds one")]
fn latencies() -> Histogram<u32> {
    Histogram::new(LATENCY_DIGITS).expect("a valid number of digits")
}

/// What the event adds to the histograms: successes their latency, time-outs and losses the deadline.
fn duration(event: &Event, outcome: Outcome) -> Option<Duration> {
    match (event.raw_outcome, outcome) {
        (_, Outcome::Void | Outcome::Missed) => None,
        (RawOutcome::Success(latency), _) => Some(latency),
        (RawOutcome::TimedOut | RawOutcome::Lost, _) => Some(event.limits.deadline),
        _ => None,
    }
}

fn blame(event: &Event, outcome: Outcome) -> Option<Blame> {
    match event.raw_outcome {
        _ if outcome == Outcome::Good => None,
        RawOutcome::Failed(fault) | RawOutcome::RefusedUntilDeadline(fault) => Some(fault.blame()),
        _ => Some(Blame::Cluster),
    }
}

fn error_type(event: &Event, outcome: Outcome) -> Option<&'static str> {
    match (event.raw_outcome, outcome) {
        (RawOutcome::Failed(fault), _) | (RawOutcome::RefusedUntilDeadline(fault), Outcome::Error) => {
            Some(fault.error_type())
        }
        (_, Outcome::Timeout) => Some("timeout"),
        (_, Outcome::Lost) => Some("lost"),
        (_, Outcome::Corrupt) => Some("corrupt"),
        (_, Outcome::Slow) => Some("slow"),
        _ => None,
    }
}
