//! Sends a request to any broker that answers, over one connection that is kept.

use std::sync::Arc;
use std::time::Duration;

use crate::kafka::security::Security;
use crate::kafka::session::dial_options::DialOptions;
use crate::kafka::wire::{Connection, Phase, Request, WireError};

use super::Settings;
use super::state::{Cost, ObservationState};

/// Time-out of a dial.
const DIAL_WITHIN: Duration = Duration::from_secs(2);

/// Time-out of a request: the response of a large cluster takes seconds, and nothing waits for it.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Brokers that are tried in one round at most, so that failures do not multiply the requests.
const TRIED_MAX: usize = 3;

/// Sends requests to any broker.
pub(super) struct AnyBroker<'a> {
    state: &'a ObservationState,
    dialer: Dialer,
    current: Option<Connection>,
    /// Index of the candidate that is tried first, so that a silent broker is not the first each time.
    first_candidate: usize,
}

impl<'a> AnyBroker<'a> {
    pub(super) fn new(settings: &Settings, state: &'a ObservationState) -> AnyBroker<'a> {
        AnyBroker { state, dialer: Dialer::new(settings), current: None, first_candidate: 0 }
    }

    /// Returns one response, and adds its cost.
    ///
    /// # Errors
    /// No broker that was tried answered: the error of the last one. If a broker does not offer the request, no other is tried.
    pub(super) async fn ask<R: Request + Clone>(
        &mut self,
        request: R,
        cost: &mut Cost,
    ) -> Result<R::Response, WireError> {
        let mut reason = WireError::ConnectTimeout;
        if let Some(connection) = self.current.take() {
            match self.ask_over(connection, request.clone(), cost).await {
                Err(error) if !is_final(&error) => reason = error,
                settled => return settled,
            }
        }
        let candidates = self.state.candidates();
        for attempt in 0..candidates.len().min(TRIED_MAX) {
            let address = Arc::clone(&candidates[(self.first_candidate + attempt) % candidates.len()]);
            let asked = match self.dialer.dial(address).await {
                Ok(connection) => self.ask_over(connection, request.clone(), cost).await,
                Err(error) => Err(error),
            };
            match asked {
                Err(error) if !is_final(&error) => reason = error,
                settled => return settled,
            }
        }
        self.first_candidate = self.first_candidate.wrapping_add(TRIED_MAX);
        Err(reason)
    }

    /// Whether the broker that answered last finalizes the feature `metadata.version`.
    pub(super) fn finalizes_metadata_version(&self) -> bool {
        self.current.as_ref().is_some_and(Connection::finalizes_metadata_version)
    }

    async fn ask_over<R: Request>(
        &mut self,
        connection: Connection,
        request: R,
        cost: &mut Cost,
    ) -> Result<R::Response, WireError> {
        let asked = self.state.clock.now();
        let answer = call(&connection, request).await;
        if answer.as_ref().err().is_none_or(is_final) {
            self.current = Some(connection);
        }
        if answer.is_ok() {
            cost.add(self.state.clock.now().since(asked));
        }
        answer
    }
}

/// Whether another broker would fail with the same error.
fn is_final(error: &WireError) -> bool {
    matches!(error, WireError::UnsupportedVersion { .. })
}

/// Opens connections of the observation.
#[derive(Clone)]
pub(super) struct Dialer {
    client_id: Arc<str>,
    security: Arc<Security>,
}

impl Dialer {
    pub(super) fn new(settings: &Settings) -> Dialer {
        Dialer { client_id: Arc::clone(&settings.client_id), security: Arc::clone(&settings.security) }
    }

    /// Opens a connection.
    pub(super) async fn dial(&self, address: Arc<str>) -> Result<Connection, WireError> {
        let (client_id, security) = (Arc::clone(&self.client_id), Arc::clone(&self.security));
        DialOptions { address, client_id, security, idle_timeout: ANSWER_WITHIN }.dial(DIAL_WITHIN).await
    }
}

/// Returns the response to one request, within its time-out.
pub(super) async fn call<R: Request>(connection: &Connection, request: R) -> Result<R::Response, WireError> {
    let call = connection.call(request)?;
    let silent = WireError::NoAnswer { phase: Phase::Serving };
    Ok(tokio::time::timeout(ANSWER_WITHIN, call).await.unwrap_or(Err(silent))?.body)
}
