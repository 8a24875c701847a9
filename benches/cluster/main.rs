//! What the prober costs, and how close its latencies are to a baseline, compared with the goals.
//!
//! ```text
//! script/bench                                   # everything, kept in target/bench/
//! cargo bench --bench cluster [three_brokers|hundred_brokers]    # Markdown on stdout
//! ```
//!
//! | module | what |
//! | --- | --- |
//! | [`three_brokers`] | three real brokers: each lane alone, both lanes, and one broker frozen |
//! | [`interleaved`] | one lane and its baseline, in alternating blocks |
//! | [`hundred_brokers`] | a hundred brokers of [`mock_process`]: cost at scale, and one broker frozen |
//! | [`baseline_socket`], [`socket`] | the baseline of the broker view: a blocking produce-and-fetch loop |
//! | [`baseline_client`] | the baseline of the client view: one librdkafka producer and one consumer |
//! | [`shared_setup`] | settings that the baselines and the prober have in common |
//! | [`running_prober`], [`cost`] | a prober with an OTLP sink, its status page, its cost by the second |
//! | [`machine`], [`report`] | the machine, and tables of numbers and goals |
//!
//! A missed goal is printed as missed; the exit code is 0 if everything was measured.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the report is for stdout, progress for stderr")]
#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

#[path = "../../tests/harness/mod.rs"]
mod harness;

mod baseline_client;
mod baseline_socket;
mod cost;
mod hundred_brokers;
mod interleaved;
mod machine;
mod mock_process;
mod report;
mod running_prober;
mod shared_setup;
mod socket;
mod three_brokers;

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Cargo itself adds `--bench`.
    let args: Vec<String> = env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    if let Some((mock_process::COMMAND, rest)) = args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return mock_process::host(rest);
    }
    let wants = |section: &str| args.is_empty() || args.iter().any(|arg| arg == section);
    if !wants("three_brokers") && !wants("hundred_brokers") {
        eprintln!("bench: the sections are three_brokers and hundred_brokers");
        return ExitCode::from(2);
    }
    let missing = harness::requirements();
    if !missing.is_empty() && wants("three_brokers") {
        eprintln!("bench: missing {}", missing.join(", "));
        return ExitCode::FAILURE;
    }
    if let Err(load) = machine::quiet() {
        eprintln!("bench: {load}; wait until it is idle, or set {}=1", machine::ANYWAY);
        return ExitCode::FAILURE;
    }
    machine::describe();
    if wants("three_brokers") {
        three_brokers::measure();
    }
    if wants("hundred_brokers") {
        hundred_brokers::measure();
    }
    machine::describe_end();
    ExitCode::SUCCESS
}
