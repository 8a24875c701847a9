//! Real Kafka, one fault a file. The tests compare the prober with what the harness did and read, never with the prober itself.
//!
//! Starting a cluster takes 10 s and more on two cores, so tests share one: [`default_cluster`] has the tests on three plain
//! brokers, [`special_clusters`] those that need other settings. The test runner runs tests by name, one at a time, so that the
//! tests of a folder follow one another; see [`harness::shared_cluster_with`].
#![expect(clippy::panic, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stderr, reason = "what a test measured is printed beside its result")]
#![expect(clippy::disallowed_methods, reason = "a test measures real time")]

#[path = "../harness/mod.rs"]
mod harness;
#[path = "../support/mod.rs"]
mod support;

mod default_cluster;
mod special_clusters;
