//! kafka-prober: end-to-end synthetic availability of Apache Kafka, per broker and without pause.
//!
//! # The house
//!
//! Dependencies point inward: `prober-core` (pure judgement) ← `prober-probes` (what we do to Kafka) ← this package,
//! the program. Read it in this order:
//!
//! | module | holds |
//! | --- | --- |
//! | [`app`] | the wiring: who runs where, and in which order things end |
//! | [`engine`] | the one task that owns the ledger |
//! | [`vitals`] | the prober watching itself |
//! | [`supervisor`] | a task that ends or panics ends the process |
//! | [`kafka`] | implements the ports of the probes: the raw wire, the lanes |
//! | [`exporters`] | one file or folder each: OTLP, Prometheus |
//! | [`web`] | the listener: metrics, health, status |
//! | [`config`] | layers of configuration, and what they mean |
//! | [`cli`] | the subcommands |
//!
//! # Invariants
//!
//! - Data flows one way: schedule → probe → event → engine → snapshot → everyone else.
//! - `kafka`, `exporters` and `web` never see each other; [`app`] alone wires and spawns.
//! - Two runtimes: no page and no export can delay a probe.
//! - A failed probe is a value. An error is our own failure.

pub mod app;
pub mod cli;
pub mod config;
pub mod engine;
pub mod exporters;
pub mod kafka;
pub mod supervisor;
pub mod vitals;
pub mod web;

/// Certificates that live as long as a test.
#[cfg(test)]
#[path = "../tests/harness/authority.rs"]
mod authority;
