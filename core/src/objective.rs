//! An objective: which events, which latency threshold (or none), what target. Windows and burn rates build on it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::{Probe, View};
use crate::time::nanoseconds;

/// A service level objective over counted events. Every objective counts its own good and total, once; sums over
/// objectives mean nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// Its name, the `objective` label.
    pub name: String,
    /// The view whose events it judges.
    pub view: View,
    /// The probe whose events it judges.
    pub probe: Probe,
    /// A success at or above it is bad; `None` makes it an availability objective, where a slow success is good.
    #[serde(default, with = "nanoseconds::optional")]
    pub threshold: Option<Duration>,
    /// The share of good events aimed at, between 0 and 1.
    pub target: f64,
}

impl Objective {
    /// Whether it judges events of this view and probe.
    pub fn covers(&self, view: View, probe: Probe) -> bool {
        self.view == view && self.probe == probe
    }
}
