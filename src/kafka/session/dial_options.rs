//! How to open a connection to one broker.

use std::sync::Arc;
use std::time::Duration;

use crate::kafka::security::Security;
use crate::kafka::wire::{Connection, WireError, dial};

/// Address, identity and limits of connections to one broker.
#[derive(Clone, Debug)]
pub(in crate::kafka) struct DialOptions {
    /// `host:port`.
    pub(in crate::kafka) address: Arc<str>,
    /// Kafka's `client.id`: appears in the broker's logs and quotas.
    pub(in crate::kafka) client_id: Arc<str>,
    /// TLS and SASL.
    pub(in crate::kafka) security: Arc<Security>,
    /// How long sent bytes may stay unacknowledged (`TCP_USER_TIMEOUT`), and how long a managed connection may take to
    /// open, or wait for a byte with requests outstanding, before it is replaced: one deadline.
    pub(in crate::kafka) idle_timeout: Duration,
}

impl DialOptions {
    /// Opens one connection, all phases within `timeout`.
    ///
    /// # Errors
    /// As [`dial()`].
    pub(in crate::kafka) async fn dial(&self, timeout: Duration) -> Result<Connection, WireError> {
        let dialed = dial(&self.address, &self.client_id, &self.security, timeout, self.idle_timeout).await?;
        Ok(dialed.connection)
    }
}
