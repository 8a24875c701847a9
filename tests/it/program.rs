//! Runs the program to its end; variables for a mock cluster.

use std::time::{Duration, Instant};

use kafka_prober::kafka::mock::Mock;

use crate::harness::ports::free_port;
use crate::harness::prober::Prober;

/// The binary under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_kafka-prober");

/// Time limit of a run.
const ENDS_WITHIN: Duration = Duration::from_secs(60);

/// The topics of a mock cluster, named as by default.
pub(crate) const PINNED: &str = "__kafka-prober-pinned";
pub(crate) const REPLICATED: &str = "__kafka-prober-replicated";

/// Settings for the mock, whose fetch always waits as long as it may, and which creates no topics. Deadlines are short, so
/// that a frozen broker is known within seconds.
pub(crate) const MOCK_SETTINGS: [(&str, &str); 9] = [
    ("KAFKA_PROBER__LANES__REPLICATED__FETCH_MAX_WAIT", "10ms"),
    ("KAFKA_PROBER__LANES__PINNED__FETCH_MAX_WAIT", "10ms"),
    ("KAFKA_PROBER__UPKEEP__MODE", "off"),
    ("KAFKA_PROBER__PROBES__PRODUCE__DEADLINE", "1500ms"),
    ("KAFKA_PROBER__PROBES__PRODUCE__THRESHOLD", "800ms"),
    ("KAFKA_PROBER__PROBES__CONSUME__DEADLINE", "1500ms"),
    ("KAFKA_PROBER__PROBES__CONSUME__THRESHOLD", "800ms"),
    ("KAFKA_PROBER__PROBES__END_TO_END__DEADLINE", "1500ms"),
    ("KAFKA_PROBER__PROBES__END_TO_END__THRESHOLD", "800ms"),
];

/// A finished run of the program.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// From before the start to the end.
    pub(crate) took: Duration,
}

/// Runs the program to its end.
#[track_caller]
pub(crate) fn run(args: &[&str], env: &[(&str, &str)]) -> Ended {
    let began = Instant::now();
    let mut program = Prober::spawn(PROGRAM, 0, args, env);
    let exit = program.wait_exit(ENDS_WITHIN);
    Ended { code: exit.code, stdout: program.stdout(), stderr: program.stderr(), took: began.elapsed() }
}

/// `run` against these servers.
pub(crate) fn probing(bootstrap: &str, env: &[(&str, &str)]) -> Prober {
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    Prober::spawn(PROGRAM, port, &["run", "--bootstrap-server", bootstrap, "--listen", &listen], env)
}

/// A mock cluster of three brokers in the test's process.
pub(crate) fn mock() -> Mock {
    Mock::start(3, PINNED, REPLICATED).expect("the mock cluster starts")
}
