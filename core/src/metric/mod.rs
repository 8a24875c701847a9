//! The catalogue of exported metrics, and how much of it is exported.
//!
//! A new metric is three edits: a row in `catalogue.rs`; its points in `src/exporters/points/`, chained into
//! `points()` at the same place as the row; its value in `src/exporters/fixture.rs`, where the fixture does not have it
//! yet. `UPDATE_DOCS=1 cargo test --lib metrics_page` then writes docs/metrics.md again. A test fails for each edit that
//! is missing.

mod catalogue;

pub use catalogue::*;

use serde::{Deserialize, Serialize};

use crate::ids::{Probe, View};

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A cumulative whole number that only grows.
    Counter,
    /// A cumulative fraction that only grows, such as seconds.
    Sum,
    /// The current value.
    Gauge,
    /// Durations by bucket, cumulative.
    Histogram,
}

impl Kind {
    /// The name in documents; a sum is a counter to every reader.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Counter | Kind::Sum => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// How much is exported; each level includes those before it. Budgets are in time series, where a histogram counts as
/// Prometheus counts it: one series for each bucket, one for the sum and one for the count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Objectives, broker states, findings and what is needed to trust them: at most 40 series a broker.
    Slo,
    /// Every event and error, the main latencies, and the observed state of the cluster: at most 200 series a broker.
    #[default]
    Standard,
    /// Also every latency, the phases of a connection, and attempts due and sent.
    Full,
}

impl Level {
    /// Every level.
    pub const ALL: [Level; 3] = [Level::Slo, Level::Standard, Level::Full];

    /// The value of `metrics.level`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Level::Slo => "slo",
            Level::Standard => "standard",
            Level::Full => "full",
        }
    }

    /// The level of that name.
    pub fn parse(text: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.as_str() == text)
    }
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The OTLP name. The Prometheus name follows from it by the standard translation.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// Its unit, in UCUM.
    pub unit: &'static str,
    /// The lowest level that exports it.
    pub level: Level,
    /// Its attributes, `kafka_cluster` and `vantage` first. A point leaves out those that do not apply to it.
    pub attributes: &'static [&'static str],
    /// What it means, in one sentence.
    pub help: &'static str,
}

/// The lowest level that exports the latencies of a probe. `standard` has the write to each broker, and the whole round
/// trip in both views: a histogram costs as many series as everything else about a broker's probe together.
pub fn duration_level(view: View, probe: Probe) -> Level {
    match (view, probe) {
        (View::Broker, Probe::Produce | Probe::EndToEnd) | (View::Client, Probe::EndToEnd) => Level::Standard,
        _ => Level::Full,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_cluster_and_vantage() {
        assert!(ALL.iter().all(|metric| metric.attributes.starts_with(&["kafka_cluster", "vantage"])));
    }

    #[test]
    fn names_do_not_repeat() {
        let mut names: Vec<_> = ALL.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn help_needs_no_escaping_in_any_text_format() {
        assert!(ALL.iter().all(|metric| !metric.help.contains(['\\', '\n', '"'])));
    }

    #[test]
    fn levels_have_the_names_of_the_configuration() {
        assert_eq!(Level::ALL.map(|level| Level::parse(level.as_str())), Level::ALL.map(Some));
        assert_eq!(Level::parse("all"), None);
    }
}
