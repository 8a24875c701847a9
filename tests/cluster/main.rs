//! Real Kafka, one incident a file. What happened is judged by the harness's own log, never by the prober's word.
#![expect(clippy::panic, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stderr, reason = "what a test measured is said beside its verdict")]
#![expect(clippy::disallowed_methods, reason = "a test measures real time")]

#[path = "../harness/mod.rs"]
mod harness;
#[path = "../support/mod.rs"]
mod support;

mod broker_frozen;
mod broker_killed;
mod canary;
mod check_command;
mod client_frozen;
mod client_port_dropped;
mod cluster_down;
mod collector;
mod consumer_offsets_growth;
mod controller_frozen;
mod coordinators;
mod counts_agree;
mod direct_probes;
mod foreign_topic;
mod healthy;
mod integrity;
mod not_enough_replicas;
mod observation;
mod permissions;
mod prober_frozen;
mod prober_network;
mod secured;
mod stale_broker;
mod unclean_election;
