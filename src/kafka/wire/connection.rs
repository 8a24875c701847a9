//! One connection to one broker. Any number of requests may be outstanding, up to [`MAX_OUTSTANDING`](super::MAX_OUTSTANDING);
//! the broker answers them in order.
//!
//! [`Connection::open`] and SASL are in `establish`. The connection never reconnects and never retries. It needs a tokio
//! runtime, where one task (`driver`) serves it until it ends.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard},
};

use prober_core::observed::versions::Fingerprint;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::Instant,
};

use super::{
    api::Api,
    call::Call,
    codec::Request,
    driver::Driver,
    error::{Phase, WireError},
    pipeline::{Pipeline, lock},
    tcp_state::{self, Endpoints},
    versions::Versions,
};
use prober_core::tcp_state::TcpState;

/// An open connection. Dropping it closes the socket and fails outstanding requests with [`WireError::Dropped`], unless it
/// was [retired](Connection::retire) before.
#[derive(Debug)]
pub struct Connection {
    pipeline: Arc<Mutex<Pipeline>>,
    versions: Versions,
    ended: watch::Receiver<Option<WireError>>,
    replace_at: Option<Instant>,
    /// Local and remote address; `None` if the stream is not TCP.
    endpoints: Option<Endpoints>,
}

impl Connection {
    /// A connection over a connected stream, before any request: the versions are still unknown.
    pub(super) fn over<S>(stream: S, client_id: &str) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let pipeline = Pipeline::new(Box::new(stream), client_id);
        let ended = pipeline.watch_end();
        let pipeline = Arc::new(Mutex::new(pipeline));
        tokio::spawn(Driver::new(Arc::clone(&pipeline)));
        Self { pipeline, versions: Versions::default(), ended, replace_at: None, endpoints: None }
    }

    /// Writes a request to the socket before it returns, and returns a future of the response that does not borrow the
    /// connection. A response that cannot be decoded ends the connection.
    ///
    /// # Errors
    /// Not a byte was sent: the connection has ended or is retired, broker and prober share no version of the request, or
    /// too many requests or bytes are outstanding.
    pub fn call<R: Request>(&self, request: R) -> Result<Call<R::Response>, WireError> {
        let version = self.versions.agree(R::API, request.newest())?;
        self.state().call(request, version)
    }

    /// As [`Connection::call`], in the version given; the handshake uses it before any version is agreed.
    pub(super) fn call_in_version<R: Request>(&self, request: R, version: i16) -> Result<Call<R::Response>, WireError> {
        self.state().call(request, version)
    }

    /// The newest version of `api` that broker and prober share. A request that lacks a field of newer versions uses an
    /// older one.
    ///
    /// # Errors
    /// [`WireError::UnsupportedVersion`] if broker and prober share none.
    pub fn version(&self, api: Api) -> Result<i16, WireError> {
        self.versions.agree(api, i16::MAX)
    }

    /// A hash of the versions that the broker offered in the handshake: equal for equal offers.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.versions.fingerprint()
    }

    /// Whether the broker finalizes the feature `metadata.version`, as those of Apache Kafka in KRaft mode do (KIP-778).
    pub fn finalizes_metadata_version(&self) -> bool {
        self.versions.finalizes_metadata_version()
    }

    /// Requests sent and not yet answered, including those whose caller has dropped the future.
    pub fn outstanding(&self) -> usize {
        self.state().outstanding()
    }

    /// When bytes last arrived from the broker; before the first byte, when the connection was opened.
    pub fn last_byte_at(&self) -> Instant {
        self.state().last_byte_at()
    }

    /// Since when the connection waits for bytes: the later of the last byte received and the sending of the oldest
    /// outstanding request. `None` if nothing is outstanding.
    pub fn waiting_since(&self) -> Option<Instant> {
        self.state().waiting_since()
    }

    /// Sets the TCP addresses, by which the kernel's state of the connection is found.
    pub(super) fn set_endpoints(&mut self, endpoints: Endpoints) {
        self.endpoints = Some(endpoints);
    }

    /// What our kernel knows of the connection: bytes that the broker's kernel has not acknowledged, and retransmissions.
    /// `None` if it cannot be read. Does not borrow the connection.
    pub fn tcp_state(&self) -> impl Future<Output = Option<TcpState>> + Send + use<> {
        let endpoints = self.endpoints;
        async move { tcp_state::read(endpoints?).await }
    }

    /// Until when the broker throttles this connection (KIP-219), by its last response that said so; may be in the past.
    pub fn throttled_until(&self) -> Option<Instant> {
        self.state().throttled_until()
    }

    /// Whether the broker throttles this connection now. Until the throttle ends, the broker reads no request from it.
    pub fn is_throttled(&self) -> bool {
        self.throttled_until().is_some_and(|until| Instant::now() < until)
    }

    /// Whether the connection should be replaced by a fresh one: at 80 % of the lifetime of its SASL session, because the
    /// broker closes it when the session expires (KIP-368). The prober does not re-authenticate on an open connection, so
    /// that no response of a probe waits behind such an exchange. Never true if the session does not expire.
    pub fn needs_replacement(&self) -> bool {
        self.replace_at.is_some_and(|at| at <= Instant::now())
    }

    /// Why the connection ended, if it has.
    pub fn is_closed(&self) -> Option<WireError> {
        self.ended.borrow().clone()
    }

    /// Resolves when the connection ends, also with nothing outstanding. Does not borrow the connection.
    pub fn closed(&self) -> impl Future<Output = WireError> + Send + use<> {
        let mut ended = self.ended.clone();
        async move {
            let reason = ended.wait_for(Option::is_some).await;
            reason.ok().and_then(|reason| reason.clone()).unwrap_or(WireError::Dropped)
        }
    }

    /// Accepts no more requests, but delivers outstanding responses until `until`; then, or with the last response, the
    /// connection ends with [`WireError::Retired`]. The handle may be dropped at once. A second call can only shorten the
    /// time.
    pub fn retire(&self, until: Instant) {
        self.state().retire(until);
    }

    /// Sets the versions that the handshake agreed on.
    pub(super) fn set_versions(&mut self, versions: Versions) {
        self.versions = versions;
    }

    /// Sets the phase that errors of the stream are reported with.
    pub(super) fn enter(&self, phase: Phase) {
        self.state().enter(phase);
    }

    /// Sets when [`Connection::needs_replacement`] becomes true; `None`: never.
    pub(super) fn replace_at(&mut self, at: Option<Instant>) {
        self.replace_at = at;
    }

    fn state(&self) -> MutexGuard<'_, Pipeline> {
        lock(&self.pipeline)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut state = self.state();
        if state.retire_at().is_none() {
            state.end(WireError::Dropped);
        }
    }
}
