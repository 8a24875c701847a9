//! Metrics over OTLP: our own loop collects and exports under a time-out, so that attempts, failures and time-outs
//! are ours to count.
//!
//! | file | holds |
//! | --- | --- |
//! | `mod.rs` | the loop: when to export, how it went, the last export |
//! | `instruments.rs` | the SDK's instruments over one pinned snapshot, and the two histograms that record |
//! | `split.rs` | one export in requests that every receiver takes |
//! | `transport.rs` | the way to the collector, over `grpc.rs` or `http.rs` |
//! | `tls.rs` | whom to trust, and who we are |
//! | `failure.rs`, `explain.rs`, `names.rs` | how an export fails, why, and which setting to change |
//! | `resource.rs` | who is exporting |
//!
//! Counts are cumulative totals read from the snapshot, so a collector that was away for an hour has the exact totals
//! with the first export that it takes. With delta that is lost: the SDK takes a delta as sent when it is collected.
//!
//! The SDK's own exporter (`opentelemetry-otlp`) is not used: it reads headers and compression from the environment
//! and puts them above what it is given, so that a file could not override them; it knows neither certificates nor
//! HTTPS without a second TLS library; and it keeps to itself what the collector answers, rejected points included.
//! What it stands on is used instead: `opentelemetry-proto`, tonic and hyper.

mod explain;
mod failure;
mod grpc;
mod http;
mod instruments;
mod names;
mod resource;
mod split;
mod tls;
mod transport;

#[cfg(test)]
mod tests;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use prober_core::snapshot::Snapshot;
use prober_core::time::WallTime;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use failure::Failure;
use instruments::Instruments;
use transport::Transport;

pub use opentelemetry_sdk::metrics::Temporality;
pub use tls::{ClientIdentity, TlsSettings};

use super::{ExportResult, ExportStats, Recorder};

/// The last export has this long, then a pause and one more attempt, if it failed rather than hung. Together with the
/// question for the cause they stay below 3 s.
const LAST_EXPORT: Duration = Duration::from_millis(1700);
const LAST_PAUSE: Duration = Duration::from_millis(200);
const LAST_RETRY: Duration = Duration::from_millis(700);
const LAST_QUESTION: Duration = Duration::from_millis(250);
/// How long to look for the cause of a failure, once per outage.
const QUESTION: Duration = Duration::from_secs(2);

/// How to export.
#[derive(Clone, Debug)]
pub struct OtlpSettings {
    /// The collector's URL, `http://…` or `https://…`; over HTTP with its path, used as it is.
    pub endpoint: String,
    /// How to speak to it.
    pub protocol: Protocol,
    /// From one export to the next.
    pub interval: Duration,
    /// After this an export is given up.
    pub timeout: Duration,
    /// Sent with each request.
    pub headers: Vec<(String, String)>,
    /// Compress with gzip.
    pub gzip: bool,
    /// For `https://`.
    pub tls: TlsSettings,
    /// What a counter's point says: the total, or what came since the last.
    pub temporality: Temporality,
    /// Whether durations go as exponential histograms, without our edges.
    pub exponential: bool,
}

/// The transport of OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC.
    Grpc,
    /// Protobuf over HTTP/1.1.
    HttpProtobuf,
}

/// Why no exporter could be made. It names the endpoint, the header or the setting, never a header's value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The endpoint cannot be exported to.
    #[error("OTLP endpoint \"{endpoint}\": {problem}")]
    Endpoint {
        /// As it was given.
        endpoint: String,
        /// What is wrong, and what would work.
        problem: String,
    },
    /// A header that cannot be sent.
    #[error(
        "OTLP header \"{name}\" is not a valid header name, or its value has characters that cannot be sent; correct it in {setting}"
    )]
    Header {
        /// Its name.
        name: String,
        /// The key and the variable.
        setting: &'static str,
    },
    /// What was given for TLS cannot be used, or the machine lacks what it takes.
    #[error("OTLP over TLS: {0}")]
    Tls(String),
}

/// The exporter; [`Otlp::run`] does the work.
#[derive(Debug)]
pub struct Otlp {
    interval: Duration,
    timeout: Duration,
    endpoint: String,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    stats: Arc<ExportStats>,
    instruments: Arc<Instruments>,
    transport: Transport,
    /// Whether each export carries everything since the start.
    keeps_totals: bool,
    /// Exports failed since the last success.
    failed: u64,
}

impl Otlp {
    /// Makes the exporter and the recorder of its two histograms. Nothing is sent before [`Otlp::run`].
    ///
    /// To be called within the runtime that will export. `thresholds` become edges of the histograms.
    ///
    /// # Errors
    ///
    /// The endpoint is not a URL that can be exported to, or a header cannot be sent.
    pub fn new(
        settings: OtlpSettings,
        snapshots: watch::Receiver<Arc<Snapshot>>,
        run_id: [u8; 16],
        thresholds: &[Duration],
        stats: Arc<ExportStats>,
    ) -> Result<(Otlp, Arc<dyn Recorder>), ExportError> {
        let transport = Transport::new(&settings)?;
        let resource = resource::of_run(run_id);
        let (instruments, recorder) =
            Instruments::new(resource, settings.temporality, settings.exponential, thresholds, snapshots.clone());
        let otlp = Otlp {
            interval: settings.interval,
            timeout: settings.timeout,
            endpoint: settings.endpoint,
            snapshots,
            stats,
            instruments: Arc::new(instruments),
            transport,
            keeps_totals: settings.temporality == Temporality::Cumulative,
            failed: 0,
        };
        Ok((otlp, Arc::new(recorder)))
    }

    /// Exports at the prober's first heartbeat and then at each interval, until `shutdown` resolves; then once more,
    /// within 3 s, the newest snapshot. Whoever resolves `shutdown` has published the final snapshot before.
    ///
    /// A tick that falls into a running export is skipped; shutdown cuts a running export short.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        let mut stopped = tokio::select! {
            biased;
            () = &mut shutdown => true,
            () = self.first_heartbeat() => false,
        };
        let mut ticks = interval(self.interval.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        while !stopped {
            let limit = self.timeout;
            let next = async {
                ticks.tick().await;
                self.export(limit, QUESTION).await
            };
            stopped = tokio::select! {
                biased;
                () = &mut shutdown => true,
                _ = next => false,
            };
        }
        self.export_last().await;
    }

    async fn first_heartbeat(&self) {
        let mut snapshots = self.snapshots.clone();
        // An error means that nobody publishes any more: the end is near, and there is nothing to wait for.
        let _ = snapshots.wait_for(|snapshot| snapshot.prober.heartbeat != WallTime::default()).await;
    }

    async fn export_last(&mut self) {
        if self.export(self.timeout.min(LAST_EXPORT), LAST_QUESTION).await == ExportResult::Failure {
            sleep(LAST_PAUSE).await;
            self.export(self.timeout.min(LAST_RETRY), LAST_QUESTION).await;
        }
    }

    /// Exports the newest snapshot within `limit`, counts how that went, and says so if it changed; why it failed is
    /// looked for no longer than `question`.
    async fn export(&mut self, limit: Duration, question: Duration) -> ExportResult {
        let snapshot = Arc::clone(&self.snapshots.borrow());
        let wall = snapshot.wall;
        let (result, failure) = match timeout(limit, self.send(snapshot, limit)).await {
            Ok(Ok(())) => (ExportResult::Success, None),
            Ok(Err(failure)) => (ExportResult::Failure, Some(failure)),
            Err(_) => (ExportResult::Timeout, Some(Failure::Late(format!("no answer within {limit:?}")))),
        };
        self.stats.count(result, wall);
        self.tell(failure, question).await;
        result
    }

    async fn send(&self, snapshot: Arc<Snapshot>, limit: Duration) -> Result<(), Failure> {
        let requests = self.instruments.collect(snapshot, Arc::clone(&self.stats)).await.map_err(Failure::Unsent)?;
        for request in requests {
            self.transport.export(request, limit).await?;
        }
        Ok(())
    }

    /// One line per change, never one per export.
    async fn tell(&mut self, failure: Option<Failure>, question: Duration) {
        let Some(failure) = failure else {
            if 0 < self.failed {
                tracing::info!(endpoint = self.endpoint, failed = self.failed, "OTLP export works again");
            }
            self.failed = 0;
            return;
        };
        self.failed += 1;
        if self.failed == 1 {
            let cause = self.transport.explain(&failure, question).await;
            let endpoint = &self.endpoint;
            match self.keeps_totals {
                true => tracing::warn!(
                    endpoint,
                    cause,
                    "OTLP export fails; no count is lost, the next export that succeeds carries them all"
                ),
                false => tracing::warn!(endpoint, cause, "OTLP export fails; with delta, what it carried is lost"),
            }
        }
    }
}
