//! Processes and folders that cannot outlive the test, even when it is killed with SIGKILL.
//!
//! Each process starts as a shell that starts a guard and then execs the program. The guard reads from a pipe that only the
//! test holds: when the test ends in any way, the kernel closes the pipe and the guard kills the program. This needs no unsafe
//! `prctl`, and the child's pid is the program's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::wait::wait_until;

/// Moves the pipe away from stdin, starts the guard, execs the program.
const BECOME: &str = r#"exec 3<&0
{ read -r _ <&3; kill -KILL $$; } >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null"#;

/// Removes a folder at the end of the test; repeatedly, because an ending broker may still write to it.
const SWEEP: &str = r#"read -r _
for _ in 1 2 3 4 5; do rm -rf "$1" && exit; sleep 1; done"#;

/// A running program in a process group of its own, together with its guard.
pub(crate) struct GuardedProcess {
    child: Child,
    pid: Pid,
    exit: Option<ExitStatus>,
}

impl GuardedProcess {
    /// Starts `program`; `configure` sets its environment, folder and output.
    pub(crate) fn spawn(program: &Path, args: &[String], configure: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", BECOME, "sh"]).arg(program).args(args);
        configure(&mut command);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.stdin(Stdio::piped()).spawn();
        let child = child.unwrap_or_else(|e| panic!("start {}: {e}", program.display()));
        Self { pid: Pid::from_child(&child), child, exit: None }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The exit status once the program has ended.
    pub(crate) fn exit_status(&mut self) -> Option<ExitStatus> {
        if self.exit.is_none() {
            self.exit = self.child.try_wait().expect("a child of ours can be waited for");
            if self.exit.is_some() {
                self.dismiss_guard();
            }
        }
        self.exit
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.exit_status().is_none()
    }

    /// Stops the program (SIGSTOP) and returns when the kernel has stopped it.
    pub(crate) fn freeze(&mut self) {
        self.signal(Signal::STOP);
        let stat = format!("/proc/{}/stat", self.pid());
        wait_until(Duration::from_secs(2), "the process stops", || {
            fs::read_to_string(&stat).is_ok_and(|text| text.contains(") T "))
        });
    }

    /// Resumes a frozen program (SIGCONT).
    pub(crate) fn thaw(&mut self) {
        self.signal(Signal::CONT);
    }

    /// Asks the program to end (SIGTERM).
    pub(crate) fn terminate(&mut self) {
        self.signal(Signal::TERM);
    }

    /// Sends SIGHUP.
    pub(crate) fn hang_up(&mut self) {
        self.signal(Signal::HUP);
    }

    /// Kills the program (SIGKILL), frozen or not, and waits for its end.
    pub(crate) fn kill(&mut self) {
        if self.exit.is_none() {
            self.dismiss_guard();
            self.exit = self.child.wait().ok();
        }
    }

    /// Waits for the end; `None` when `limit` passes first.
    pub(crate) fn wait_exit(&mut self, limit: Duration) -> Option<ExitStatus> {
        let began = Instant::now();
        while self.is_running() && began.elapsed() < limit {
            thread::sleep(Duration::from_millis(5));
        }
        self.exit
    }

    fn signal(&mut self, signal: Signal) {
        if self.is_running() {
            kill_process(self.pid, signal).expect("an unreaped child of ours takes signals");
        }
    }

    /// Kills the whole group: the guard and, if it still runs, the program.
    ///
    /// The guard belongs to the group, so the group's number cannot have passed to anyone else.
    fn dismiss_guard(&self) {
        // The group may already be empty.
        let _ = kill_process_group(self.pid, Signal::KILL);
    }
}

impl Drop for GuardedProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A temporary folder that is removed when the test ends.
pub(crate) struct ScratchDir {
    path: PathBuf,
    sweeper: Child,
}

impl ScratchDir {
    pub(crate) fn new(prefix: &str) -> Self {
        let made = tempfile::Builder::new().prefix(prefix).tempdir();
        let path = made.expect("the temporary folder is writable").keep();
        let mut command = Command::new("sh");
        command.args(["-c", SWEEP, "sh"]).arg(&path).stdin(Stdio::piped());
        // In a process group of its own, so that the terminal's Ctrl-C does not end it with the test.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let sweeper = command.spawn().expect("there is a shell");
        Self { path, sweeper }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        drop(self.sweeper.stdin.take());
        // A folder left in the temporary directory is no reason to fail the test.
        let _ = self.sweeper.wait();
    }
}
