//! The web server: health, readiness, metrics and status, all read from snapshots. It never calls Kafka.
//!
//! | route | answers |
//! | --- | --- |
//! | `GET /` | this list |
//! | `GET /healthz` | 200 while the process runs, whatever the state of Kafka: an outage of Kafka must not restart the prober |
//! | `GET /readyz` | a latch: 200 from when every enabled lane of every cluster has resolved an event; before, 503 and the lanes that have not |
//! | `GET /metrics` | Prometheus text, or OpenMetrics where asked for; the exporter lends this route |
//! | `GET /api/v1/status` | everything counted and known, as JSON; see [`status`] |
//! | `GET /api/v1/findings` | the active findings, as JSON; see [`findings`] |
//! | `GET /api/v1/recording` | the last minutes of the diagnosis, gzip; the recorder lends this route |
//! | `GET /config` | the effective configuration as JSON, with secrets redacted |
//!
//! Routes and shapes are public contract: scripts depend on them.

mod about;
mod connections;
pub mod findings;
mod format;
mod observation;
mod prober_health;
mod prober_status;
pub mod status;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use prober_core::snapshot::{LaneStatus, Snapshot};
use prober_core::time::WallTime;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

use connections::Connections;
use findings::FindingRow;
use status::Status;

/// Open connections have this long to end once shutdown has begun.
const GRACE: Duration = Duration::from_secs(1);

/// The routes that `/` and every 404 list.
const ROUTES: [(&str, &str); 8] = [
    ("/", "this list"),
    ("/healthz", "whether the process runs"),
    ("/readyz", "whether every lane has resolved an event"),
    ("/metrics", "metrics for Prometheus"),
    ("/api/v1/status", "everything counted and known, as JSON"),
    ("/api/v1/findings", "the active findings, as JSON"),
    ("/api/v1/recording", "the last minutes of the diagnosis, for kafka-prober replay"),
    ("/config", "the effective configuration as JSON, with secrets redacted"),
];

/// Why there is no web server.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The address could not be taken.
    #[error("cannot listen on {address}: {problem}")]
    Listen {
        /// The requested address.
        address: SocketAddr,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The server ended on its own.
    #[error("the web server ended: {0}")]
    Serve(#[from] io::Error),
}

/// A bound port that is not served yet.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// The bound address; with the actual port if port 0 was requested.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Binds the port, so that a port in use is an error at start.
///
/// # Errors
///
/// A sentence with the address and what to do.
pub async fn bind(address: SocketAddr) -> Result<Listener, WebError> {
    let refuse = |error: io::Error| WebError::Listen { address, problem: problem(&error) };
    let listener = TcpListener::bind(address).await.map_err(refuse)?;
    let address = listener.local_addr().map_err(refuse)?;
    Ok(Listener { listener, address })
}

fn problem(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another process has this port; stop it, or set http.listen to a free one (port 0 takes any)".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address; set http.listen to one it has, 127.0.0.1 or 0.0.0.0".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "this user may not bind it; set http.listen to a port of 1024 or above".to_owned()
        }
        _ => error.to_string(),
    }
}

/// Counts of OTLP exports for the status page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exports {
    /// Exports that the collector accepted.
    pub success: u64,
    /// Exports that the collector refused, or for which it could not be reached.
    pub failure: u64,
    /// Exports that the collector did not answer in time.
    pub timeout: u64,
    /// When the newest delivered snapshot was taken.
    pub last_success: Option<WallTime>,
}

/// The data of the pages.
#[derive(Clone)]
pub struct WebState {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    exports: Arc<dyn Fn() -> Exports + Send + Sync>,
    ready: Arc<AtomicBool>,
    config: Arc<Value>,
    lent: Router,
}

impl WebState {
    /// Pages over the newest snapshot. `exports` is called for each status page and must not wait.
    pub fn new(
        snapshots: watch::Receiver<Arc<Snapshot>>,
        exports: impl Fn() -> Exports + Send + Sync + 'static,
    ) -> WebState {
        WebState {
            snapshots,
            exports: Arc::new(exports),
            ready: Arc::default(),
            config: Arc::default(),
            lent: Router::new(),
        }
    }

    /// Adds routes of another part of the program, such as `/metrics`. They must differ from those here.
    pub fn lend(mut self, routes: Router) -> WebState {
        self.lent = self.lent.merge(routes);
        self
    }

    /// Shows this configuration at `/config`; its secrets are redacted already.
    pub fn show_config(mut self, config: Value) -> WebState {
        self.config = Arc::new(config);
        self
    }

    /// Sets the readiness latch as soon as a snapshot is ready, whether or not `/readyz` is requested.
    async fn latch(&self) {
        let mut snapshots = self.snapshots.clone();
        if snapshots.wait_for(|snapshot| snapshot.is_ready()).await.is_ok() {
            self.ready.store(true, Ordering::Relaxed);
        }
    }

    fn is_ready(&self) -> bool {
        let ready = self.ready.load(Ordering::Relaxed) || self.snapshots.borrow().is_ready();
        self.ready.fetch_or(ready, Ordering::Relaxed);
        ready
    }
}

/// Serves until `shutdown` resolves, then gives open connections a second to end.
///
/// # Errors
///
/// The listener failed for good.
pub async fn serve(
    listener: Listener,
    state: WebState,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), WebError> {
    let (closing, closed) = oneshot::channel();
    let signal = async move {
        shutdown.await;
        let _ = closing.send(());
    };
    let connections = Connections::of(listener.listener);
    let serving = axum::serve(connections, router(state.clone())).with_graceful_shutdown(signal);
    let grace = async {
        let _ = closed.await;
        sleep(GRACE).await;
    };
    let latching = async {
        state.latch().await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        served = async { serving.await } => Ok(served?),
        () = grace => Ok(()),
        () = latching => Ok(()),
    }
}

fn router(state: WebState) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(readyz))
        .route("/api/v1/status", get(api_status))
        .route("/api/v1/findings", get(api_findings))
        .route("/config", get(config))
        .fallback(async || (StatusCode::NOT_FOUND, format!("no such page\n\n{}", index().await)))
        .with_state(state.clone())
        .merge(state.lent)
}

async fn index() -> String {
    ROUTES.iter().fold("kafka-prober\n\n".to_owned(), |text, (path, what)| format!("{text}{path:<19}{what}\n"))
}

async fn readyz(State(state): State<WebState>) -> (StatusCode, String) {
    if state.is_ready() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, missing(&state.snapshots.borrow()))
}

/// The lanes that are not ready, with their states.
fn missing(snapshot: &Snapshot) -> String {
    let waits = |lane: &&LaneStatus| !lane.ready;
    let line = |lane: &LaneStatus| {
        let message = lane.message.as_deref().map(|message| format!(" ({message})")).unwrap_or_default();
        format!("cluster {}, lane {}: {}{message}\n", lane.cluster, lane.lane.as_str(), lane.state.as_str())
    };
    let lanes: String = snapshot.lanes.iter().filter(waits).map(line).collect();
    format!("not ready\n{}", if lanes.is_empty() { "no lane is known yet\n" } else { &lanes })
}

async fn api_status(State(state): State<WebState>) -> Json<Status> {
    let snapshot = Arc::clone(&state.snapshots.borrow());
    Json(Status::of(&snapshot, state.is_ready(), (state.exports)()))
}

async fn api_findings(State(state): State<WebState>) -> Json<Vec<FindingRow>> {
    Json(findings::findings(&state.snapshots.borrow()))
}

async fn config(State(state): State<WebState>) -> Json<Value> {
    Json(Value::clone(&state.config))
}

#[cfg(test)]
mod tests;
