//! Probes that rest: what the cluster refuses for good, as for want of a permission, it would refuse again at the next
//! question. The longer it has been refused, the more seldom it is asked: permissions that are taken away by mistake are
//! given back soon, and those that nobody means to give are not asked for all the time. Meanwhile the probe has nobody to
//! ask, and until it has been answered well the page says what would help.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prober_core::ids::Probe;
use prober_core::time::Time;
use prober_probes::port::ProbeInput;

use super::Context;

/// A rest is as long as this part of the time for which it has been refused…
const REST_PART: u32 = 2;

/// …within these limits.
const REST_MIN: Duration = Duration::from_secs(10);
const REST_MAX: Duration = Duration::from_secs(600);

/// Neither refused nor answered well for so long after a rest, it is not known any more that it would be refused.
const DECOMMISSIONED_AFTER: Duration = Duration::from_secs(60);

/// Which probes rest. Clones share it.
#[derive(Clone)]
pub(super) struct Rests {
    context: Context,
    refused: Arc<Mutex<BTreeMap<Probe, Rest>>>,
}

/// One rest, and the refusal that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rest {
    since: Time,
    until: Time,
}

impl Rest {
    /// After a refusal at `now`; `before` is the rest after the one before.
    fn begin(now: Time, before: Option<Rest>) -> Rest {
        let since = before.filter(|before| !before.is_decommissioned(now)).map_or(now, |before| before.since);
        Rest { since, until: now + (now.since(since) / REST_PART).clamp(REST_MIN, REST_MAX) }
    }

    fn is_on(self, now: Time) -> bool {
        now < self.until
    }

    fn is_decommissioned(self, now: Time) -> bool {
        self.until + DECOMMISSIONED_AFTER <= now
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
        if rest.is_decommissioned(now) {
            refused.remove(&probe);
            self.tell(probe, None);
        }
        rest.is_on(now)
    }

    fn refused(&self) -> MutexGuard<'_, BTreeMap<Probe, Rest>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, probe: Probe, message: Option<String>) {
        (self.context.tell)(ProbeInput::Blocked { probe, message: message.map(Arc::from) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_millis(seconds * 1000)
    }

    #[test]
    fn rests_grow_with_the_time_of_refusal_up_to_ten_minutes() {
        let mut rest = Rest::begin(at(1), None);
        let mut longest = REST_MIN;
        for _ in 0..40 {
            let next = Rest::begin(rest.until + Duration::from_secs(1), Some(rest));
            let length = next.until.since(rest.until) - Duration::from_secs(1);
            assert!(longest <= length && length <= REST_MAX, "{length:?} after {longest:?}");
            longest = length;
            rest = next;
        }
        assert_eq!(longest, REST_MAX);
    }

    #[test]
    fn permission_that_is_missing_for_half_a_minute_is_asked_for_every_ten_seconds() {
        let (mut rest, mut longest) = (Rest::begin(at(1), None), REST_MIN);
        while rest.until < at(25) {
            let now = rest.until;
            rest = Rest::begin(now, Some(rest));
            longest = longest.max(rest.until.since(now));
        }
        assert_eq!(longest, REST_MIN);
    }

    #[test]
    fn refusal_long_after_the_last_is_the_first_again() {
        let long_ago = Rest { since: at(1), until: at(100) };
        assert_eq!(Rest::begin(at(200), Some(long_ago)), Rest { since: at(200), until: at(210) });
    }
}
