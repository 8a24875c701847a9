//! One cell: what one probe has lately seen of one broker.

use std::collections::VecDeque;
use std::time::Duration;

use crate::fault::Fault;
use crate::time::Time;

use super::baseline::{Baseline, quantile};
use super::cusum::Cusum;

/// Answers of so long are "lately".
pub const LATELY: Duration = Duration::from_secs(8);

/// Of a probe that asks seldom, so many answers are, however old…
const AT_LEAST: usize = 4;

/// …up to this age.
const TOO_OLD: Duration = Duration::from_secs(60);

/// Answers remembered at most: at default rates more than [`LATELY`] brings.
const REMEMBERED: usize = 64;

/// Slow answers that are nearer to each other than this are one pause, not a slow broker.
const SPREAD: Duration = Duration::from_secs(3);

/// Of its latest answers, so many are late in a cell that is slow: more than a third. A collector that stops a broker for
/// most of a second every few seconds stays below; a process that has half of the time does not.
pub const SLOW_FROM: f64 = 0.35;

/// Fewer will do if they come again and again, each after an answer in time: no collector stops a process so often.
const OFTEN_FROM: f64 = 0.2;
const OFTEN: usize = 5;

/// A slow cell is slower than this many times what it usually takes…
const BASELINE_FACTOR: u32 = 3;

/// …and than this part of its threshold: below that nobody is hurt.
const THRESHOLD_PART: u32 = 20;

/// When all brokers are late at once they share a load; that is worth a finding from this part of the threshold on.
const OVERLOAD_PART: u32 = 4;

/// What TCP sends again comes 200 ms later and more: at a threshold of a second, from this part on.
const RESENT_PART: u32 = 8;

/// A cell that has been slow for so long may call that usual.
const NEW_BASELINE_AFTER: Duration = Duration::from_secs(3600);

/// Up to this share of late answers a cell is well; between the two nothing is certain.
const WELL_UP_TO: f64 = 0.1;

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Answer {
    at: Time,
    /// `None` if it was none.
    latency: Option<Duration>,
    /// The broker answered something else while this one was waited for.
    answered_elsewhere: bool,
}

/// One probe at one broker.
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

/// What a cell shows at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowStats {
    /// Answers lately.
    pub answers: usize,
    /// The share of them that came late, or not at all.
    pub late: f64,
    /// The same, by the measure for all brokers at once.
    pub very_late: f64,
    /// Later than this is late.
    pub limit: Duration,
    /// What half of them stayed below, if it is slow.
    pub median: Option<Duration>,
    /// Late ones during which the broker answered something else: it was not the process that stood still.
    pub answered_elsewhere: usize,
    /// Late by turns or throughout, for at least [`SPREAD`].
    pub slow: bool,
    /// Enough answers, and hardly any of them late.
    pub well: bool,
    /// More than its share of failures.
    pub failing: bool,
    /// Why the newest failed.
    pub fault: Option<Fault>,
}

impl WindowStats {
    /// Whether there are answers enough to judge it at all.
    pub fn is_enough(&self) -> bool {
        AT_LEAST <= self.answers
    }
}

impl LatencyWindow {
    /// Nothing seen yet; from `threshold` on an answer is `slow` to whoever counts it.
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

    /// The threshold is another one from now on.
    pub fn set_threshold(&mut self, threshold: Duration) {
        self.threshold = threshold;
    }

    /// Takes in what came at `at` and speaks of the broker: a latency, or why there is none. `meanwhile` says whether the broker
    /// answered something else while this was waited for.
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
        // A share of failures is over when none has come for a while, not when the sum has run out.
        let quiet = self.failed_at.is_none_or(|failed| LATELY <= at.since(failed));
        if quiet && answer.is_ok() {
            self.failures.clear();
            self.fault = None;
        }
    }

    /// What it has seen lately says nothing: it comes from a time that another trouble explains.
    pub fn reset(&mut self) {
        self.recent.clear();
        self.history.discard();
        self.failures.clear();
        self.fault = None;
        self.slow_since = None;
    }

    /// What it shows at `now`.
    pub fn stats(&mut self, now: Time) -> WindowStats {
        let (limit, high) = self.limits();
        let is_late = |answer: &Answer, limit: Duration| answer.latency.is_none_or(|latency| limit <= latency);
        let lately: Vec<Answer> = self.recent.iter().copied().filter(|answer| now.since(answer.at) < TOO_OLD).collect();
        let late: Vec<Answer> = lately.iter().copied().filter(|answer| is_late(answer, limit)).collect();
        let share = |count: usize| if count == 0 { 0.0 } else { count as f64 / lately.len() as f64 };
        let spread = late.first().zip(late.last()).map_or(Duration::ZERO, |(first, last)| last.at.since(first.at));
        let enough = AT_LEAST <= lately.len();
        let times = 1 + lately.windows(2).filter(|two| !is_late(&two[0], limit) && is_late(&two[1], limit)).count();
        let many = SLOW_FROM <= share(late.len()) || OFTEN_FROM <= share(late.len()) && OFTEN <= times;
        let slow = enough && many && SPREAD <= spread;
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

    /// From where an answer is so late that TCP may have had to send again.
    pub fn retransmit_limit(&self) -> Duration {
        self.limits().0.max(self.threshold / RESENT_PART)
    }

    /// From where an answer is late, and very late. Who has no past yet is measured by the threshold alone: a broker may be
    /// far away, and no worse for it.
    fn limits(&self) -> (Duration, Duration) {
        let Some(baseline) = self.history.baseline() else { return (self.threshold, self.threshold) };
        let baseline = BASELINE_FACTOR * baseline;
        (baseline.max(self.threshold / THRESHOLD_PART), baseline.max(self.threshold / OVERLOAD_PART))
    }

    /// What is slow now is not what is usual, until it has been for an hour.
    fn remember(&mut self, now: Time, slow: bool) {
        self.slow_since = slow.then(|| self.slow_since.unwrap_or(now));
        if self.slow_since.is_some_and(|since| now.since(since) < NEW_BASELINE_AFTER) {
            self.history.discard();
        }
    }

    fn is_past(&self, at: Time, now: Time) -> bool {
        let age = now.since(at);
        REMEMBERED <= self.recent.len() || TOO_OLD <= age || LATELY <= age && AT_LEAST <= self.recent.len()
    }
}
