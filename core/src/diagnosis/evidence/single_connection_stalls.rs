//! The connections to one broker compared with each other. A process that pauses or is slow delays all of them; a network that loses
//! packets delays one at a time, by TCP's retransmission time-out (200 ms or more, RFC 6298), while the others are answered.

use std::collections::{BTreeSet, VecDeque};

use crate::diagnosis::thresholds::{bounds, latency};
use crate::ids::ConnectionRole;
use crate::time::Time;

/// Recent stalls of single connections to one broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SingleConnectionStalls {
    /// Late answers during which another connection to the same broker was answered.
    pub stalls: usize,
    /// Number of connections that they were on.
    pub connections: usize,
    /// Whether the newest of them is so recent that the episode has not ended.
    pub is_ongoing: bool,
}

impl SingleConnectionStalls {
    /// Whether the network path is the cause, rather than the kind of request that one connection is used for, or was until just
    /// now.
    pub fn is_often(self) -> bool {
        latency::STALLS_OFTEN.get() <= self.stalls && latency::STALLED_CONNECTIONS_MIN.get() <= self.connections
    }
}

/// Finds the stalls among the answers of one broker.
#[derive(Clone, Debug, Default)]
pub struct StallDetector {
    /// Answers that were not late.
    answered: VecDeque<(Time, ConnectionRole)>,
    /// Late answers during which another connection was answered.
    stalled: VecDeque<(Time, ConnectionRole)>,
}

impl StallDetector {
    /// Takes in a request over `role` that ended at `ended`: answered, `late` or not, or unanswered (`None`). True if the broker
    /// answered another connection in time while it was waited for.
    pub fn on_answer(&mut self, role: ConnectionRole, sent: Time, ended: Time, late: Option<bool>) -> bool {
        let (from, to) = (sent + latency::STALL_MARGIN.get(), ended - latency::STALL_MARGIN.get());
        let answered_elsewhere = self.answered.iter().any(|(at, other)| *other != role && from < *at && *at < to);
        match late {
            // A long-poll fetch is answered right after the ack, however long that took, so it is no sign of a prompt broker.
            Some(false) if role != ConnectionRole::Fetch => push(&mut self.answered, (ended, role)),
            Some(true) if answered_elsewhere => push(&mut self.stalled, (ended, role)),
            _ => {}
        }
        answered_elsewhere
    }

    /// The recent stalls at `now`.
    pub fn stalls(&self, now: Time) -> SingleConnectionStalls {
        let lately = || self.stalled.iter().filter(|(at, _)| now.since(*at) <= latency::STALLS_COUNTED_FOR.get());
        let connections: BTreeSet<ConnectionRole> = lately().map(|(_, role)| *role).collect();
        let is_ongoing =
            self.stalled.back().is_some_and(|(last, _)| now.since(*last) < latency::STALLS_END_AFTER.get());
        SingleConnectionStalls { stalls: lately().count(), connections: connections.len(), is_ongoing }
    }

    /// Drops all stalls, because another failure explains them.
    pub fn reset(&mut self) {
        self.stalled.clear();
    }
}

fn push(ring: &mut VecDeque<(Time, ConnectionRole)>, one: (Time, ConnectionRole)) {
    let is_old = |at: Time| latency::STALLS_COUNTED_FOR.get() < one.0.since(at);
    while ring.front().is_some_and(|(at, _)| is_old(*at)) || bounds::STALL_ANSWERS_MAX.get() <= ring.len() {
        ring.pop_front();
    }
    ring.push_back(one);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn stall_of_one_connection_differs_from_a_pause_of_the_process() {
        let mut connections = StallDetector::default();
        connections.on_answer(ConnectionRole::Control, at(1000), at(1003), Some(false));
        assert!(
            !connections.on_answer(ConnectionRole::Produce, at(1100), at(1400), Some(true)),
            "no connection was answered in between"
        );
        connections.on_answer(ConnectionRole::Control, at(2200), at(2203), Some(false));
        assert!(connections.on_answer(ConnectionRole::Produce, at(2100), at(2400), Some(true)));
        let one = SingleConnectionStalls { stalls: 1, connections: 1, is_ongoing: true };
        assert_eq!(connections.stalls(at(2400)), one);
        assert_eq!(connections.stalls(at(12_400)), SingleConnectionStalls { is_ongoing: false, ..one });
        assert_eq!(connections.stalls(at(22_500)), SingleConnectionStalls::default());
    }

    #[test]
    fn connections_that_are_all_slow_are_no_single_connection_stalls() {
        let mut connections = StallDetector::default();
        for sent in (1000..20_000).step_by(100) {
            let role = if sent % 200 == 0 { ConnectionRole::Produce } else { ConnectionRole::Control };
            assert!(!connections.on_answer(role, at(sent), at(sent + 400), Some(true)));
        }
    }

    #[test]
    fn answers_released_together_after_a_pause_are_no_single_connection_stalls() {
        let mut connections = StallDetector::default();
        for (role, ended) in [
            (ConnectionRole::Fetch, 1500),
            (ConnectionRole::Control, 1502),
            (ConnectionRole::Produce, 1503),
            (ConnectionRole::Fresh, 1530),
        ] {
            assert!(!connections.on_answer(role, at(1000), at(ended), Some(true)), "{role:?}");
        }
    }

    #[test]
    fn stall_counts_for_twenty_seconds_and_is_ongoing_for_six() {
        let mut connections = StallDetector::default();
        connections.on_answer(ConnectionRole::Control, at(2200), at(2203), Some(false));
        connections.on_answer(ConnectionRole::Produce, at(2100), at(2400), Some(true));
        let at_second = |second: u64| {
            let stalls = connections.stalls(at(2400 + 1000 * second));
            (stalls.stalls, stalls.is_ongoing)
        };
        assert_eq!([6, 7, 20, 21].map(at_second), [(1, true), (1, false), (1, false), (0, false)]);
    }

    #[test]
    fn four_stalls_are_not_often_and_five_are_unless_on_one_connection() {
        let of = |stalls, connections| SingleConnectionStalls { stalls, connections, is_ongoing: true }.is_often();
        assert_eq!([of(4, 2), of(5, 2), of(5, 1)], [false, true, false]);
    }

    #[test]
    fn answer_twenty_milliseconds_after_the_start_of_a_wait_is_not_received_during_it() {
        for (after, is_elsewhere) in [(20, false), (40, true)] {
            let mut connections = StallDetector::default();
            connections.on_answer(ConnectionRole::Control, at(1000), at(2000 + after), Some(false));
            let stalls = connections.on_answer(ConnectionRole::Produce, at(2000), at(2400), Some(true));
            assert_eq!(stalls, is_elsewhere, "{after} ms");
        }
    }
}
