//! Real Kafka, one fault a file. The tests compare the prober with the harness's own actions and readings, never with the prober
//! itself.
//!
//! Starting a cluster takes 10 s and more on two cores, so tests share one: [`default_cluster`] has the tests on three plain
//! brokers, [`special_clusters`] those that need other settings. The test runner runs tests by name, one at a time, so that the
//! tests of a folder follow one another; see [`harness::shared_cluster_with`].
#![expect(clippy::panic, reason = "a test that cannot continue fails")]
#![expect(clippy::print_stderr, reason = "a test prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "a test measures real time")]

#[path = "../harness/mod.rs"]
mod harness;
#[path = "../support/mod.rs"]
mod support;

mod default_cluster;
mod special_clusters;
