//! One connection to one broker: opened by the ApiVersions handshake, then as many calls at a
//! time as the caller likes, answered in order.
//!
//! TLS wraps the stream before [`Connection::open`]; a SASL exchange is the first calls after it,
//! since a broker answers ApiVersions to anybody (KIP-152).
//! The connection never reconnects and never retries. It needs a tokio runtime, where it keeps
//! one task until it ends.

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
    call::Call,
    codec::Request,
    driver::Driver,
    error::{Phase, WireError},
    handshake,
    pipeline::{Pipeline, lock},
    sasl,
    tcp_state::{self, Endpoints},
    versions::{Api, Versions},
};
use prober_core::diagnosis::input::Way;

use crate::kafka::security::Sasl;

/// An open connection. Dropping it closes the socket and fails what is outstanding with
/// [`WireError::Dropped`], unless it was [retired](Connection::retire) before.
#[derive(Debug)]
pub struct Connection {
    pipeline: Arc<Mutex<Pipeline>>,
    versions: Versions,
    ended: watch::Receiver<Option<WireError>>,
    due_at: Option<Instant>,
    /// Where it goes; `None` over what is no TCP.
    ends: Option<Endpoints>,
}

impl Connection {
    /// Opens a connection over a connected stream and agrees on versions with the broker
    /// (KIP-35, KIP-511). `client_id` is what the broker's logs and quotas know us by.
    ///
    /// # Errors
    /// [`WireError::NoAnswer`] if the broker has not answered by `answer_by`; otherwise whatever
    /// ended the connection.
    pub async fn open<S>(stream: S, client_id: &str, answer_by: Instant) -> Result<Self, WireError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let pipeline = Pipeline::new(Box::new(stream), client_id);
        let ended = pipeline.watch_end();
        let pipeline = Arc::new(Mutex::new(pipeline));
        tokio::spawn(Driver::new(Arc::clone(&pipeline)));
        let mut connection = Self { pipeline, versions: Versions::default(), ended, due_at: None, ends: None };
        connection.versions = tokio::time::timeout_at(answer_by, handshake::agree(&connection))
            .await
            .unwrap_or(Err(WireError::NoAnswer { phase: Phase::ApiVersions }))?;
        connection.state().enter(Phase::Serving);
        Ok(connection)
    }

    /// Authenticates the connection, before any other call.
    ///
    /// # Errors
    /// [`WireError::NoAnswer`] if the exchange is not over by `answer_by`; otherwise what the broker said to it, or what
    /// ended the connection.
    pub(super) async fn authenticate(&mut self, sasl: &Sasl, answer_by: Instant) -> Result<(), WireError> {
        self.state().enter(Phase::Sasl);
        let lifetime = tokio::time::timeout_at(answer_by, sasl::authenticate(self, sasl))
            .await
            .unwrap_or(Err(WireError::NoAnswer { phase: Phase::Sasl }))?;
        self.due_at = lifetime.and_then(|lifetime| Instant::now().checked_add(lifetime * 4 / 5));
        self.state().enter(Phase::Serving);
        Ok(())
    }

    /// Sends a request, in this very turn, and returns a future of its answer that does not
    /// borrow the connection. An answer that cannot be decoded ends the connection.
    ///
    /// # Errors
    /// If not a byte was sent: the connection has ended or is retired, the versions do not meet,
    /// or too much is under way.
    pub fn call<R: Request>(&self, request: R) -> Result<Call<R::Response>, WireError> {
        let version = self.versions.agree(R::API, request.newest())?;
        self.state().call(request, version)
    }

    /// As [`Connection::call`], in a version that the handshake chooses.
    pub(super) fn call_in_version<R: Request>(&self, request: R, version: i16) -> Result<Call<R::Response>, WireError> {
        self.state().call(request, version)
    }

    /// The version in which `api` is spoken here, unless a request lacks what it demands.
    ///
    /// # Errors
    /// [`WireError::UnsupportedVersion`] if broker and prober share none.
    pub fn version(&self, api: Api) -> Result<i16, WireError> {
        self.versions.agree(api, i16::MAX)
    }

    /// What the broker offered in the handshake, as one number that is equal for equal offers.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.versions.fingerprint()
    }

    /// Requests sent and not yet answered, those of callers who gave up included.
    pub fn outstanding(&self) -> usize {
        self.state().outstanding()
    }

    /// When bytes last came from the broker; before any came, when the connection was opened.
    pub fn last_byte_at(&self) -> Instant {
        self.state().last_byte_at()
    }

    /// Since when the broker owes us a byte: the later of the last byte and the sending of the
    /// oldest outstanding request. None if nothing is outstanding.
    pub fn waiting_since(&self) -> Option<Instant> {
        self.state().waiting_since()
    }

    /// It runs over TCP between these.
    pub(super) fn set_endpoints(&mut self, ends: Endpoints) {
        self.ends = Some(ends);
    }

    /// Whether the broker's kernel takes what we send, as far as ours knows. Does not borrow the connection.
    pub fn way(&self) -> impl Future<Output = Option<Way>> + Send + use<> {
        let ends = self.ends;
        async move { tcp_state::of(ends?).await }
    }

    /// Until when the broker throttles this connection (KIP-219), as last told; may be past.
    pub fn throttled_until(&self) -> Option<Instant> {
        self.state().throttled_until()
    }

    /// Whether the broker throttles this connection now: until it ends, nothing that is asked is answered.
    pub fn is_throttled(&self) -> bool {
        self.throttled_until().is_some_and(|until| Instant::now() < until)
    }

    /// Whether a kept connection is due for replacement by a fresh one: at 80 % of the lifetime of its session, at the
    /// end of which the broker would end it under our hands (KIP-368). We never authenticate again on the same
    /// connection, so that no answer of a probe waits behind such an exchange. Never if the session has no end.
    pub fn needs_replacement(&self) -> bool {
        self.due_at.is_some_and(|at| at <= Instant::now())
    }

    /// Why the connection ended, if it has.
    pub fn is_closed(&self) -> Option<WireError> {
        self.ended.borrow().clone()
    }

    /// Resolves when the connection ends, also with nothing outstanding. Does not borrow the
    /// connection.
    pub fn closed(&self) -> impl Future<Output = WireError> + Send + use<> {
        let mut ended = self.ended.clone();
        async move {
            let reason = ended.wait_for(Option::is_some).await;
            reason.ok().and_then(|reason| reason.clone()).unwrap_or(WireError::Dropped)
        }
    }

    /// Takes no more calls from now on, but still delivers what is outstanding until `until`;
    /// then, or with the last answer, the connection ends with [`WireError::Retired`]. The handle
    /// may be dropped at once. Retiring again can only shorten the time.
    pub fn retire(&self, until: Instant) {
        self.state().retire(until);
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
