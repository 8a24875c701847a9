//! The connections of one broker, against each other. A process that stands still, or is slow, holds up all of them; a network
//! that loses packets holds up one at a time, for as long as TCP takes to send again (200 ms and more, RFC 6298), while the
//! others are answered.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use crate::ids::ConnectionRole;
use crate::time::Time;

/// An answer that was on its way already when a question was put, or comes with the answer to it, says nothing of the time
/// between.
const ON_ITS_WAY: Duration = Duration::from_millis(25);

/// Answers of a broker whose times are remembered: more than any wait is long at default rates.
const ANSWERS: usize = 128;

/// Late ones are counted for so long.
const COUNTED_FOR: Duration = Duration::from_secs(20);

/// None for so long, and it is over.
const OVER_AFTER: Duration = Duration::from_millis(6500);

/// So many of them, a lossy way is held up now and then and always somewhere.
const OFTEN: usize = 5;

/// What was held up by itself, lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SingleConnectionStalls {
    /// Late answers during which another connection to the same broker was answered.
    pub stalls: usize,
    /// On so many connections.
    pub connections: usize,
}

impl SingleConnectionStalls {
    /// Whether it is the way, rather than what one connection is used for.
    pub fn is_often(self) -> bool {
        OFTEN <= self.stalls && 2 <= self.connections
    }
}

/// One broker's connections.
#[derive(Clone, Debug, Default)]
pub struct StallDetector {
    /// In time.
    answered: VecDeque<(Time, ConnectionRole)>,
    stalled: VecDeque<(Time, ConnectionRole)>,
}

impl StallDetector {
    /// A question over `road` was answered at `ended`, in time or `late`, or was not; true if the broker answered another one in
    /// time while it was waited for.
    pub fn on_answer(&mut self, role: ConnectionRole, sent: Time, ended: Time, late: Option<bool>) -> bool {
        let (from, to) = (sent + ON_ITS_WAY, ended - ON_ITS_WAY);
        let answered_elsewhere = self.answered.iter().any(|(at, other)| *other != role && from < *at && *at < to);
        match late {
            // A record may be read right after its ack however long both took.
            Some(false) if role != ConnectionRole::Fetch => push(&mut self.answered, (ended, role)),
            Some(true) if answered_elsewhere => push(&mut self.stalled, (ended, role)),
            _ => {}
        }
        answered_elsewhere
    }

    /// What was held up by itself until `now`.
    pub fn stalls(&self, now: Time) -> SingleConnectionStalls {
        let lately = || self.stalled.iter().filter(|(at, _)| now.since(*at) <= COUNTED_FOR);
        if self.stalled.back().is_none_or(|(last, _)| OVER_AFTER <= now.since(*last)) {
            return SingleConnectionStalls::default();
        }
        let connections: BTreeSet<ConnectionRole> = lately().map(|(_, role)| *role).collect();
        SingleConnectionStalls { stalls: lately().count(), connections: connections.len() }
    }

    /// What was late says nothing any more.
    pub fn reset(&mut self) {
        self.stalled.clear();
    }
}

fn push(ring: &mut VecDeque<(Time, ConnectionRole)>, one: (Time, ConnectionRole)) {
    if ring.len() == ANSWERS {
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
    fn connection_that_waits_alone_is_told_from_a_process_that_stands_still() {
        let mut connections = StallDetector::default();
        connections.on_answer(ConnectionRole::Control, at(1000), at(1003), Some(false));
        assert!(
            !connections.on_answer(ConnectionRole::Produce, at(1100), at(1400), Some(true)),
            "nobody answered in between"
        );
        connections.on_answer(ConnectionRole::Control, at(2200), at(2203), Some(false));
        assert!(connections.on_answer(ConnectionRole::Produce, at(2100), at(2400), Some(true)));
        assert_eq!(connections.stalls(at(2400)), SingleConnectionStalls { stalls: 1, connections: 1 });
        assert_eq!(connections.stalls(at(12_400)), SingleConnectionStalls::default());
    }

    #[test]
    fn connections_that_are_all_slow_do_not_wait_one_at_a_time() {
        let mut connections = StallDetector::default();
        for sent in (1000..20_000).step_by(100) {
            let role = if sent % 200 == 0 { ConnectionRole::Produce } else { ConnectionRole::Control };
            assert!(!connections.on_answer(role, at(sent), at(sent + 400), Some(true)));
        }
    }

    #[test]
    fn all_that_comes_when_a_process_goes_on_came_together() {
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
