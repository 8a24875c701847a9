//! temporary
use std::net::SocketAddr; use std::sync::Arc; use tokio::sync::watch; use prober_core::snapshot::Snapshot; use crate::exporters::ExportStats;
#[derive(Debug, thiserror::Error)] #[error("x")] pub struct WebError; pub struct Listener(tokio::net::TcpListener);
impl Listener { pub fn local_addr(&self) -> SocketAddr { self.0.local_addr().expect("x") } }
pub async fn bind(a: SocketAddr) -> Result<Listener, WebError> { Ok(Listener(tokio::net::TcpListener::bind(a).await.map_err(|_| WebError)?)) }
pub struct State; impl State { pub fn new(_: watch::Receiver<Arc<Snapshot>>, _: Arc<ExportStats>, _: serde_json::Value) -> State { State } }
pub async fn serve(l: Listener, _: State, m: axum::Router, s: impl Future<Output=()> + Send + 'static) { let _ = axum::serve(l.0, m).with_graceful_shutdown(s).await; }
