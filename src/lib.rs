//! kafka-prober: continuous end-to-end probing of Apache Kafka, per broker.
//!
//! # Structure
//!
//! Dependencies point inward: `prober-core` (pure judgement) ← `prober-probes` (the probes) ← this package,
//! the program. Read it in this order:
//!
//! | module | holds |
//! | --- | --- |
//! | [`app`] | the wiring: which part runs on which runtime, and in which order they end |
//! | [`engine`] | the one task that owns the ledger |
//! | [`vitals`] | vital signs of the prober itself |
//! | [`supervisor`] | ends the process when a task ends or panics |
//! | [`kafka`] | implements the ports of the probes: the raw wire, the lanes |
//! | [`exporters`] | one file or folder each: OTLP, Prometheus |
//! | [`web`] | the listener: metrics, health, status |
//! | [`recording`] | recordings as text, in files, on a page |
//! | [`config`] | layers of configuration, and their validation |
//! | [`cli`] | the subcommands |
//!
//! # Invariants
//!
//! - Data flows one way: schedule → probe → event → engine → snapshot → everyone else.
//! - `kafka`, `exporters` and `web` do not import each other; [`app`] wires and spawns.
//! - Probes have a runtime of their own: no page and no export can delay a probe.
//! - A failed probe is a value. An error is a failure of the prober itself.

pub mod app;
pub mod cli;
pub mod config;
pub mod engine;
pub mod exporters;
pub mod kafka;
pub mod recording;
pub mod supervisor;
pub mod vitals;
pub mod web;

/// Certificates for tests.
#[cfg(test)]
#[path = "../tests/harness/authority.rs"]
mod authority;
