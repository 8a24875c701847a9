//! Evidence about one broker: its last answer, its overdue connections, and the results of connect checks.

use std::collections::BTreeMap;

use super::facts::{ConnectChecks, Streak};
use crate::diagnosis::thresholds::liveness;
use crate::event::{Event, RawOutcome};
use crate::fault::Fault;
use crate::ids::ConnectionRole;
use crate::ids::Probe;
use crate::tcp_state::TcpState;
use crate::time::Time;

/// Tracks one broker.
#[derive(Debug, Default)]
pub(super) struct BrokerTracker {
    pub(super) answered: Option<Time>,
    pub(super) overdue: BTreeMap<ConnectionRole, Time>,
    pub(super) tcp_states: BTreeMap<ConnectionRole, TcpState>,
    /// The newest event of the broker view ended with a refused or reset connection.
    is_closed: bool,
    /// Since when the `connect` probe has not been answered, although kept connections may be.
    unanswered_since: Option<Time>,
    check_began: Option<Time>,
    last_check: Option<Time>,
    pub(super) connect_checks: Option<ConnectChecks>,
    pub(super) streaks: BTreeMap<Probe, Streak>,
}

impl BrokerTracker {
    /// An event of the broker view was counted.
    pub(super) fn counted(&mut self, event: &Event) {
        match event.raw_outcome {
            RawOutcome::Success(_) | RawOutcome::Failed(Fault::Kafka(_) | Fault::Stale) => {
                self.has_answered(event.ended)
            }
            RawOutcome::Failed(Fault::ConnectionRefused | Fault::ConnectionReset)
                if event.series.probe != Probe::Consume =>
            {
                self.is_closed = true;
            }
            _ => {}
        }
        if event.series.probe == Probe::Connect {
            self.connected(event);
        }
        if event.series.probe == Probe::Metadata {
            let streak = continued(event, self.streaks.remove(&Probe::Metadata));
            // Stale metadata is what only this probe shows.
            if let Some(streak) = streak.filter(|streak| streak.fault == Fault::Stale) {
                self.streaks.insert(Probe::Metadata, streak);
            }
        }
    }

    /// The `connect` probe is rare; an unanswered one makes connect checks wanted, which are more frequent.
    fn connected(&mut self, event: &Event) {
        match event.raw_outcome {
            RawOutcome::Success(_) => self.unanswered_since = None,
            RawOutcome::TimedOut => _ = self.unanswered_since.get_or_insert(event.ended),
            RawOutcome::Failed(fault) if fault.is_unanswered() => _ = self.unanswered_since.get_or_insert(event.ended),
            _ => {}
        }
    }

    /// The broker answered: earlier results of connect checks no longer count, and no further check is wanted.
    fn has_answered(&mut self, at: Time) {
        self.answered = self.answered.max(Some(at));
        self.is_closed = false;
        if self.last_check.is_none_or(|looked| looked < at) {
            self.connect_checks = None;
        }
    }

    /// Whether a connect check should begin now.
    pub(super) fn wants_connect_check(&self, now: Time) -> bool {
        let suspicious = !self.overdue.is_empty() || self.is_closed || self.unanswered_since.is_some();
        let idle = self.check_began.is_none_or(|since| liveness::CHECK_LOST_AFTER.get() <= now.since(since));
        let since = self.connect_checks.map(|checks| checks.began).into_iter().chain(self.unanswered_since).min();
        let for_long = since.is_some_and(|since| liveness::CHECK_SELDOM_AFTER.get() <= now.since(since));
        let every = if for_long { liveness::CHECK_SELDOM.get() } else { liveness::CHECK_EVERY.get() };
        suspicious && idle && self.last_check.is_none_or(|at| every <= now.since(at))
    }

    /// A connect check has begun.
    pub(super) fn begin_connect_check(&mut self, now: Time) {
        self.check_began = Some(now);
        self.last_check = Some(now);
        // The first check of a series counts as unanswered until it has ended.
        self.connect_checks.get_or_insert(ConnectChecks {
            began: now,
            failed: 0,
            fault: None,
            unanswered: true,
            tcp_accepted: false,
        });
    }

    /// A connect check has ended.
    pub(super) fn on_connect_check(&mut self, at: Time, fault: Option<Fault>) {
        let began = self.check_began.take().unwrap_or(at);
        // A check that ends after the broker has answered would not be cleared by anything else.
        let answered_since = self.answered.is_some_and(|answered| began < answered);
        let Some(fault) = fault.filter(|_| !answered_since) else {
            self.connect_checks = None;
            self.is_closed &= answered_since;
            if fault.is_none() {
                self.unanswered_since = None;
            }
            return;
        };
        let unanswered = fault.is_unanswered();
        let same = self.connect_checks.filter(|checks| checks.failed == 0 || checks.unanswered == unanswered);
        let (began, failed, tcp_accepted) =
            same.map_or((began, 0, false), |checks| (checks.began, checks.failed, checks.tcp_accepted));
        let tcp_accepted = tcp_accepted || unanswered && !matches!(fault, Fault::ConnectTimeout | Fault::Unreachable);
        self.connect_checks =
            Some(ConnectChecks { began, failed: failed + 1, fault: Some(fault), unanswered, tcp_accepted });
    }
}

/// The series of bad events after one more event; none after a good one. Void events do not change it.
pub(super) fn continued(event: &Event, before: Option<Streak>) -> Option<Streak> {
    let fault = match event.raw_outcome {
        RawOutcome::Success(_) => return None,
        RawOutcome::Failed(fault) | RawOutcome::RefusedUntilDeadline(fault) => fault,
        RawOutcome::TimedOut => Fault::Timeout,
        RawOutcome::Lost => Fault::Lost,
        RawOutcome::Corrupt => Fault::Corrupt,
        RawOutcome::Void(_) | RawOutcome::Missed => return before,
    };
    let (bad, since) = before.map_or((0, event.due), |streak| (streak.bad, streak.since));
    Some(Streak { bad: bad + 1, since, fault })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::{at, event};
    use super::*;

    #[test]
    fn answered_connect_check_clears_the_suspicion() {
        let mut tracker = BrokerTracker { is_closed: true, ..BrokerTracker::default() };
        assert!(tracker.wants_connect_check(at(0)));
        tracker.begin_connect_check(at(0));
        assert!(!tracker.wants_connect_check(at(4000)), "one at a time");
        tracker.on_connect_check(at(100), Some(Fault::ConnectionRefused));
        assert!(!tracker.wants_connect_check(at(999)) && tracker.wants_connect_check(at(1000)));
        let checks = tracker.connect_checks.expect("a row");
        assert_eq!((checks.began, checks.failed, checks.unanswered), (at(0), 1, false));
        tracker.begin_connect_check(at(1000));
        tracker.on_connect_check(at(1001), None);
        assert_eq!((tracker.connect_checks, tracker.wants_connect_check(at(9000))), (None, false));
    }

    #[test]
    fn refusal_begins_a_new_series_of_connect_checks() {
        let mut tracker =
            BrokerTracker { overdue: BTreeMap::from([(ConnectionRole::Produce, at(0))]), ..BrokerTracker::default() };
        for begin in [0, 2000] {
            tracker.begin_connect_check(at(begin));
            tracker.on_connect_check(at(begin + 2000), Some(Fault::NoHandshake));
        }
        assert_eq!(
            tracker.connect_checks.map(|checks| (checks.began, checks.failed, checks.unanswered)),
            Some((at(0), 2, true))
        );
        tracker.begin_connect_check(at(4000));
        tracker.on_connect_check(at(6000), Some(Fault::ConnectTimeout));
        assert!(tracker.connect_checks.is_some_and(|checks| checks.tcp_accepted), "its machine was there");
        tracker.begin_connect_check(at(7000));
        tracker.on_connect_check(at(7001), Some(Fault::ConnectionRefused));
        assert_eq!(
            tracker.connect_checks.map(|checks| (checks.began, checks.failed, checks.unanswered)),
            Some((at(7000), 1, false))
        );
    }

    #[test]
    fn answer_clears_earlier_connect_checks_and_no_later_ones() {
        let mut tracker = BrokerTracker { is_closed: true, ..BrokerTracker::default() };
        tracker.begin_connect_check(at(1000));
        tracker.on_connect_check(at(1001), Some(Fault::ConnectionRefused));
        tracker.has_answered(at(900));
        assert!(tracker.connect_checks.is_some(), "it answered before it was refused");
        tracker.has_answered(at(1500));
        assert_eq!((tracker.connect_checks, tracker.is_closed), (None, false));
    }

    #[test]
    fn connect_checks_of_a_hanging_broker_become_rare() {
        let mut tracker =
            BrokerTracker { overdue: BTreeMap::from([(ConnectionRole::Produce, at(0))]), ..BrokerTracker::default() };
        let checks = (0..60_000).step_by(100).filter(|now| {
            let wanted = tracker.wants_connect_check(at(*now));
            if wanted {
                tracker.begin_connect_check(at(*now));
                tracker.on_connect_check(at(now + 2000), Some(Fault::NoHandshake));
            }
            wanted
        });
        assert_eq!(checks.count(), 10 + 5);
    }

    #[test]
    fn connect_check_without_an_address_is_given_up() {
        let mut tracker = BrokerTracker { is_closed: true, ..BrokerTracker::default() };
        tracker.begin_connect_check(at(0));
        assert!(tracker.wants_connect_check(at(5000)));
    }

    #[test]
    fn series_of_bad_events_is_counted_from_its_first_and_ends_with_a_good_one() {
        let first = continued(&event(1000, RawOutcome::TimedOut), None);
        let second = continued(&event(3000, RawOutcome::Failed(Fault::ConnectionReset)), first).expect("a row");
        assert_eq!((second.bad, second.since, second.fault), (2, at(1000), Fault::ConnectionReset));
        let void = RawOutcome::Void(crate::event::VoidReason::Stall);
        assert_eq!(continued(&event(5000, void), Some(second)), Some(second), "what is void says nothing");
        assert_eq!(continued(&event(7000, RawOutcome::Success(Duration::ZERO)), Some(second)), None);
    }
}
