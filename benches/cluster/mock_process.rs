//! librdkafka's mock cluster of a hundred brokers, in a process of its own: this program started a second time.
//!
//! The child prints its bootstrap servers on one line and then executes `delay BROKER MS` from stdin. It ends when stdin is closed,
//! so that it cannot outlive the bench.

use std::env;
use std::io::{BufRead, BufReader, Write, stdin};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::time::Duration;

use kafka_prober::kafka::mock::Mock;

use crate::harness::prober::Resources;

/// The argument that makes this program host the mock cluster.
pub(crate) const COMMAND: &str = "mock-cluster";

/// A process that hosts the mock cluster.
pub(crate) struct MockProcess {
    child: Child,
    commands: ChildStdin,
    pub(crate) bootstrap: String,
}

impl MockProcess {
    /// Starts a mock of brokers `1..=brokers`, with topics that have one partition on each.
    pub(crate) fn start(brokers: i32, pinned: &str, replicated: &str) -> MockProcess {
        let program = env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .args([COMMAND, &brokers.to_string(), pinned, replicated])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts a second time");
        let commands = child.stdin.take().expect("it was piped");
        let mut bootstrap = String::new();
        let read = BufReader::new(child.stdout.take().expect("it was piped")).read_line(&mut bootstrap);
        read.expect("the mock prints its bootstrap servers");
        MockProcess { child, commands, bootstrap: bootstrap.trim().to_owned() }
    }

    /// Delays every answer of one broker from now on.
    pub(crate) fn delay(&mut self, broker: i32, answers: Duration) {
        writeln!(self.commands, "delay {broker} {}", answers.as_millis()).expect("the mock reads commands");
    }

    /// The mock's own CPU time so far.
    pub(crate) fn cpu(&self) -> Duration {
        Resources::of(self.child.id()).expect("the mock runs").cpu
    }
}

impl Drop for MockProcess {
    fn drop(&mut self) {
        // It has no state to save, and may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The child's side: `BROKERS PINNED REPLICATED`.
pub(crate) fn host(args: &[String]) -> ExitCode {
    let brokers = args.first().and_then(|brokers| brokers.parse().ok());
    let (Some(brokers), Some(pinned), Some(replicated)) = (brokers, args.get(1), args.get(2)) else {
        eprintln!("bench: {COMMAND} BROKERS PINNED REPLICATED");
        return ExitCode::from(2);
    };
    match Mock::start(brokers, pinned, replicated) {
        Ok(mock) => serve(&mock),
        Err(error) => {
            eprintln!("bench: no mock cluster: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(mock: &Mock) -> ExitCode {
    println!("{}", mock.bootstrap().join(","));
    for line in stdin().lock().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split(' ').collect();
        let order = match words.as_slice() {
            ["delay", broker, ms] => broker.parse().ok().zip(ms.parse().ok()),
            _ => None,
        };
        let obeyed = order.map(|(broker, ms)| mock.delay(broker, Duration::from_millis(ms)));
        if !matches!(obeyed, Some(Ok(()))) {
            eprintln!("bench: unknown command '{line}' to the mock");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
