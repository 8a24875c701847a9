//! The web server: health, readiness, metrics and status, all read from snapshots. It never calls Kafka.
//!
//! | route | answers |
//! | --- | --- |
//! | `GET /` | this list |
//! | `GET /healthz` | 200 while the process lives; it knows nothing of Kafka, so that an outage restarts nobody |
//! | `GET /readyz` | 200 once every enabled lane of every cluster has resolved an event, for good; else 503 and what is missing |
//! | `GET /metrics` | OpenMetrics text; the exporter lends this route |
//! | `GET /api/v1/status` | everything counted and known, as JSON; see [`status`] |
//! | `GET /api/v1/findings` | what is known to be wrong, as JSON; see [`findings`] |
//! | `GET /config` | the configuration in force as JSON, secrets left out |
//!
//! Routes and shapes are public contract: scripts depend on them.

mod connections;
pub mod findings;
mod format;
mod observation;
mod prober_health;
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
use prober_core::snapshot::{LaneState, LaneStatus, Snapshot};
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

/// What `/` and every 404 list.
const ROUTES: [(&str, &str); 7] = [
    ("/", "this list"),
    ("/healthz", "whether the process lives"),
    ("/readyz", "whether every lane has resolved an event"),
    ("/metrics", "metrics for Prometheus, as OpenMetrics text"),
    ("/api/v1/status", "everything counted and known, as JSON"),
    ("/api/v1/findings", "what is known to be wrong, as JSON"),
    ("/config", "the configuration in force as JSON, secrets left out"),
];

/// Why there is no web server.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The address could not be taken.
    #[error("cannot listen on {address}: {problem}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The server ended on its own.
    #[error("the web server ended: {0}")]
    Serve(#[from] io::Error),
}

/// A port that is taken already, and not yet served.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Where it listens; the real port, if port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Takes the port, so that a taken one is known at start.
///
/// # Errors
///
/// In a sentence with the address and what to do.
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
        io::ErrorKind::PermissionDenied => "this user may not; set http.listen to a port of 1024 or above".to_owned(),
        _ => error.to_string(),
    }
}

/// OTLP exports so far, as the page shows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exports {
    /// The collector took it.
    pub success: u64,
    /// The collector refused it, or could not be reached.
    pub failure: u64,
    /// The collector did not answer in time.
    pub timeout: u64,
    /// When the newest delivered snapshot was taken.
    pub last_success: Option<WallTime>,
}

/// What the pages are made of.
#[derive(Clone)]
pub struct WebState {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    exports: Arc<dyn Fn() -> Exports + Send + Sync>,
    ready: Arc<AtomicBool>,
    config: Arc<Value>,
    lent: Router,
}

impl WebState {
    /// Pages over the newest snapshot. `exports` is asked at each status page and must not wait.
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

    /// Takes in routes that another part of the program answers, such as `/metrics`. They may not repeat ours.
    pub fn lend(mut self, routes: Router) -> WebState {
        self.lent = self.lent.merge(routes);
        self
    }

    /// Shows this configuration at `/config`; its secrets are redacted already.
    pub fn show_config(mut self, config: Value) -> WebState {
        self.config = Arc::new(config);
        self
    }

    /// Sets the latch of readiness when it is time, whether or not anyone asks.
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
    let patience = async {
        let _ = closed.await;
        sleep(GRACE).await;
    };
    let latching = async {
        state.latch().await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        served = async { serving.await } => Ok(served?),
        () = patience => Ok(()),
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
    ROUTES.iter().fold("kafka-prober\n\n".to_owned(), |text, (path, what)| format!("{text}{path:<18}{what}\n"))
}

async fn readyz(State(state): State<WebState>) -> (StatusCode, String) {
    if state.is_ready() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, missing(&state.snapshots.borrow()))
}

/// Which lanes hold readiness up, and what they are doing.
fn missing(snapshot: &Snapshot) -> String {
    let waits = |lane: &&LaneStatus| !lane.ready && lane.state != LaneState::Refused;
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
