//! A network namespace for one test, in which packets can be dropped without touching the machine's network.
//!
//! The test runs a second time, as a process in a new network and mount namespace with a loopback of its own. Brokers, prober
//! and the harness's client of that run live in the namespace; the first run waits for it. A file system mounted there (see
//! [`super::faults::disk`]) is visible there only and unmounted with it.
//!
//! ```text
//! let Some(network) = Network::own("my_file::my_claim") else { return };
//! network.drop_port(cluster.broker(2).client_port());
//! ```

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, process};

use super::process_guard::{GuardedProcess, ScratchDir};
use super::requirements::skip;

/// Set in the run inside the namespace.
const INSIDE: &str = "KAFKA_PROBER_TEST_OWN_NETWORK";

/// Enters new namespaces, as root, or through a user namespace where the kernel allows that.
const ENTER: &str = r#"PATH="$PATH:/usr/sbin:/sbin"
if [ "$(id -u)" = 0 ]; then set -- unshare --net --mount "$@"; else set -- unshare --user --map-root-user --net --mount "$@"; fi
exec "$@""#;

/// Brings the loopback up, then becomes the program.
const LOOPBACK: &str = r#"ip link set lo up && exec "$@""#;

/// Tries the loopback and the packet filter.
const TRY: &str = "ip link set lo up && nft add table inet cut";

/// A test that hangs inside is killed from outside.
const RUN_WITHIN: Duration = Duration::from_secs(600);

/// How often the run outside prints the output of the run inside.
const PRINT_INTERVAL: Duration = Duration::from_millis(500);

/// The network namespace of this process.
pub(crate) struct Network(());

impl Network {
    /// Runs `test`, the calling test's name as the test runner prints it, in a network namespace.
    ///
    /// Inside, it returns the network. Outside, it returns `None` after the run inside has passed, and panics if that failed. A
    /// machine without namespaces is a counted skip.
    #[track_caller]
    pub(crate) fn own(test: &str) -> Option<Self> {
        Self::own_for(test, RUN_WITHIN)
    }

    /// As [`Network::own`], with another limit.
    #[track_caller]
    pub(crate) fn own_for(test: &str, limit: Duration) -> Option<Self> {
        if env::var_os(INSIDE).is_some() {
            return Some(Self(()));
        }
        if !is_possible() {
            let missing = "network namespaces with ip and nft (script/bootstrap, as root)";
            skip(&[missing.to_owned()]);
            return None;
        }
        run_inside(test, limit);
        None
    }

    /// Drops every packet to and from a TCP port without an answer.
    #[track_caller]
    pub(crate) fn drop_port(&self, port: u16) {
        nft(&format!(
            "add table inet cut; add chain inet cut input {{ type filter hook input priority 0 ; }}; \
             add rule inet cut input tcp dport {port} drop; add rule inet cut input tcp sport {port} drop"
        ));
    }

    /// Drops `percent` of the packets to and from a TCP port at random.
    #[track_caller]
    pub(crate) fn lose_packets(&self, port: u16, percent: u32) {
        let lost = format!("numgen random mod 100 < {percent} drop");
        nft(&format!(
            "add table inet cut; add chain inet cut input {{ type filter hook input priority 0 ; }}; \
             add rule inet cut input tcp dport {port} {lost}; add rule inet cut input tcp sport {port} {lost}"
        ));
    }

    /// Lets all packets pass again.
    #[track_caller]
    pub(crate) fn heal(&self) {
        nft("delete table inet cut");
    }
}

fn is_possible() -> bool {
    let tried = Command::new("sh").args(["-c", ENTER, "sh", "sh", "-c", TRY]).stdin(Stdio::null()).output();
    tried.is_ok_and(|tried| tried.status.success())
}

#[track_caller]
fn run_inside(test: &str, limit: Duration) {
    let program = env::current_exe().expect("a test knows its own program").display().to_string();
    // With two threads the test runs on a thread that has its name.
    let run = [&*program, test, "--exact", "--nocapture", "--test-threads=2"];
    let args: Vec<String> =
        ["-c", ENTER, "sh", "sh", "-c", LOOPBACK, "sh"].iter().chain(&run).map(|arg| (*arg).to_owned()).collect();
    let folder = ScratchDir::new("kafka-prober-network-");
    let path = folder.path().join("run.log");
    let log = File::create(&path).expect("the scratch folder is writable");
    let errors = log.try_clone().expect("a file can be opened twice");
    let mut run = GuardedProcess::spawn(Path::new("sh"), &args, |command| {
        command.env(INSIDE, process::id().to_string()).stdout(log).stderr(errors);
    });
    let (began, mut printed) = (Instant::now(), 0);
    let mut print_new = || {
        let output = fs::read_to_string(&path).unwrap_or_default();
        io::stderr().write_all(&output.as_bytes()[printed..]).expect("stderr takes it");
        printed = output.len();
        output
    };
    let ended = loop {
        let ended = run.wait_exit(PRINT_INTERVAL);
        if ended.is_some() || limit <= began.elapsed() {
            break ended;
        }
        print_new();
    };
    let output = print_new();
    // The test runner succeeds for an unknown name, because it runs no test.
    let passed = ended.is_some_and(|status| status.success()) && output.contains("test result: ok. 1 passed");
    assert!(passed, "{test} in its network namespace ended with {ended:?}");
}

#[track_caller]
fn nft(commands: &str) {
    let output = Command::new("nft").arg(commands).output().expect("nft was there a moment ago");
    assert!(output.status.success(), "nft {commands}: {}", String::from_utf8_lossy(&output.stderr));
}
