//! The binary under test as a process: start, HTTP requests, signals, end, resource usage.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::failure_logs::save_logs_if_panicking;
use super::process_guard::{GuardedProcess, ScratchDir};

pub(crate) mod http;
pub(crate) mod openmetrics;
pub(crate) mod resources;

pub(crate) use http::HttpAnswer;
pub(crate) use openmetrics::Scrape;
pub(crate) use resources::Resources;

/// Time limit of a page, far above the milliseconds that it takes; tests of latency use `elapsed`.
const PAGE_WITHIN: Duration = Duration::from_secs(10);

/// A running prober; killed when dropped, and with the test process.
pub(crate) struct Prober {
    process: GuardedProcess,
    http: String,
    folder: ScratchDir,
}

/// How a prober ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit {
    /// `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Since the wait began.
    pub(crate) elapsed: Duration,
}

impl Prober {
    /// Starts `binary` with `args` and `env`; `http_port` is where these make it listen on loopback.
    ///
    /// Settings of the calling shell (`OTEL_*`, `KAFKA_PROBER__*`) do not reach it.
    pub(crate) fn spawn(binary: impl AsRef<Path>, http_port: u16, args: &[&str], env: &[(&str, &str)]) -> Self {
        let folder = ScratchDir::new("kafka-prober-run-");
        let file = |name| File::create(folder.path().join(name));
        let stdout = file("stdout.log").expect("the prober's folder is writable");
        let stderr = file("stderr.log").expect("the prober's folder is writable");
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let process = GuardedProcess::spawn(binary.as_ref(), &args, |command| {
            for name in settings_of_the_shell() {
                command.env_remove(name);
            }
            // Tests compare attempts and latencies of every probe; the default level leaves some of them out.
            command.env("KAFKA_PROBER__METRICS__LEVEL", "full");
            command.envs(env.iter().copied()).stdout(stdout).stderr(stderr);
        });
        Self { process, http: format!("127.0.0.1:{http_port}"), folder }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Where it listens: host and port.
    pub(crate) fn http_address(&self) -> &str {
        &self.http
    }

    /// One GET; `None` if the connection is refused, the answer is late (10 s) or not HTTP.
    pub(crate) fn http_get(&self, path: &str) -> Option<HttpAnswer> {
        self.http_get_as(path, "*/*")
    }

    /// The same with an `Accept` header.
    pub(crate) fn http_get_as(&self, path: &str, accept: &str) -> Option<HttpAnswer> {
        http::get(&self.http, path, accept, PAGE_WITHIN).ok()
    }

    /// `/metrics`, parsed; empty while the page cannot be had.
    pub(crate) fn metrics(&self) -> Scrape {
        let page = self.http_get("/metrics").filter(|page| page.status == 200);
        page.map_or_else(Scrape::default, |page| Scrape::parse(&page.body))
    }

    /// What the prober costs so far; `None` once it has ended.
    pub(crate) fn resources(&self) -> Option<Resources> {
        Resources::of(self.pid())
    }

    /// Everything printed to stdout so far.
    pub(crate) fn stdout(&self) -> String {
        fs::read_to_string(self.log_file("stdout.log")).unwrap_or_default()
    }

    /// Everything printed to stderr so far.
    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(self.log_file("stderr.log")).unwrap_or_default()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// SIGSTOP.
    pub(crate) fn freeze(&mut self) {
        self.process.freeze();
    }

    /// SIGCONT.
    pub(crate) fn thaw(&mut self) {
        self.process.thaw();
    }

    /// SIGTERM.
    pub(crate) fn terminate(&mut self) {
        self.process.terminate();
    }

    /// SIGHUP: read the configuration again.
    pub(crate) fn reload(&mut self) {
        self.process.hang_up();
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Waits for the prober to end by itself.
    #[track_caller]
    pub(crate) fn wait_exit(&mut self, limit: Duration) -> Exit {
        let began = Instant::now();
        match self.process.wait_exit(limit) {
            Some(status) => Exit { code: status.code(), elapsed: began.elapsed() },
            None => panic!("the prober still runs after {limit:?}:\n{}", self.stderr()),
        }
    }

    fn log_file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.process.kill();
        let port = self.http.rsplit(':').next().unwrap_or_default();
        save_logs_if_panicking(&format!("prober-{port}"), self.folder.path());
    }
}

fn settings_of_the_shell() -> impl Iterator<Item = String> {
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(|name| name.starts_with("OTEL_") || name.starts_with("KAFKA_PROBER__"))
}
