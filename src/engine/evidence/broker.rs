//! One suspect: what a broker has answered, what it owes, and what looks at it have brought.

use std::collections::BTreeMap;
use std::time::Duration;

use prober_core::diagnosis::input::{ConnectChecks, Streak};
use prober_core::event::{Event, RawOutcome};
use prober_core::fault::Fault;
use prober_core::ids::ConnectionRole;
use prober_core::ids::Probe;
use prober_core::tcp_state::TcpState;
use prober_core::time::Time;

/// A suspect is looked at this often; after a while more seldom, since each look at a process that hangs takes a place in
/// its queue of accepted connections.
const CHECK_EVERY: Duration = Duration::from_secs(1);
const CHECK_SELDOM_AFTER: Duration = Duration::from_secs(10);
const CHECK_SELDOM: Duration = Duration::from_secs(10);

/// A look that has not come back by then was put to nobody: there was no address.
const CHECK_LOST_AFTER: Duration = Duration::from_secs(5);

/// One broker: what it has answered, what it owes, and what looks at it have brought.
#[derive(Debug, Default)]
pub(super) struct BrokerTracker {
    pub(super) answered: Option<Time>,
    pub(super) overdue: BTreeMap<ConnectionRole, Time>,
    pub(super) tcp_states: BTreeMap<ConnectionRole, TcpState>,
    /// The newest event of the broker view found nobody, or was hung up on.
    is_closed: bool,
    /// Since when the `connect` probe has got no answer, though kept connections may.
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
            // Only that it is behind is told by this probe and by no other.
            if let Some(streak) = streak.filter(|streak| streak.fault == Fault::Stale) {
                self.streaks.insert(Probe::Metadata, streak);
            }
        }
    }

    /// Whether new connections are taken is asked seldom; once one was not, it is looked at more often.
    fn connected(&mut self, event: &Event) {
        match event.raw_outcome {
            RawOutcome::Success(_) => self.unanswered_since = None,
            RawOutcome::TimedOut => _ = self.unanswered_since.get_or_insert(event.ended),
            RawOutcome::Failed(fault) if fault.is_unanswered() => _ = self.unanswered_since.get_or_insert(event.ended),
            _ => {}
        }
    }

    /// It is there: what looks have found before is over, and nobody looks again to find that out.
    fn has_answered(&mut self, at: Time) {
        self.answered = self.answered.max(Some(at));
        self.is_closed = false;
        if self.last_check.is_none_or(|looked| looked < at) {
            self.connect_checks = None;
        }
    }

    /// Whether it is time for a look at it.
    pub(super) fn wants_connect_check(&self, now: Time) -> bool {
        let suspicious = !self.overdue.is_empty() || self.is_closed || self.unanswered_since.is_some();
        let idle = self.check_began.is_none_or(|since| CHECK_LOST_AFTER <= now.since(since));
        let since = self.connect_checks.map(|checks| checks.began).into_iter().chain(self.unanswered_since).min();
        let for_long = since.is_some_and(|since| CHECK_SELDOM_AFTER <= now.since(since));
        let every = if for_long { CHECK_SELDOM } else { CHECK_EVERY };
        suspicious && idle && self.last_check.is_none_or(|at| every <= now.since(at))
    }

    /// A look has begun.
    pub(super) fn begin_connect_check(&mut self, now: Time) {
        self.check_began = Some(now);
        self.last_check = Some(now);
        // The first of a row is silent until it has ended.
        self.connect_checks.get_or_insert(ConnectChecks {
            began: now,
            failed: 0,
            fault: None,
            unanswered: true,
            tcp_accepted: false,
        });
    }

    /// A look is over.
    pub(super) fn on_connect_check(&mut self, at: Time, fault: Option<Fault>) {
        let began = self.check_began.take().unwrap_or(at);
        // Nothing else clears a look that ends after the evidence has.
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

/// A row of bad answers after one more event; none after a good one. What is void says nothing.
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
    use super::super::tests::{at, event};
    use super::*;

    #[test]
    fn look_that_is_answered_clears_the_suspect() {
        let mut suspect = BrokerTracker { is_closed: true, ..BrokerTracker::default() };
        assert!(suspect.wants_connect_check(at(0)));
        suspect.begin_connect_check(at(0));
        assert!(!suspect.wants_connect_check(at(4000)), "one at a time");
        suspect.on_connect_check(at(100), Some(Fault::ConnectionRefused));
        assert!(!suspect.wants_connect_check(at(999)) && suspect.wants_connect_check(at(1000)));
        let checks = suspect.connect_checks.expect("a row");
        assert_eq!((checks.began, checks.failed, checks.unanswered), (at(0), 1, false));
        suspect.begin_connect_check(at(1000));
        suspect.on_connect_check(at(1001), None);
        assert_eq!((suspect.connect_checks, suspect.wants_connect_check(at(9000))), (None, false));
    }

    #[test]
    fn row_of_unanswered_for_begins_anew_with_a_refusal() {
        let mut suspect =
            BrokerTracker { overdue: BTreeMap::from([(ConnectionRole::Produce, at(0))]), ..BrokerTracker::default() };
        for begin in [0, 2000] {
            suspect.begin_connect_check(at(begin));
            suspect.on_connect_check(at(begin + 2000), Some(Fault::NoHandshake));
        }
        assert_eq!(
            suspect.connect_checks.map(|checks| (checks.began, checks.failed, checks.unanswered)),
            Some((at(0), 2, true))
        );
        suspect.begin_connect_check(at(4000));
        suspect.on_connect_check(at(6000), Some(Fault::ConnectTimeout));
        assert!(suspect.connect_checks.is_some_and(|checks| checks.tcp_accepted), "its machine was there");
        suspect.begin_connect_check(at(7000));
        suspect.on_connect_check(at(7001), Some(Fault::ConnectionRefused));
        assert_eq!(
            suspect.connect_checks.map(|checks| (checks.began, checks.failed, checks.unanswered)),
            Some((at(7000), 1, false))
        );
    }

    #[test]
    fn answer_ends_what_looks_have_found_before_it_and_not_what_they_find_after() {
        let mut suspect = BrokerTracker { is_closed: true, ..BrokerTracker::default() };
        suspect.begin_connect_check(at(1000));
        suspect.on_connect_check(at(1001), Some(Fault::ConnectionRefused));
        suspect.has_answered(at(900));
        assert!(suspect.connect_checks.is_some(), "it answered before it was refused");
        suspect.has_answered(at(1500));
        assert_eq!((suspect.connect_checks, suspect.is_closed), (None, false));
    }

    #[test]
    fn broker_that_hangs_for_long_is_last_check_seldom() {
        let mut suspect =
            BrokerTracker { overdue: BTreeMap::from([(ConnectionRole::Produce, at(0))]), ..BrokerTracker::default() };
        let checks = (0..60_000).step_by(100).filter(|now| {
            let wanted = suspect.wants_connect_check(at(*now));
            if wanted {
                suspect.begin_connect_check(at(*now));
                suspect.on_connect_check(at(now + 2000), Some(Fault::NoHandshake));
            }
            wanted
        });
        assert_eq!(checks.count(), 10 + 5);
    }

    #[test]
    fn look_without_an_address_is_not_waited_for_for_ever() {
        let mut suspect = BrokerTracker { is_closed: true, ..BrokerTracker::default() };
        suspect.begin_connect_check(at(0));
        assert!(suspect.wants_connect_check(at(5000)));
    }

    #[test]
    fn row_of_bad_answers_is_counted_from_its_first_and_ends_with_a_good_one() {
        let first = continued(&event(1000, RawOutcome::TimedOut), None);
        let second = continued(&event(3000, RawOutcome::Failed(Fault::ConnectionReset)), first).expect("a row");
        assert_eq!((second.bad, second.since, second.fault), (2, at(1000), Fault::ConnectionReset));
        let void = RawOutcome::Void(prober_core::event::VoidReason::Stall);
        assert_eq!(continued(&event(5000, void), Some(second)), Some(second), "what is void says nothing");
        assert_eq!(continued(&event(7000, RawOutcome::Success(Duration::ZERO)), Some(second)), None);
    }
}
