//! Asking whichever broker answers, over one kept connection.

use std::sync::Arc;
use std::time::Duration;

use crate::kafka::security::Security;
use crate::kafka::session::dial_options::DialOptions;
use crate::kafka::wire::{Connection, Phase, Request, WireError};

use super::Settings;
use super::state::{Cost, ObservationState};

/// A dial is given up after this.
const DIAL_WITHIN: Duration = Duration::from_secs(2);

/// An answer is given up after this: a large cluster may take a while, and nobody waits for us.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// So many brokers are tried in one round: a round in trouble must not become a storm.
const TRIED_MAX: usize = 3;

/// Asks some broker.
pub(super) struct AnyBroker<'a> {
    state: &'a ObservationState,
    dialer: Dialer,
    current: Option<Connection>,
    /// Where the next search begins, so that a silent broker is not the first each time.
    turn: usize,
}

impl<'a> AnyBroker<'a> {
    pub(super) fn new(settings: &Settings, state: &'a ObservationState) -> AnyBroker<'a> {
        AnyBroker { state, dialer: Dialer::new(settings), current: None, turn: 0 }
    }

    /// One answer, and adds what it cost.
    ///
    /// # Errors
    /// None of the brokers tried answered: the last reason. What a broker does not offer is not asked of another.
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
            let address = Arc::clone(&candidates[(self.turn + attempt) % candidates.len()]);
            let asked = match self.dialer.dial(address).await {
                Ok(connection) => self.ask_over(connection, request.clone(), cost).await,
                Err(error) => Err(error),
            };
            match asked {
                Err(error) if !is_final(&error) => reason = error,
                settled => return settled,
            }
        }
        self.turn = self.turn.wrapping_add(TRIED_MAX);
        Err(reason)
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

/// Whether another broker would say the same.
fn is_final(error: &WireError) -> bool {
    matches!(error, WireError::UnsupportedVersion { .. })
}

/// Who we are to the brokers.
#[derive(Clone)]
pub(super) struct Dialer {
    client_id: Arc<str>,
    security: Arc<Security>,
}

impl Dialer {
    pub(super) fn new(settings: &Settings) -> Dialer {
        Dialer { client_id: Arc::clone(&settings.client_id), security: Arc::clone(&settings.security) }
    }

    /// Opens a connection of our own.
    pub(super) async fn dial(&self, address: Arc<str>) -> Result<Connection, WireError> {
        let (client_id, security) = (Arc::clone(&self.client_id), Arc::clone(&self.security));
        DialOptions { address, client_id, security, idle_timeout: ANSWER_WITHIN }.dial(DIAL_WITHIN).await
    }
}

/// One answer, in time.
pub(super) async fn call<R: Request>(connection: &Connection, request: R) -> Result<R::Response, WireError> {
    let call = connection.call(request)?;
    let silent = WireError::NoAnswer { phase: Phase::Serving };
    Ok(tokio::time::timeout(ANSWER_WITHIN, call).await.unwrap_or(Err(silent))?.body)
}
