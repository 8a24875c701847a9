//! Two brokers and a separate controller. A replica that is not in sync may become leader, and compacted topics are not cleaned.

mod consumer_offsets_growth;
mod unclean_election;

use crate::harness::Options;

fn options() -> Options {
    let options = Options { name: "two-brokers".to_owned(), brokers: 2, controllers: 1, ..Options::default() };
    options.with("unclean.leader.election.enable", "true").with("log.cleaner.enable", "false")
}
