//! One cell of the matrix: the recent latencies of one probe at one broker, and their statistics.

use std::collections::VecDeque;
use std::time::Duration;

use crate::fault::Fault;
use crate::time::Time;

use super::baseline::{Baseline, quantile};
use super::cusum::Cusum;

/// Evaluation window.
pub const WINDOW: Duration = Duration::from_secs(8);

/// Answers that are evaluated at least, also beyond [`WINDOW`]: rare probes have few.
const ANSWERS_MIN: usize = 4;

/// Age beyond which no answer is evaluated.
const AGE_MAX: Duration = Duration::from_secs(60);

/// Answers kept at most: more than arrive within [`WINDOW`] at the shortest interval that can be configured (10 ms).
const ANSWERS_MAX: usize = 1024;

/// Time between the first and the last late answer from which a cell is slow; below it, they are one pause.
const SPREAD_MIN: Duration = Duration::from_secs(3);

/// Share of late answers from which a cell is slow. A garbage collector that stops a broker for most of a second every few seconds
/// stays below it; a process that runs half of the time does not.
pub const SLOW_FROM: f64 = 0.35;

/// Share of late answers from which a cell is slow if they come in at least [`OFTEN`] separate episodes: no garbage collector
/// stops a process so often.
const OFTEN_FROM: f64 = 0.2;

/// Separate episodes of late answers, each after an answer in time.
const OFTEN: usize = 5;

/// Multiple of the baseline from which an answer is late.
const BASELINE_FACTOR: u32 = 3;

/// Fraction of the threshold below which no answer is late, because no user notices it.
const THRESHOLD_PART: u32 = 20;

/// Fraction of the threshold from which an answer counts towards an overload of the whole cluster.
const OVERLOAD_PART: u32 = 4;

/// Fraction of the threshold from which a TCP retransmit (RTO ≥ 200 ms, RFC 6298) is a plausible cause, at a threshold of 1 s.
const RETRANSMIT_PART: u32 = 8;

/// Time after which the latency of a slow cell becomes its new baseline.
const NEW_BASELINE_AFTER: Duration = Duration::from_secs(3600);

/// Share of late answers up to which a cell is well. Between this and [`SLOW_FROM`] it is neither well nor slow.
const WELL_UP_TO: f64 = 0.1;

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
        ANSWERS_MIN <= self.answers
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
        while self.recent.front().is_some_and(|answer| self.is_past(answer.at, at)) {
            self.recent.pop_front();
        }
        self.recent.push_back(Answer { at, latency: answer.ok(), answered_elsewhere });
        self.failures.take(answer.is_err());
        match answer {
            Ok(latency) => self.history.take(at, latency),
            Err(fault) => {
                self.failed_at = Some(at);
                self.fault = Some(fault);
            }
        }
        // The cell recovers when no answer has failed for one window, not when the sum has run down.
        let quiet = self.failed_at.is_none_or(|failed| WINDOW <= at.since(failed));
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
        let lately: Vec<Answer> = self.recent.iter().copied().filter(|answer| now.since(answer.at) < AGE_MAX).collect();
        let late: Vec<Answer> = lately.iter().copied().filter(|answer| is_late(answer, limit)).collect();
        let share = |count: usize| if count == 0 { 0.0 } else { count as f64 / lately.len() as f64 };
        let spread = late.first().zip(late.last()).map_or(Duration::ZERO, |(first, last)| last.at.since(first.at));
        let enough = ANSWERS_MIN <= lately.len();
        let times = 1 + lately.windows(2).filter(|two| !is_late(&two[0], limit) && is_late(&two[1], limit)).count();
        let many = SLOW_FROM <= share(late.len()) || OFTEN_FROM <= share(late.len()) && OFTEN <= times;
        let slow = enough && many && SPREAD_MIN <= spread;
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
            well: enough && share(late.len()) <= WELL_UP_TO,
            failing: self.failures.is_failing(),
            fault: self.fault,
        }
    }

    /// Latency from which a TCP retransmit (RTO ≥ 200 ms, RFC 6298) is a plausible cause.
    pub fn retransmit_limit(&self) -> Duration {
        self.limits().0.max(self.threshold / RETRANSMIT_PART)
    }

    /// Latency from which an answer is late, and from which it counts towards an overload. Without a baseline the threshold alone
    /// applies, because a broker may be far away and still healthy.
    fn limits(&self) -> (Duration, Duration) {
        let Some(baseline) = self.history.baseline() else { return (self.threshold, self.threshold) };
        let baseline = BASELINE_FACTOR * baseline;
        (baseline.max(self.threshold / THRESHOLD_PART), baseline.max(self.threshold / OVERLOAD_PART))
    }

    /// Keeps slow answers out of the baseline until the cell has been slow for [`NEW_BASELINE_AFTER`].
    fn remember(&mut self, now: Time, slow: bool) {
        self.slow_since = slow.then(|| self.slow_since.unwrap_or(now));
        if self.slow_since.is_some_and(|since| now.since(since) < NEW_BASELINE_AFTER) {
            self.history.discard();
        }
    }

    fn is_past(&self, at: Time, now: Time) -> bool {
        let age = now.since(at);
        ANSWERS_MAX <= self.recent.len() || AGE_MAX <= age || WINDOW <= age && ANSWERS_MIN <= self.recent.len()
    }
}
