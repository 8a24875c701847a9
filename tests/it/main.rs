//! The fast tests: the real binary, its configuration and pages, librdkafka's mock cluster, and rules of the repository.
//! No JVM; under a minute in all.
#![expect(clippy::panic, reason = "a test that cannot continue fails")]
#![expect(clippy::disallowed_methods, reason = "a test measures real time")]

#[path = "../harness/mod.rs"]
mod harness;
mod program;

mod check;
mod cli;
mod collector;
mod config;
mod demo;
mod explain;
mod impostor;
mod metrics_formats;
mod mock_cluster;
mod queries;
mod recordings;
mod replay;
mod run;
mod tidy;
