//! Two brokers and a separate controller. A replica that is not in sync may become leader, and compacted topics are not cleaned.
//! A broker's session ends after 5 s instead of 9 s: the tests wait for that several times and do not measure it.

mod consumer_offsets_growth;
mod unclean_election;

use crate::harness::Options;

fn options() -> Options {
    let options = Options { name: "two-brokers".to_owned(), brokers: 2, controllers: 1, ..Options::default() };
    options
        .with("unclean.leader.election.enable", "true")
        .with("log.cleaner.enable", "false")
        .with("broker.session.timeout.ms", "5000")
        .with("broker.heartbeat.interval.ms", "1000")
}
