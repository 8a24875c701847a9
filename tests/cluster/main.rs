//! Real Kafka, one incident a file. What happened is judged by the harness's own log, never by the prober's word.
#![expect(clippy::panic, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stderr, reason = "what a test measured is said beside its verdict")]

#[path = "../harness/mod.rs"]
mod harness;

mod broker_frozen;
mod broker_killed;
mod check_command;
mod client_frozen;
mod cluster_down;
mod collector;
mod counts_agree;
mod healthy;
mod integrity;
mod observation;
mod offsets_grow;
mod prober_frozen;
mod support;
mod topic_not_ours;
mod unclean_election;
