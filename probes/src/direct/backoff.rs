//! Pauses a probe that the cluster refuses until somebody changes something, such as a permission.
//!
//! A pause grows with the time since the first refusal: a permission that was removed by mistake is usually restored soon,
//! and one that is withheld on purpose is not requested all the time. A paused probe has no targets; until an attempt
//! succeeds, the reason and the remedy are reported.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prober_core::ids::Probe;
use prober_core::time::Time;

use crate::clock::Clock;
use crate::direct::context::Report;
use crate::port::ProbeInput;

/// A pause is the time since the first refusal divided by this, within the limits below.
const REFUSED_TIME_DIVISOR: u32 = 2;

/// Limits of a pause.
const PAUSE_MIN: Duration = Duration::from_secs(10);
const PAUSE_MAX: Duration = Duration::from_secs(600);

/// Neither refused nor successful for this long after a pause: whether the probe would be refused is not known any more.
const EXPIRES_AFTER: Duration = Duration::from_secs(60);

/// The probes that pause. Clones share them.
#[derive(Clone)]
pub struct ProbeBackoff {
    clock: Clock,
    report: Report,
    pauses: Arc<Mutex<BTreeMap<Probe, Pause>>>,
}

/// The newest pause of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pause {
    /// The first refusal.
    refused_since: Time,
    until: Time,
}

impl Pause {
    /// Begins with a refusal at `now`, after an earlier pause.
    fn begin(now: Time, earlier: Option<Pause>) -> Pause {
        let earlier = earlier.filter(|earlier| !earlier.is_expired(now));
        let refused_since = earlier.map_or(now, |earlier| earlier.refused_since);
        let pause = (now.since(refused_since) / REFUSED_TIME_DIVISOR).clamp(PAUSE_MIN, PAUSE_MAX);
        Pause { refused_since, until: now + pause }
    }

    fn is_on(self, now: Time) -> bool {
        now < self.until
    }

    fn is_expired(self, now: Time) -> bool {
        self.until + EXPIRES_AFTER <= now
    }
}

impl ProbeBackoff {
    /// No probe pauses.
    pub fn new(clock: Clock, report: Report) -> ProbeBackoff {
        ProbeBackoff { clock, report, pauses: Arc::default() }
    }

    /// The cluster refuses a probe, which pauses from now on. The message says why, and what to do about it.
    pub fn on_refused(&self, probe: Probe, message: String) {
        let now = self.clock.now();
        let mut pauses = self.lock();
        let pause = Pause::begin(now, pauses.get(&probe).copied());
        pauses.insert(probe, pause);
        self.report(probe, Some(message));
    }

    /// An attempt of the probe succeeded: it is not refused any more.
    pub fn on_success(&self, probe: Probe) {
        if self.lock().remove(&probe).is_some() {
            self.report(probe, None);
        }
    }

    /// Whether a probe pauses now.
    pub fn is_paused(&self, probe: Probe) -> bool {
        let now = self.clock.now();
        let mut pauses = self.lock();
        let Some(pause) = pauses.get(&probe).copied() else { return false };
        if pause.is_expired(now) {
            pauses.remove(&probe);
            self.report(probe, None);
        }
        pause.is_on(now)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Probe, Pause>> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, probe: Probe, message: Option<String>) {
        (self.report)(ProbeInput::Blocked { probe, message: message.map(Arc::from) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_millis(seconds * 1000)
    }

    #[test]
    fn pauses_grow_with_the_time_since_the_first_refusal_up_to_ten_minutes() {
        let mut pause = Pause::begin(at(1), None);
        let mut longest = PAUSE_MIN;
        for _ in 0..40 {
            let next = Pause::begin(pause.until + Duration::from_secs(1), Some(pause));
            let length = next.until.since(pause.until) - Duration::from_secs(1);
            assert!(longest <= length && length <= PAUSE_MAX, "{length:?} after {longest:?}");
            longest = length;
            pause = next;
        }
        assert_eq!(longest, PAUSE_MAX);
    }

    #[test]
    fn permission_that_is_missing_for_half_a_minute_is_requested_every_ten_seconds() {
        let (mut pause, mut longest) = (Pause::begin(at(1), None), PAUSE_MIN);
        while pause.until < at(25) {
            let now = pause.until;
            pause = Pause::begin(now, Some(pause));
            longest = longest.max(pause.until.since(now));
        }
        assert_eq!(longest, PAUSE_MIN);
    }

    #[test]
    fn refusal_long_after_the_last_counts_as_the_first() {
        let long_ago = Pause { refused_since: at(1), until: at(100) };
        assert_eq!(Pause::begin(at(200), Some(long_ago)), Pause { refused_since: at(200), until: at(210) });
    }
}
