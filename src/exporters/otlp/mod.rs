//! Metrics over OTLP, through the OpenTelemetry SDK and `opentelemetry-otlp`. The loop is ours: it collects and exports
//! under a time-out, counts attempts, failures and time-outs, and sends the last export at shutdown.
//!
//! | file | holds |
//! | --- | --- |
//! | `mod.rs` | the loop: when to export, how it went, the last export |
//! | `shares.rs` | the points divided among meter providers, so that every receiver takes each request |
//! | `instruments.rs`, `histograms.rs` | one meter provider: observable counters and gauges, histograms from the ledger's |
//! | `transport.rs` | the crate's exporter with our address, headers, TLS and compression |
//! | `grpc.rs`, `http.rs` | the channel and the HTTP client that it sends with |
//! | `exchange.rs`, `failure.rs` | how a request failed |
//! | `explain.rs`, `keys.rs` | why it failed, and which setting to change |
//! | `tls.rs` | which certificates to trust and to show |
//! | `resource.rs` | the resource: service name, version and instance |
//!
//! Counters carry the totals of the snapshot, so that after an hour without a collector the first successful export
//! has the exact counts. With delta temporality the counts of a failed export are lost: the SDK regards a delta as sent
//! when it is collected.

mod exchange;
mod explain;
mod failure;
mod grpc;
mod histograms;
mod http;
mod instruments;
mod keys;
mod resource;
mod shares;
mod tls;
mod transport;

#[cfg(test)]
mod tests;

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry_sdk::metrics::data::ResourceMetrics;
use prober_core::metric::Level;
use prober_core::snapshot::Snapshot;
use prober_core::time::WallTime;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use failure::Failure;
use shares::Shares;
use transport::Transport;

pub use opentelemetry_sdk::metrics::Temporality;
pub use tls::{ClientIdentity, TlsSettings};

use super::{ExportResult, ExportStats};
use crate::config::Protocol;

/// Limits of the shutdown: the last export, a pause and a second attempt if the first failed rather than timed out,
/// and the search for the cause of each failure. Together they stay below 3 s.
const LAST_EXPORT: Duration = Duration::from_millis(1700);
const LAST_PAUSE: Duration = Duration::from_millis(200);
const LAST_RETRY: Duration = Duration::from_millis(700);
const LAST_EXPLANATION: Duration = Duration::from_millis(250);
/// How long the cause of a failure is looked for, once an outage.
const EXPLANATION: Duration = Duration::from_secs(2);

/// How to export.
#[derive(Clone, Debug)]
pub struct OtlpSettings {
    /// The collector's URL, `http://…` or `https://…`; over HTTP with its path, which is used as it is.
    pub endpoint: String,
    /// The transport.
    pub protocol: Protocol,
    /// Time from one export to the next.
    pub interval: Duration,
    /// The longest that one export may take.
    pub timeout: Duration,
    /// Headers of each request.
    pub headers: Vec<(String, String)>,
    /// Compress with gzip.
    pub gzip: bool,
    /// Certificates, for `https://`.
    pub tls: TlsSettings,
    /// Whether counters and histograms carry totals or what came since the last export.
    pub temporality: Temporality,
    /// How much is exported.
    pub level: Level,
    /// Whether durations are sent as exponential histograms instead of ones with our edges.
    pub exponential: bool,
}

/// Why no exporter could be made. The text names the endpoint, the header or the setting, never a header's value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The endpoint cannot be exported to.
    #[error("OTLP endpoint \"{endpoint}\": {problem}")]
    Endpoint {
        /// The endpoint as configured.
        endpoint: String,
        /// What is wrong, and what would work.
        problem: String,
    },
    /// A header cannot be sent.
    #[error(
        "OTLP header \"{name}\" is not a valid header name, or its value has characters that cannot be sent; correct it in {setting}"
    )]
    Header {
        /// The header's name.
        name: String,
        /// The setting's key and variable.
        setting: &'static str,
    },
    /// The certificates cannot be used, or the machine has none.
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
    /// Locked while a collection runs: one that was given up may still run when the next begins.
    shares: Arc<Mutex<Shares>>,
    transport: Transport,
    /// Whether each export carries everything since the start.
    keeps_totals: bool,
    /// Exports that failed since the last success.
    failed: u64,
}

impl Otlp {
    /// Makes the exporter of a prober that watches these clusters. Nothing is sent before [`Otlp::run`].
    ///
    /// To be called within the runtime that will export.
    ///
    /// # Errors
    ///
    /// The endpoint is not a URL that can be exported to, a header cannot be sent, or the certificates cannot be used.
    pub fn new(
        settings: OtlpSettings,
        snapshots: watch::Receiver<Arc<Snapshot>>,
        clusters: &[&str],
        stats: Arc<ExportStats>,
    ) -> Result<Otlp, ExportError> {
        let transport = Transport::new(&settings)?;
        let resource = resource::of_prober(clusters, &snapshots.borrow().vantage);
        let shares = Shares::new(resource, settings.temporality, settings.exponential, settings.level);
        Ok(Otlp {
            interval: settings.interval,
            timeout: settings.timeout,
            endpoint: settings.endpoint,
            snapshots,
            stats,
            shares: Arc::new(Mutex::new(shares)),
            transport,
            keeps_totals: settings.temporality == Temporality::Cumulative,
            failed: 0,
        })
    }

    /// Exports at the prober's first heartbeat and then at each interval, until `shutdown` resolves; then the newest
    /// snapshot once more, within 3 s. The final snapshot must be published before `shutdown` resolves.
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
                self.export(limit, EXPLANATION).await
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
        // An error means that the engine has ended: the shutdown follows.
        let _ = snapshots.wait_for(|snapshot| snapshot.prober.heartbeat != WallTime::default()).await;
    }

    async fn export_last(&mut self) {
        if self.export(self.timeout.min(LAST_EXPORT), LAST_EXPLANATION).await == ExportResult::Failure {
            sleep(LAST_PAUSE).await;
            self.export(self.timeout.min(LAST_RETRY), LAST_EXPLANATION).await;
        }
    }

    /// Exports the newest snapshot within `limit`, counts the result and logs a change of it. The cause of a failure is
    /// looked for no longer than `explanation`.
    async fn export(&mut self, limit: Duration, explanation: Duration) -> ExportResult {
        let snapshot = Arc::clone(&self.snapshots.borrow());
        let wall = snapshot.wall;
        let (result, failure) = match timeout(limit, self.send(snapshot)).await {
            Ok(Ok(())) => (ExportResult::Success, None),
            Ok(Err(failure)) => (ExportResult::Failure, Some(failure)),
            Err(_) => {
                self.transport.reconnect();
                (ExportResult::Timeout, Some(Failure::Late(format!("no answer within {limit:?}"))))
            }
        };
        self.stats.count(result, wall);
        self.log(failure, explanation).await;
        result
    }

    async fn send(&self, snapshot: Arc<Snapshot>) -> Result<(), Failure> {
        for metrics in self.collect(snapshot).await.map_err(Failure::Unsent)? {
            self.transport.export(&metrics).await?;
        }
        Ok(())
    }

    /// Collects on a thread of its own: the snapshot of hundreds of brokers takes milliseconds.
    async fn collect(&self, snapshot: Arc<Snapshot>) -> Result<Vec<ResourceMetrics>, String> {
        let (shares, stats) = (Arc::clone(&self.shares), Arc::clone(&self.stats));
        let collected = tokio::task::spawn_blocking(move || lock(&shares).collect(&snapshot, &stats));
        collected.await.unwrap_or_else(|error| Err(format!("the metrics could not be collected: {error}")))
    }

    /// Logs one line a change, never one an export.
    async fn log(&mut self, failure: Option<Failure>, explanation: Duration) {
        let Some(failure) = failure else {
            if 0 < self.failed {
                tracing::info!(endpoint = self.endpoint, failed = self.failed, "OTLP export works again");
            }
            self.failed = 0;
            return;
        };
        self.failed += 1;
        if self.failed == 1 {
            let cause = self.transport.explain(&failure, explanation).await;
            let endpoint = &self.endpoint;
            match self.keeps_totals {
                true => tracing::warn!(
                    endpoint,
                    cause,
                    "OTLP export fails; no count is lost, the next export that succeeds carries them all"
                ),
                false => tracing::warn!(
                    endpoint,
                    cause,
                    "OTLP export fails; with this temporality the counts of a failed export are lost"
                ),
            }
        }
    }
}

/// A poisoned lock still guards whole values: each is replaced in one move.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
