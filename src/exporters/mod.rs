//! The metrics to OTLP and Prometheus, both from the same [`points()`] of one snapshot, so that they cannot disagree.
//! Nothing here counts events; the ledger does.
//!
//! A new exporter is one file, one line here and one section of the configuration.

pub mod otlp;
pub mod prometheus;

mod points;
mod stats;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod metrics_page;

pub use points::{Point, Value, points};
pub use stats::{ExportResult, ExportStats};
