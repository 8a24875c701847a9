//! Three brokers that are controllers as well, with the harness's default settings. Each test leaves the cluster usable: what it
//! froze, killed or created is undone before the next one.

mod broker_frozen;
mod broker_killed;
mod canary;
mod check_command;
mod client_frozen;
mod collector;
mod coordinators;
mod counts_agree;
mod foreign_topic;
mod healthy;
mod integrity;
mod observation;
mod prober_frozen;
