//! Three brokers and three controllers, which are separate processes, so that brokers can fail without the controller quorum
//! (docs/kafka-facts.md, K22). Broker 3 reaches the controllers through proxies, so that a test can cut it off from them.

mod controller_frozen;
mod not_enough_replicas;
mod stale_broker;

use crate::harness::Options;

fn options() -> Options {
    let options =
        Options { name: "controllers".to_owned(), controllers: 3, controller_proxy: Some(3), ..Options::default() };
    // A broker that waits for a frozen controller sends its next heartbeat, by default every 2 s, just before its session of 9 s
    // ends. Every second is in time on a busy machine as well.
    options.with("broker.heartbeat.interval.ms", "1000")
}
