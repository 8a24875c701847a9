//! OTLP metric receivers in the test's own process that keep what was really sent.
//!
//! ```text
//! let sink = OtlpSink::grpc();                     // or OtlpSink::http()
//! let args = ["--otlp-endpoint", &sink.endpoint()];
//! sink.set_mode(Mode::Hung);                       // same port, other behaviour
//! sink.sum("kafka_prober.events", &[("outcome", "good")])
//! ```
//!
//! Each mode runs in a runtime of its own on a thread of its own, so that leaving a mode closes the
//! listener and every connection at once: what a crashed collector does.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::ports::free_port;

mod hung;
mod receive;
pub(crate) mod store;

pub(crate) use store::{Attributes, HistogramValue, Point, Store, Temporality, Value};

/// Time limit to bind a port that was just released.
const LISTENING_WITHIN: Duration = Duration::from_secs(5);

/// How a sink treats its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Takes and keeps every export.
    Up,
    /// The port is closed: connections are refused, open ones were dropped.
    Down,
    /// Accepts and reads, and never answers.
    Hung,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Grpc,
    Http,
}

/// One OTLP endpoint.
pub(crate) struct OtlpSink {
    protocol: Protocol,
    address: SocketAddr,
    store: Arc<Mutex<Store>>,
    serving: Mutex<(Mode, Option<Serving>)>,
}

struct Serving {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl OtlpSink {
    /// A gRPC receiver, up.
    pub(crate) fn grpc() -> Self {
        Self::prepared(Protocol::Grpc).up()
    }

    /// An HTTP/protobuf receiver at `/v1/metrics`, up.
    pub(crate) fn http() -> Self {
        Self::prepared(Protocol::Http).up()
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` wants: scheme, host and port.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether it speaks gRPC; HTTP/protobuf otherwise.
    pub(crate) fn is_grpc(&self) -> bool {
        matches!(self.protocol, Protocol::Grpc)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the behaviour of this port; done when it returns.
    #[track_caller]
    pub(crate) fn set_mode(&self, mode: Mode) {
        let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        if let (_, Some(before)) = std::mem::replace(&mut *serving, (Mode::Down, None)) {
            before.end();
        }
        if mode != Mode::Down {
            *serving = (mode, Some(self.serve(mode)));
        }
    }

    pub(crate) fn mode(&self) -> Mode {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Everything received so far; exports wait while the guard is held.
    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sum over matching points of a sum or gauge, 0 if there are none.
    pub(crate) fn sum(&self, name: &str, attributes: &[(&str, &str)]) -> f64 {
        self.store().sum(name, attributes)
    }

    /// The latest value of every series of a metric.
    pub(crate) fn points(&self, name: &str) -> Vec<Point> {
        self.store().points(name)
    }

    /// Requests that arrived whole and were kept.
    pub(crate) fn exports(&self) -> u64 {
        self.store().exports
    }

    fn prepared(protocol: Protocol) -> Self {
        Self {
            protocol,
            address: (Ipv4Addr::LOCALHOST, free_port()).into(),
            store: Arc::default(),
            serving: Mutex::new((Mode::Down, None)),
        }
    }

    fn up(self) -> Self {
        self.set_mode(Mode::Up);
        self
    }

    #[track_caller]
    fn serve(&self, mode: Mode) -> Serving {
        let (address, protocol) = (self.address, self.protocol);
        let store = Arc::clone(&self.store);
        let (stop, stopped) = oneshot::channel();
        let (listening, ready) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime can be made");
            runtime.block_on(async {
                let listener = TcpListener::bind(address).await.expect("the sink's port is free");
                listening.send(()).expect("set_mode waits");
                tokio::select! {
                    _ = stopped => {}
                    () = answer(listener, protocol, mode, store) => {}
                }
            });
            // Dropping the runtime drops its tasks, and they their connections.
        });
        ready.recv_timeout(LISTENING_WITHIN).expect("the sink listens");
        Serving { stop, thread }
    }
}

impl Serving {
    fn end(self) {
        // Gone already only if serving panicked, which joining shows.
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

impl Drop for OtlpSink {
    fn drop(&mut self) {
        self.set_mode(Mode::Down);
    }
}

async fn answer(listener: TcpListener, protocol: Protocol, mode: Mode, store: Arc<Mutex<Store>>) {
    match (mode, protocol) {
        (Mode::Down, _) => {}
        (Mode::Hung, _) => hung::swallow(listener).await,
        (Mode::Up, Protocol::Grpc) => receive::grpc(listener, store).await,
        (Mode::Up, Protocol::Http) => receive::http(listener, store).await,
    }
}
