//! The opinion about an event. Pure: the same event and objective always give the same verdict.
//!
//! A stall of the prober voids by what it could have changed, not by mere overlap (`docs/kafka-facts.md` K1): a 5 s time-out is
//! far more likely to overlap some stall than a 5 ms success, so voiding by overlap would hide outages.

use std::time::Duration;

use crate::event::{Event, Outcome, RawOutcome, VoidReason};
use crate::fault::{Blame, Fault};
use crate::objective::Objective;

/// An opinion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It met the objective.
    Good,
    /// It did not, because of this.
    Bad(Fault),
    /// It is no evidence about Kafka. Void never turns back into bad.
    Void(VoidReason),
}

/// Lag (due → sent) above which the prober itself is in trouble, so that the lag counts as part of the stall.
///
/// Latency runs from `sent`, so lag alone changes no outcome; it only extends the stall that may void one.
pub const LAG_TOLERATED: Duration = Duration::from_millis(20);

/// Judges one event against one objective.
pub fn judge(event: &Event, objective: &Objective) -> Verdict {
    judge_against(event, objective.threshold)
}

/// What the event is counted as, by its probe's own threshold.
pub fn outcome(event: &Event) -> Outcome {
    if event.raw_outcome == RawOutcome::Missed {
        return Outcome::Missed;
    }
    match judge_against(event, Some(event.limits.threshold)) {
        Verdict::Good => Outcome::Good,
        Verdict::Void(_) => Outcome::Void,
        Verdict::Bad(Fault::Slow) => Outcome::Slow,
        Verdict::Bad(Fault::Timeout) => Outcome::Timeout,
        Verdict::Bad(Fault::Lost) => Outcome::Lost,
        Verdict::Bad(Fault::Corrupt) => Outcome::Corrupt,
        Verdict::Bad(_) => Outcome::Error,
    }
}

/// Why an event that [`outcome`] calls void is void.
pub fn void_reason(event: &Event) -> Option<VoidReason> {
    match judge_against(event, Some(event.limits.threshold)) {
        Verdict::Void(reason) if event.raw_outcome != RawOutcome::Missed => Some(reason),
        _ => None,
    }
}

fn judge_against(event: &Event, threshold: Option<Duration>) -> Verdict {
    match event.raw_outcome {
        RawOutcome::Success(latency) => judge_success(latency, stall_and_lag(event), threshold),
        RawOutcome::TimedOut => judge_timeout(event, Fault::Timeout),
        RawOutcome::RefusedUntilDeadline(fault) => judge_timeout(event, fault),
        RawOutcome::Failed(fault) if fault.blame() == Blame::Prober => Verdict::Void(VoidReason::ProberFault),
        RawOutcome::Failed(fault) => Verdict::Bad(fault),
        RawOutcome::Lost => Verdict::Bad(Fault::Lost),
        RawOutcome::Corrupt => Verdict::Bad(Fault::Corrupt),
        RawOutcome::Void(reason) => Verdict::Void(reason),
        // Only the prober itself can keep an attempt from being sent.
        RawOutcome::Missed => Verdict::Void(VoidReason::Stall),
    }
}

/// Without the stall the latency would have been anything from `latency - stalled` up: void exactly where that range
/// reaches across the threshold.
fn judge_success(latency: Duration, stalled: Duration, threshold: Option<Duration>) -> Verdict {
    let Some(threshold) = threshold else { return Verdict::Good };
    if latency < threshold {
        Verdict::Good
    } else if latency.saturating_sub(stalled) < threshold {
        Verdict::Void(VoidReason::Stall)
    } else {
        Verdict::Bad(Fault::Slow)
    }
}

/// A time-out is void only if the stall left the broker less time than the threshold allows it.
fn judge_timeout(event: &Event, fault: Fault) -> Verdict {
    let needed = event.limits.deadline.saturating_sub(event.limits.threshold);
    if needed <= stall_and_lag(event) && !event.stalled.is_zero() {
        Verdict::Void(VoidReason::Stall)
    } else {
        Verdict::Bad(fault)
    }
}

fn stall_and_lag(event: &Event) -> Duration {
    let lag = event.lag();
    if LAG_TOLERATED < lag { event.stalled + lag } else { event.stalled }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Limits;
    use crate::ids::{Broker, ClusterName, Probe, Series, Subject, View};
    use crate::kafka_error::KafkaError;
    use crate::time::Time;
    use proptest::prelude::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn event(raw_outcome: RawOutcome, stalled: Duration) -> Event {
        let series = Series {
            cluster: ClusterName::new("c"),
            view: View::Broker,
            probe: Probe::Produce,
            subject: Subject::Broker(Broker::Unknown),
        };
        let limits = Limits { deadline: MS(5000), threshold: MS(1000) };
        let due = Time::from_millis(100);
        Event {
            series,
            broker: Broker::Unknown,
            limits,
            due,
            sent: Some(due),
            ended: Time::from_millis(5100),
            raw_outcome,
            stalled,
            internal_partition: None,
        }
    }

    fn objective(threshold: Option<Duration>) -> Objective {
        Objective { name: "o".into(), view: View::Broker, probe: Probe::Produce, threshold, target: 0.999 }
    }

    #[test]
    fn success_below_the_threshold_is_good_in_spite_of_a_stall() {
        assert_eq!(outcome(&event(RawOutcome::Success(MS(999)), MS(900))), Outcome::Good);
    }

    #[test]
    fn success_at_the_threshold_is_slow() {
        assert_eq!(outcome(&event(RawOutcome::Success(MS(1000)), MS(0))), Outcome::Slow);
    }

    #[test]
    fn slow_success_is_void_only_if_the_stall_made_it_slow() {
        assert_eq!(outcome(&event(RawOutcome::Success(MS(1500)), MS(501))), Outcome::Void);
        assert_eq!(outcome(&event(RawOutcome::Success(MS(1500)), MS(500))), Outcome::Slow);
    }

    #[test]
    fn timeout_is_void_only_if_the_stall_left_less_than_the_threshold() {
        assert_eq!(outcome(&event(RawOutcome::TimedOut, MS(4000))), Outcome::Void);
        assert_eq!(outcome(&event(RawOutcome::TimedOut, MS(3999))), Outcome::Timeout);
    }

    #[test]
    fn refusal_until_the_deadline_is_an_error_by_name_and_a_stall_voids_it_like_a_timeout() {
        let refusal = Fault::Kafka(KafkaError::NOT_ENOUGH_REPLICAS);
        assert_eq!(outcome(&event(RawOutcome::RefusedUntilDeadline(refusal), MS(3999))), Outcome::Error);
        assert_eq!(
            judge(&event(RawOutcome::RefusedUntilDeadline(refusal), MS(0)), &objective(None)),
            Verdict::Bad(refusal)
        );
        assert_eq!(outcome(&event(RawOutcome::RefusedUntilDeadline(refusal), MS(4000))), Outcome::Void);
    }

    #[test]
    fn stall_of_30_ms_voids_nothing() {
        for raw_outcome in [
            RawOutcome::Success(MS(3)),
            RawOutcome::Success(MS(33)),
            RawOutcome::TimedOut,
            RawOutcome::Failed(Fault::ConnectionRefused),
        ] {
            assert_ne!(outcome(&event(raw_outcome, MS(30))), Outcome::Void);
        }
    }

    #[test]
    fn lag_alone_voids_no_timeout() {
        let mut late = event(RawOutcome::TimedOut, MS(0));
        late.sent = Some(late.due + MS(4500));
        assert_eq!(outcome(&late), Outcome::Timeout);
    }

    #[test]
    fn refusal_is_an_error_even_during_a_stall() {
        assert_eq!(outcome(&event(RawOutcome::Failed(Fault::Kafka(KafkaError(6))), MS(10_000))), Outcome::Error);
    }

    #[test]
    fn resource_shortage_of_the_prober_is_void() {
        let short = event(RawOutcome::Failed(Fault::LocalResources), MS(0));
        assert_eq!(outcome(&short), Outcome::Void);
        assert_eq!(void_reason(&short), Some(VoidReason::ProberFault));
    }

    #[test]
    fn availability_objective_calls_slow_good() {
        let slow = event(RawOutcome::Success(MS(4000)), MS(0));
        assert_eq!(judge(&slow, &objective(None)), Verdict::Good);
        assert_eq!(judge(&slow, &objective(Some(MS(1000)))), Verdict::Bad(Fault::Slow));
        assert_eq!(judge(&slow, &objective(Some(MS(4500)))), Verdict::Good);
    }

    #[test]
    fn missed_attempt_is_void_for_objectives() {
        let missed = event(RawOutcome::Missed, MS(0));
        assert_eq!(outcome(&missed), Outcome::Missed);
        assert_eq!(void_reason(&missed), None);
        assert!(matches!(judge(&missed, &objective(None)), Verdict::Void(_)));
    }

    proptest! {
        /// More stall never makes an event worse, and never turns void back into bad.
        #[test]
        fn more_stall_never_makes_an_event_worse(latency in 0u64..6000, less in 0u64..6000, more in 0u64..6000, timed_out: bool) {
            let raw_outcome = if timed_out { RawOutcome::TimedOut } else { RawOutcome::Success(MS(latency)) };
            let (less, more) = (less.min(more), less.max(more));
            let before = outcome(&event(raw_outcome, MS(less)));
            let after = outcome(&event(raw_outcome, MS(more)));
            prop_assert!(before == after || after == Outcome::Void);
        }
    }
}
