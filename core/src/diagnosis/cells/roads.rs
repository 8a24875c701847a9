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
pub struct Apart {
    /// Late answers during which another connection to the same broker was answered.
    pub late: usize,
    /// On so many connections.
    pub roads: usize,
}

impl Apart {
    /// Whether it is the way, rather than what one connection is used for.
    pub fn is_often(self) -> bool {
        OFTEN <= self.late && 2 <= self.roads
    }
}

/// One broker's connections.
#[derive(Clone, Debug, Default)]
pub struct Roads {
    /// In time.
    answered: VecDeque<(Time, ConnectionRole)>,
    apart: VecDeque<(Time, ConnectionRole)>,
}

impl Roads {
    /// A question over `road` was answered at `ended`, in time or `late`, or was not; true if the broker answered another one in
    /// time while it was waited for.
    pub fn heard(&mut self, road: ConnectionRole, sent: Time, ended: Time, late: Option<bool>) -> bool {
        let (from, to) = (sent + ON_ITS_WAY, ended - ON_ITS_WAY);
        let meanwhile = self.answered.iter().any(|(at, other)| *other != road && from < *at && *at < to);
        match late {
            // A record may be read right after its ack however long both took.
            Some(false) if road != ConnectionRole::Fetch => push(&mut self.answered, (ended, road)),
            Some(true) if meanwhile => push(&mut self.apart, (ended, road)),
            _ => {}
        }
        meanwhile
    }

    /// What was held up by itself until `now`.
    pub fn apart(&self, now: Time) -> Apart {
        let lately = || self.apart.iter().filter(|(at, _)| now.since(*at) <= COUNTED_FOR);
        if self.apart.back().is_none_or(|(last, _)| OVER_AFTER <= now.since(*last)) {
            return Apart::default();
        }
        let roads: BTreeSet<ConnectionRole> = lately().map(|(_, road)| *road).collect();
        Apart { late: lately().count(), roads: roads.len() }
    }

    /// What was late says nothing any more.
    pub fn excuse(&mut self) {
        self.apart.clear();
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
        let mut roads = Roads::default();
        roads.heard(ConnectionRole::Control, at(1000), at(1003), Some(false));
        assert!(!roads.heard(ConnectionRole::Produce, at(1100), at(1400), Some(true)), "nobody answered in between");
        roads.heard(ConnectionRole::Control, at(2200), at(2203), Some(false));
        assert!(roads.heard(ConnectionRole::Produce, at(2100), at(2400), Some(true)));
        assert_eq!(roads.apart(at(2400)), Apart { late: 1, roads: 1 });
        assert_eq!(roads.apart(at(12_400)), Apart::default());
    }

    #[test]
    fn connections_that_are_all_slow_do_not_wait_one_at_a_time() {
        let mut roads = Roads::default();
        for sent in (1000..20_000).step_by(100) {
            let road = if sent % 200 == 0 { ConnectionRole::Produce } else { ConnectionRole::Control };
            assert!(!roads.heard(road, at(sent), at(sent + 400), Some(true)));
        }
    }

    #[test]
    fn all_that_comes_when_a_process_goes_on_came_together() {
        let mut roads = Roads::default();
        for (road, ended) in [
            (ConnectionRole::Fetch, 1500),
            (ConnectionRole::Control, 1502),
            (ConnectionRole::Produce, 1503),
            (ConnectionRole::Fresh, 1530),
        ] {
            assert!(!roads.heard(road, at(1000), at(ended), Some(true)), "{road:?}");
        }
    }
}
