//! A real OpenTelemetry Collector between the prober and a receiver of the test: six OTLP endpoints in, JSON out.

use std::fmt::Write;
use std::fs::{self, File};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::authority::{Authority, Issued};
use super::failure_logs::save_logs_if_panicking;
use super::otlp::OtlpSink;
use super::ports::free_port;
use super::process_guard::{GuardedProcess, ScratchDir};
use super::requirements::{collector, skip_without_collector};
use super::wait_until;

/// Time limit of the start: a Go program of 30 MB on a busy machine.
const STARTED_WITHIN: Duration = Duration::from_secs(30);

/// The only name in the certificate of the TLS endpoints. `localhost` resolves to the same address and does not match.
const HOST: &str = "127.0.0.1";

/// How an endpoint is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    Plain,
    /// TLS, with a certificate of [`Collector::ca`].
    Tls,
    /// TLS with a client certificate of the same authority.
    MutualTls,
}

/// A running collector and its files.
pub(crate) struct Collector {
    process: GuardedProcess,
    folder: ScratchDir,
    /// For each [`Security`], in its order: gRPC, HTTP.
    ports: [[u16; 2]; 3],
    authority: Authority,
    _alone: MutexGuard<'static, ()>,
}

/// One collector at a time: each test starts several probers, and other tests assert times.
static ALONE: Mutex<()> = Mutex::new(());

const SECURITIES: [Security; 3] = [Security::Plain, Security::Tls, Security::MutualTls];

impl Collector {
    /// Starts a collector that exports to `sink` over HTTP; `None` is a counted skip.
    #[track_caller]
    pub(crate) fn start(sink: &OtlpSink) -> Option<Self> {
        if skip_without_collector() {
            return None;
        }
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = ScratchDir::new("kafka-prober-otelcol-");
        let authority = Authority::new();
        let Issued { certificate, key } = authority.issue(&[HOST]);
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("the folder is ours");
        write("ca.pem", &authority.pem());
        write("server.pem", &certificate);
        write("server.key", &key);
        let ports = [(); 3].map(|()| [free_port(), free_port()]);
        write("collector.yaml", &config(folder.path(), &ports, sink));

        let log = |name| File::create(folder.path().join(name)).expect("the folder is ours");
        let args = ["--config".to_owned(), folder.path().join("collector.yaml").display().to_string()];
        let process = GuardedProcess::spawn(&collector(), &args, |command| {
            command.stdout(log("stdout.log")).stderr(log("stderr.log"));
        });
        let mut this = Self { process, folder, ports, authority, _alone: alone };
        wait_until(STARTED_WITHIN, "the collector takes OTLP", || {
            let log = fs::read_to_string(this.folder.path().join("stderr.log")).unwrap_or_default();
            assert!(this.process.is_running(), "the collector ended:\n{log}");
            log.contains("Everything is ready")
        });
        Some(this)
    }

    /// `HOST:PORT` of an endpoint.
    pub(crate) fn address(&self, security: Security, grpc: bool) -> String {
        format!("{HOST}:{}", self.ports[security as usize][usize::from(!grpc)])
    }

    /// The PEM file of the authority that signed the endpoints' certificate.
    pub(crate) fn ca(&self) -> String {
        self.folder.path().join("ca.pem").display().to_string()
    }

    /// PEM files of a client certificate and its key that the endpoints with mutual TLS accept.
    pub(crate) fn client_identity(&self) -> (String, String) {
        let Issued { certificate, key } = self.authority.issue(&[]);
        let write = |name: &str, text: &str| {
            let path = self.folder.path().join(name);
            fs::write(&path, text).expect("the folder is ours");
            path.display().to_string()
        };
        (write("client.pem", &certificate), write("client.key", &key))
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.process.kill();
        save_logs_if_panicking("otelcol", self.folder.path());
    }
}

fn config(folder: &Path, ports: &[[u16; 2]; 3], sink: &OtlpSink) -> String {
    let folder = folder.display();
    let mut receivers = String::new();
    let mut names = Vec::new();
    for (security, [grpc, http]) in SECURITIES.into_iter().zip(ports) {
        let name = format!("otlp/{security:?}").to_lowercase();
        let tls = match security {
            Security::Plain => String::new(),
            Security::Tls => format!(", tls: {{cert_file: {folder}/server.pem, key_file: {folder}/server.key}}"),
            Security::MutualTls => format!(
                ", tls: {{cert_file: {folder}/server.pem, key_file: {folder}/server.key, client_ca_file: {folder}/ca.pem}}"
            ),
        };
        let written = write!(
            receivers,
            "  {name}:\n    protocols:\n      grpc: {{endpoint: \"{HOST}:{grpc}\"{tls}}}\n      http: {{endpoint: \"{HOST}:{http}\"{tls}}}\n"
        );
        written.expect("text takes text");
        names.push(name);
    }
    format!(
        "receivers:\n{receivers}\
         exporters:\n  otlphttp:\n    metrics_endpoint: {}/v1/metrics\n    encoding: json\n    compression: none\n\
         \x20   sending_queue: {{enabled: false}}\n    retry_on_failure: {{enabled: false}}\n\
         service:\n  telemetry: {{metrics: {{level: none}}}}\n\
         \x20 pipelines:\n    metrics: {{receivers: [{}], exporters: [otlphttp]}}\n",
        sink.endpoint(),
        names.join(", ")
    )
}
