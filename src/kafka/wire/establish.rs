//! How a connection becomes ready for requests: ApiVersions first, because a broker answers it before authentication
//! (KIP-152), then SASL. TLS, if any, is already part of the stream.

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout_at},
};

use super::{
    connection::Connection,
    error::{Phase, WireError},
    handshake, sasl,
};
use crate::kafka::security::Sasl;

impl Connection {
    /// Opens a connection over a connected stream and agrees on versions with the broker (KIP-35, KIP-511). `client_id`
    /// appears in the broker's logs and quotas.
    ///
    /// # Errors
    /// [`WireError::NoAnswer`] if the broker has not answered by `answer_by`; otherwise what ended the connection.
    pub async fn open<S>(stream: S, client_id: &str, answer_by: Instant) -> Result<Self, WireError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut connection = Self::over(stream, client_id);
        let versions = timeout_at(answer_by, handshake::agree(&connection))
            .await
            .unwrap_or(Err(WireError::NoAnswer { phase: Phase::ApiVersions }))?;
        connection.set_versions(versions);
        connection.enter(Phase::Serving);
        Ok(connection)
    }

    /// Authenticates the connection, before any other request.
    ///
    /// # Errors
    /// [`WireError::NoAnswer`] if the exchange is not complete by `answer_by`; otherwise the broker's refusal, or what
    /// ended the connection.
    pub(super) async fn authenticate(&mut self, sasl: &Sasl, answer_by: Instant) -> Result<(), WireError> {
        self.enter(Phase::Sasl);
        let lifetime = timeout_at(answer_by, sasl::authenticate(self, sasl))
            .await
            .unwrap_or(Err(WireError::NoAnswer { phase: Phase::Sasl }))?;
        self.replace_at(lifetime.and_then(|lifetime| Instant::now().checked_add(lifetime * 4 / 5)));
        self.enter(Phase::Serving);
        Ok(())
    }
}
