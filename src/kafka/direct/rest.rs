//! Probes that rest: what the cluster refuses for good, as for want of a permission, it would refuse again at the next
//! question. It is asked again after a pause that doubles: permissions that are taken away by mistake are given back soon,
//! and those that nobody means to give are not asked for all the time. Meanwhile the probe has nobody to ask, and until it
//! has been answered well the page says what would help.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prober_core::ids::Probe;
use prober_core::time::Time;
use prober_probes::port::AskInput;

use super::Context;

/// The first pause, and the longest.
const REST_MIN: Duration = Duration::from_secs(5);
const REST_MAX: Duration = Duration::from_secs(600);

/// Neither refused nor answered well for so long after a rest, it is not known any more that it would be refused.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

/// Which probes rest. Clones share it.
#[derive(Clone)]
pub(super) struct Rests {
    context: Context,
    refused: Arc<Mutex<BTreeMap<Probe, Rest>>>,
}

/// One rest, and the last that is known of the refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rest {
    until: Time,
    length: Duration,
}

impl Rest {
    /// After a refusal at `now`; `before` is the one that has just ended.
    fn begin(now: Time, before: Option<Rest>) -> Rest {
        let before = before.filter(|before| !before.is_forgotten(now));
        let length = before.map_or(REST_MIN, |before| if before.is_on(now) { before.length } else { 2 * before.length });
        let length = length.min(REST_MAX);
        Rest { until: now + length, length }
    }

    fn is_on(self, now: Time) -> bool {
        now < self.until
    }

    fn is_forgotten(self, now: Time) -> bool {
        self.until + FORGOTTEN_AFTER <= now
    }
}

impl Rests {
    /// None does.
    pub(super) fn new(context: Context) -> Rests {
        Rests { context, refused: Arc::default() }
    }

    /// A probe rests from now on; the message says why, and what would help.
    pub(super) fn begin(&self, probe: Probe, message: String) {
        let now = self.context.clock.now();
        let mut refused = self.refused();
        let rest = Rest::begin(now, refused.get(&probe).copied());
        refused.insert(probe, rest);
        self.tell(probe, Some(message));
    }

    /// A probe was answered well: nothing is in its way.
    pub(super) fn permitted(&self, probe: Probe) {
        if self.refused().remove(&probe).is_some() {
            self.tell(probe, None);
        }
    }

    /// Whether a probe rests still.
    pub(super) fn is_on(&self, probe: Probe) -> bool {
        let now = self.context.clock.now();
        let mut refused = self.refused();
        let Some(rest) = refused.get(&probe).copied() else { return false };
        if rest.is_forgotten(now) {
            refused.remove(&probe);
            self.tell(probe, None);
        }
        rest.is_on(now)
    }

    fn refused(&self) -> MutexGuard<'_, BTreeMap<Probe, Rest>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, probe: Probe, message: Option<String>) {
        (self.context.tell)(AskInput::Impeded { probe, message: message.map(Arc::from) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_millis(seconds * 1000)
    }

    #[test]
    fn each_refusal_after_a_rest_doubles_it_up_to_ten_minutes() {
        let (mut rest, mut now, mut lengths) = (None, at(1), Vec::new());
        for _ in 0..9 {
            let begun = Rest::begin(now, rest);
            lengths.push(begun.length.as_secs());
            now = begun.until + Duration::from_secs(1);
            rest = Some(begun);
        }
        assert_eq!(lengths, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
    }

    #[test]
    fn refusals_that_were_on_their_way_when_the_rest_began_do_not_double_it() {
        let first = Rest::begin(at(1), None);
        assert_eq!(Rest::begin(at(2), Some(first)), Rest { until: at(7), length: REST_MIN });
    }

    #[test]
    fn refusal_long_after_the_last_is_the_first_again() {
        let long_ago = Rest { until: at(100), length: REST_MAX };
        assert_eq!(Rest::begin(at(200), Some(long_ago)).length, REST_MIN);
    }
}
