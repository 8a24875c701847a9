//! What the prober costs, and how close to the truth its latencies are: measured and held against the goals.
//!
//! ```text
//! script/bench                                   # everything, kept in target/bench/
//! cargo bench --bench cluster [three|hundred]    # Markdown on stdout
//! ```
//!
//! | module | what |
//! | --- | --- |
//! | [`three`] | three real brokers: each lane alone, both lanes, and one broker frozen |
//! | [`turns`] | one lane and its yardstick, block by block |
//! | [`hundred`] | a hundred brokers of [`mock`]: cost at scale, and one broker frozen |
//! | [`bare`], [`socket`] | the broker view's yardstick: a blocking produce-and-fetch loop |
//! | [`bare_client`] | the client view's: one librdkafka producer and one consumer |
//! | [`alike`] | what the yardsticks have in common with the prober |
//! | [`probing`], [`watch`] | a prober with an OTLP sink, its status page, its cost by the second |
//! | [`machine`], [`report`] | where it ran, and the pages of numbers and goals |
//!
//! A missed goal is printed as missed; the exit code only says whether all was measured.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the report is for stdout, progress for stderr")]

#[path = "../../tests/harness/mod.rs"]
mod harness;

mod alike;
mod bare;
mod bare_client;
mod hundred;
mod machine;
mod mock;
mod probing;
mod report;
mod socket;
mod three;
mod turns;
mod watch;

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Cargo itself adds `--bench`.
    let args: Vec<String> = env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    if let Some((mock::COMMAND, rest)) = args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return mock::host(rest);
    }
    let wants = |section: &str| args.is_empty() || args.iter().any(|arg| arg == section);
    if !wants("three") && !wants("hundred") {
        eprintln!("bench: there are the sections three and hundred");
        return ExitCode::from(2);
    }
    let missing = harness::requirements();
    if !missing.is_empty() && wants("three") {
        eprintln!("bench: missing {}", missing.join(", "));
        return ExitCode::FAILURE;
    }
    if let Err(load) = machine::quiet() {
        eprintln!("bench: {load}; come back later, or set {}=1", machine::ANYWAY);
        return ExitCode::FAILURE;
    }
    machine::describe();
    if wants("three") {
        three::measure();
    }
    if wants("hundred") {
        hundred::measure();
    }
    machine::describe_end();
    ExitCode::SUCCESS
}
