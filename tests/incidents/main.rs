//! The incident suite: faults injected into real brokers or into the prober, and the prober's findings compared with what the
//! harness did.
//!
//! ```text
//! cargo test --test incidents short                     # eight incidents, at three times the goals' time
//! script/incidents                                      # all, at the goals; writes docs/incidents.md
//! script/incidents --only frozen,killed --repeat 20
//! script/soak 60                                        # a starved prober in front of a healthy cluster, 60 minutes
//! ```
//!
//! | module | what |
//! | --- | --- |
//! | [`catalog`] | the incidents, one fault a file |
//! | [`incident`] | what an incident is, and what it may expect |
//! | [`cluster_kind`], [`test_bed`] | the clusters on which incidents run; one cluster with a prober in front of it |
//! | [`runner`] | one incident from a healthy cluster to a healthy cluster |
//! | [`findings_monitor`] | which findings were active when, polled from the page |
//! | [`expectation`] | one expected finding in one run, and what the prober reported |
//! | [`report`], [`matrix`] | the result of one incident and where it violates its expectation; the results of many as a table |
//! | [`probe_counts`] | which probes an incident affected, at which brokers and how |
//! | [`record`] | the prober's recording of an incident, with what the harness did |
//! | [`short`], [`suite`], [`soak`] | the tests |
//!
//! The target is not part of a plain `cargo test` (`test = false` in Cargo.toml): `suite` and `soak` take one and a half hours
//! and ten minutes by default.
#![expect(clippy::panic, reason = "a test that cannot continue fails")]
#![expect(clippy::print_stderr, reason = "a test prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "a test measures real time")]

#[path = "../harness/mod.rs"]
mod harness;
#[path = "../support/mod.rs"]
mod support;

mod catalog;
mod cluster_kind;
mod expectation;
mod findings_monitor;
mod incident;
mod matrix;
mod probe_counts;
mod record;
mod report;
mod runner;
mod short;
mod soak;
mod suite;
mod test_bed;
