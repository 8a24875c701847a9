//! One cell of the matrix: the recent latencies of one probe at one broker, and their statistics.

use std::collections::VecDeque;
use std::time::Duration;

use crate::diagnosis::thresholds::{bounds, latency};
use crate::fault::Fault;
use crate::time::Time;

use super::baseline::{Baseline, quantile};
use super::cusum::Cusum;

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Answer {
    at: Time,
    /// `None` if there was no answer.
    latency: Option<Duration>,
    /// Whether the broker answered another connection while this answer was waited for.
    answered_elsewhere: bool,
}

/// The recent answers of one probe at one broker.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyWindow {
    recent: VecDeque<Answer>,
    history: Baseline,
    failures: Cusum,
    failed_at: Option<Time>,
    fault: Option<Fault>,
    threshold: Duration,
    slow_since: Option<Time>,
}

/// Statistics of a cell at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowStats {
    /// Answers in the window.
    pub answers: usize,
    /// Share of them that were late or missing.
    pub late: f64,
    /// Share of them that were late by the stricter limit of an overload.
    pub very_late: f64,
    /// Latency from which an answer is late.
    pub limit: Duration,
    /// Median latency, if the cell is slow.
    pub median: Option<Duration>,
    /// Late answers during which the broker answered another connection, so that its process was running.
    pub answered_elsewhere: usize,
    /// Whether many answers were late, over at least three seconds.
    pub slow: bool,
    /// Whether there are enough answers and at most a tenth of them late.
    pub well: bool,
    /// Whether failures are more frequent than in a healthy cell.
    pub failing: bool,
    /// Fault of the newest failure.
    pub fault: Option<Fault>,
}

impl WindowStats {
    /// Whether there are enough answers to judge it.
    pub fn is_enough(&self) -> bool {
        latency::ANSWERS_MIN.get() <= self.answers
    }
}

impl LatencyWindow {
    /// An empty window. `threshold` is the latency from which an event counts as `slow`.
    pub fn new(threshold: Duration) -> LatencyWindow {
        LatencyWindow {
            recent: VecDeque::new(),
            history: Baseline::default(),
            failures: Cusum::default(),
            failed_at: None,
            fault: None,
            threshold,
            slow_since: None,
        }
    }

    /// Changes the threshold, as after a configuration reload.
    pub fn set_threshold(&mut self, threshold: Duration) {
        self.threshold = threshold;
    }

    /// Takes in an answer that ended at `at`: its latency, or its fault. `answered_elsewhere`: the broker answered another
    /// connection while this answer was waited for.
    pub fn take(&mut self, at: Time, answer: Result<Duration, Fault>, answered_elsewhere: bool) {
        self.recent.push_back(Answer { at, latency: answer.ok(), answered_elsewhere });
        while self.recent.front().is_some_and(|answer| self.is_past(answer.at, at)) {
            self.recent.pop_front();
        }
        self.failures.take(answer.is_err());
        match answer {
            Ok(latency) => self.history.take(at, latency),
            Err(fault) => {
                self.failed_at = Some(at);
                self.fault = Some(fault);
            }
        }
        // The cell recovers when no answer has failed for one window, not when the sum has run down.
        let quiet = self.failed_at.is_none_or(|failed| latency::WINDOW.get() <= at.since(failed));
        if quiet && answer.is_ok() {
            self.failures.clear();
            self.fault = None;
        }
    }

    /// Drops the recent answers, because another failure explains them. The baseline stays.
    pub fn reset(&mut self) {
        self.recent.clear();
        self.history.discard();
        self.failures.clear();
        self.fault = None;
        self.slow_since = None;
    }

    /// The statistics at `now`.
    pub fn stats(&mut self, now: Time) -> WindowStats {
        let (limit, high) = self.limits();
        let is_late = |answer: &Answer, limit: Duration| answer.latency.is_none_or(|latency| limit <= latency);
        let lately: Vec<Answer> = self.recent.iter().copied().filter(|answer| !self.is_old(answer.at, now)).collect();
        let late: Vec<Answer> = lately.iter().copied().filter(|answer| is_late(answer, limit)).collect();
        let share = |count: usize| if count == 0 { 0.0 } else { count as f64 / lately.len() as f64 };
        let spread = late.first().zip(late.last()).map_or(Duration::ZERO, |(first, last)| last.at.since(first.at));
        let enough = latency::ANSWERS_MIN.get() <= lately.len();
        let times = 1 + lately.windows(2).filter(|two| !is_late(&two[0], limit) && is_late(&two[1], limit)).count();
        let many = latency::SLOW_FROM.get() <= share(late.len())
            || latency::OFTEN_FROM.get() <= share(late.len()) && latency::OFTEN.get() <= times;
        let slow = enough && many && latency::SPREAD_MIN.get() <= spread;
        self.remember(now, slow);
        let mut latencies: Vec<Duration> = lately.iter().filter(|_| slow).filter_map(|answer| answer.latency).collect();
        WindowStats {
            answers: lately.len(),
            late: share(late.len()),
            very_late: share(lately.iter().filter(|answer| is_late(answer, high)).count()),
            answered_elsewhere: late.iter().filter(|answer| answer.answered_elsewhere).count(),
            limit,
            median: quantile(&mut latencies, 1, 2),
            slow,
            well: enough && share(late.len()) <= latency::WELL_UP_TO.get(),
            failing: self.failures.is_failing(),
            fault: self.fault,
        }
    }

    /// Latency that answers usually stay below; `None` until it is known, which takes a quarter of a minute without a failure.
    pub fn baseline(&self) -> Option<Duration> {
        self.history.baseline()
    }

    /// Latency from which a TCP retransmit (RTO ≥ 200 ms, RFC 6298) is a plausible cause.
    pub fn retransmit_limit(&self) -> Duration {
        self.limits().0.max(self.threshold / latency::RETRANSMIT_PART.get())
    }

    /// Latency from which an answer is late, and from which it counts towards an overload. Without a baseline the threshold alone
    /// applies, because a broker may be far away and still healthy.
    fn limits(&self) -> (Duration, Duration) {
        let Some(baseline) = self.history.baseline() else { return (self.threshold, self.threshold) };
        let baseline = latency::BASELINE_FACTOR.get() * baseline;
        (
            baseline.max(self.threshold / latency::THRESHOLD_PART.get()),
            baseline.max(self.threshold / latency::OVERLOAD_PART.get()),
        )
    }

    /// Keeps slow answers out of the baseline until the cell has been slow for [`latency::NEW_BASELINE_AFTER`].
    fn remember(&mut self, now: Time, slow: bool) {
        self.slow_since = slow.then(|| self.slow_since.unwrap_or(now));
        if self.slow_since.is_some_and(|since| now.since(since) < latency::NEW_BASELINE_AFTER.get()) {
            self.history.discard();
        }
    }

    fn is_past(&self, at: Time, now: Time) -> bool {
        let more = self.recent.len() - 1;
        bounds::WINDOW_ANSWERS_MAX.get() <= more
            || latency::WINDOW.get() <= now.since(at) && latency::ANSWERS_MIN.get() <= more
            || self.is_old(at, now)
    }

    /// Whether an answer is too old to count: by then so many others should have come that the probe no longer runs.
    fn is_old(&self, at: Time, now: Time) -> bool {
        let age = now.since(at);
        latency::AGE_MAX.get() <= age && latency::AGE_MAX_INTERVALS.get() * self.interval() <= age
    }

    /// The usual time between two answers, which is the interval of the probe.
    fn interval(&self) -> Duration {
        let times = || self.recent.iter().map(|answer| answer.at);
        let mut intervals: Vec<Duration> = times().skip(1).zip(times()).map(|(next, one)| next.since(one)).collect();
        quantile(&mut intervals, 1, 2).unwrap_or_default()
    }
}
