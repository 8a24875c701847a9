//! The connections to one broker compared with each other. A process that pauses or is slow delays all of them; a network that loses
//! packets delays one at a time, by TCP's retransmission time-out (200 ms or more, RFC 6298), while the others are answered.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use crate::ids::ConnectionRole;
use crate::time::Time;

/// An answer this close to the start or the end of a wait does not count as received during it: it may have been in flight at the
/// start, or have been released together with the late answer.
const MARGIN: Duration = Duration::from_millis(25);

/// Answers remembered per broker at most, of the last [`COUNTED_FOR`]: more than arrive during the longest wait (a deadline of 5 s)
/// at the shortest interval that can be configured (10 ms).
const ANSWERS_KEPT: usize = 2048;

/// Window in which stalls are counted.
const COUNTED_FOR: Duration = Duration::from_secs(20);

/// Without a stall for this long the episode has ended.
const END_AFTER: Duration = Duration::from_millis(6500);

/// Stalls within [`COUNTED_FOR`] from which packet loss is the cause.
const OFTEN: usize = 5;

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
        OFTEN <= self.stalls && 2 <= self.connections
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
        let (from, to) = (sent + MARGIN, ended - MARGIN);
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
        let lately = || self.stalled.iter().filter(|(at, _)| now.since(*at) <= COUNTED_FOR);
        let connections: BTreeSet<ConnectionRole> = lately().map(|(_, role)| *role).collect();
        let is_ongoing = self.stalled.back().is_some_and(|(last, _)| now.since(*last) < END_AFTER);
        SingleConnectionStalls { stalls: lately().count(), connections: connections.len(), is_ongoing }
    }

    /// Drops all stalls, because another failure explains them.
    pub fn reset(&mut self) {
        self.stalled.clear();
    }
}

fn push(ring: &mut VecDeque<(Time, ConnectionRole)>, one: (Time, ConnectionRole)) {
    let is_old = |at: Time| COUNTED_FOR < one.0.since(at);
    while ring.front().is_some_and(|(at, _)| is_old(*at)) || ANSWERS_KEPT <= ring.len() {
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
}
