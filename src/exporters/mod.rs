//! Where the counts go: OTLP and Prometheus, from the same [`points`] of the same snapshot, so that they cannot
//! disagree. Nothing here counts events; the ledger does.
//!
//! A new exporter is one file, one line here and one section of the configuration.

pub mod otlp;
pub mod prometheus;

mod points;
mod stats;

#[cfg(test)]
mod fixture;

use std::time::Duration;

use prober_core::event::Event;
use prober_core::ids::{Broker, ClusterName, Phase};
use prober_core::ledger::Counted;

pub use points::{Point, Value, points};
pub use stats::{ExportResult, ExportStats};

/// Takes single durations as they happen, for exporters whose histograms are not read from a snapshot.
///
/// Called on the probe's thread: an implementation neither waits nor works for long.
pub trait Recorder: Send + Sync {
    /// An event was counted.
    fn counted(&self, event: &Event, counted: &Counted);

    /// A phase of a direct probe was passed.
    fn phase(&self, cluster: &ClusterName, broker: Broker, phase: Phase, took: Duration);

    /// A heartbeat of the prober's own was this late; `kind` is `task` or `thread`.
    fn lag(&self, kind: &'static str, lag: Duration);
}

/// The recorder when nobody asks for single durations.
impl Recorder for () {
    fn counted(&self, _: &Event, _: &Counted) {}

    fn phase(&self, _: &ClusterName, _: Broker, _: Phase, _: Duration) {}

    fn lag(&self, _: &'static str, _: Duration) {}
}
