//! `/metrics`: the snapshot as text for Prometheus. It never calls Kafka: it reads what is counted already.
//!
//! | file | holds |
//! | --- | --- |
//! | `mod.rs` | the route and its cache |
//! | `negotiation.rs` | which format and encoding a request asks for |
//! | `names.rs` | the translation of OTLP names |
//! | `render.rs` | the two text formats |

mod names;
mod negotiation;
mod render;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use prober_core::metric::Level;
use prober_core::snapshot::Snapshot;
use tokio::sync::{Mutex, watch};

use super::ExportStats;
use negotiation::accepts_gzip;

pub use negotiation::Format;
pub(super) use render::render;

#[cfg(test)]
pub(super) use names::prometheus_name;

/// Renders snapshots for scrapes, each format and encoding at most once a second however many requests ask.
#[derive(Debug)]
pub struct Prometheus {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    stats: Arc<ExportStats>,
    level: Level,
    cached: Mutex<Cached>,
}

/// The bodies of one second, by format and by whether they are compressed.
#[derive(Debug, Default)]
struct Cached {
    second: u64,
    bodies: BTreeMap<(Format, bool), Bytes>,
}

impl Prometheus {
    /// Reads the newest snapshot at each scrape, and exports what belongs to `level`.
    pub fn new(snapshots: watch::Receiver<Arc<Snapshot>>, stats: Arc<ExportStats>, level: Level) -> Prometheus {
        Prometheus { snapshots, stats, level, cached: Mutex::default() }
    }

    /// The route `/metrics`, for the web server to take in.
    pub fn route(self) -> Router {
        Router::new().route("/metrics", get(scrape)).with_state(Arc::new(self))
    }

    /// The body of the current second, by the snapshot's own clock. Simultaneous scrapes wait for one rendering.
    ///
    /// # Errors
    ///
    /// The text could not be written, or not be compressed; neither happens in memory.
    async fn body(&self, format: Format, gzip: bool) -> io::Result<Bytes> {
        let mut cached = self.cached.lock().await;
        let snapshot = Arc::clone(&self.snapshots.borrow());
        let second = snapshot.at.as_nanos() / 1_000_000_000;
        if cached.second != second {
            *cached = Cached { second, ..Cached::default() };
        }
        if let Some(body) = cached.bodies.get(&(format, gzip)) {
            return Ok(body.clone());
        }
        let (stats, level) = (Arc::clone(&self.stats), self.level);
        // Hundreds of brokers take milliseconds, too long for a thread that other requests wait for.
        let rendering = tokio::task::spawn_blocking(move || {
            let text = render(snapshot, stats, level, format).map_err(io::Error::other)?;
            if gzip { compress(text.as_bytes()) } else { Ok(Bytes::from(text)) }
        });
        let body = rendering.await.map_err(io::Error::other)??;
        cached.bodies.insert((format, gzip), body.clone());
        Ok(body)
    }
}

/// The fastest level: one of a hundred brokers' texts shrinks to a twentieth even so.
fn compress(text: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text)?;
    Ok(Bytes::from(encoder.finish()?))
}

async fn scrape(State(prometheus): State<Arc<Prometheus>>, headers: HeaderMap) -> Response {
    let of = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let format = Format::of(of(header::ACCEPT));
    let gzip = accepts_gzip(of(header::ACCEPT_ENCODING));
    match prometheus.body(format, gzip).await {
        Ok(body) => {
            let shared = [(header::CONTENT_TYPE, format.content_type()), (header::VARY, "Accept, Accept-Encoding")];
            let encoding = gzip.then_some([(header::CONTENT_ENCODING, "gzip")]);
            match encoding {
                Some(encoding) => (shared, encoding, body).into_response(),
                None => (shared, body).into_response(),
            }
        }
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be rendered\n").into_response(),
    }
}

#[cfg(test)]
mod tests;
