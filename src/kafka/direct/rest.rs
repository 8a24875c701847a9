//! Probes that rest: what the cluster refuses for good, as for want of a permission, it would refuse again at the next
//! question. It is asked again much later, since permissions change; until then the probe has nobody to ask, and the page
//! says what would help.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prober_core::ids::Probe;
use prober_core::time::Time;
use prober_probes::port::AskInput;

use super::Context;

/// So long.
const REFUSED_FOR: Duration = Duration::from_secs(600);

/// Which probes rest. Clones share it.
#[derive(Clone)]
pub(super) struct Rests {
    context: Context,
    until: Arc<Mutex<BTreeMap<Probe, Time>>>,
}

impl Rests {
    /// None does.
    pub(super) fn new(context: Context) -> Rests {
        Rests { context, until: Arc::default() }
    }

    /// A probe rests from now on; the message says why, and what would help.
    pub(super) fn begin(&self, probe: Probe, message: String) {
        let until = self.context.clock.now() + REFUSED_FOR;
        self.until.lock().unwrap_or_else(PoisonError::into_inner).insert(probe, until);
        self.tell(probe, Some(message));
    }

    /// Whether a probe rests still.
    pub(super) fn is_on(&self, probe: Probe) -> bool {
        let mut resting = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(until) = resting.get(&probe) else { return false };
        if self.context.clock.now() < *until {
            return true;
        }
        resting.remove(&probe);
        self.tell(probe, None);
        false
    }

    fn tell(&self, probe: Probe, message: Option<String>) {
        (self.context.tell)(AskInput::Impeded { probe, message: message.map(Arc::from) });
    }
}
