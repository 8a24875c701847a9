//! Asking for metadata: any broker that answers will do, and one that does not must not hold the others up.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::kafka::security::Security;
use crate::kafka::wire::{ClusterMetadata, Connection, Metadata, WireError};

use crate::kafka::session::dial_options::DialOptions;

/// An answer is given up after this.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// The next candidate is asked beside the silent one after this.
const NEXT_AFTER: Duration = Duration::from_millis(250);

/// Asks for metadata, again and again, of whoever answered last.
#[derive(Debug)]
pub(in crate::kafka) struct MetadataClient {
    client_id: Arc<str>,
    security: Arc<Security>,
    topics: Vec<Arc<str>>,
    current: Option<Connection>,
}

impl MetadataClient {
    /// Asks for these topics.
    pub(in crate::kafka) fn new(client_id: Arc<str>, security: Arc<Security>, topics: Vec<Arc<str>>) -> MetadataClient {
        MetadataClient { client_id, security, topics, current: None }
    }

    /// One answer, from the broker that answered last, else from the first of `candidates` that does.
    ///
    /// # Errors
    /// Nobody answered: the last reason.
    pub(in crate::kafka) async fn request(&mut self, candidates: Vec<String>) -> Result<ClusterMetadata, WireError> {
        if let Some(connection) = self.current.take().filter(|connection| !connection.needs_replacement())
            && let Ok(metadata) = ask(&connection, &self.topics).await
        {
            self.current = Some(connection);
            return Ok(metadata);
        }
        let (connection, metadata) = self.first_of(candidates.into()).await?;
        self.current = Some(connection);
        Ok(metadata)
    }

    /// Forgets whom it asked, so that another broker's opinion is heard.
    pub(in crate::kafka) fn use_another_broker(&mut self) {
        self.current = None;
    }

    async fn first_of(&self, mut candidates: VecDeque<String>) -> Result<(Connection, ClusterMetadata), WireError> {
        let mut asked = JoinSet::new();
        let mut reason = WireError::ConnectTimeout;
        loop {
            if let Some(address) = candidates.pop_front() {
                let dial_options = DialOptions {
                    address: address.into(),
                    client_id: Arc::clone(&self.client_id),
                    security: Arc::clone(&self.security),
                    idle_timeout: ANSWER_WITHIN,
                };
                let topics = self.topics.clone();
                asked.spawn(async move {
                    let connection = dial_options.dial(ANSWER_WITHIN).await?;
                    let metadata = ask(&connection, &topics).await?;
                    Ok::<_, WireError>((connection, metadata))
                });
            }
            let wait = if candidates.is_empty() { 2 * ANSWER_WITHIN } else { NEXT_AFTER };
            match tokio::time::timeout(wait, asked.join_next()).await {
                Ok(Some(Ok(Ok(answer)))) => return Ok(answer),
                Ok(Some(Ok(Err(error)))) => reason = error,
                Ok(Some(Err(_)) | None) | Err(_) => {}
            }
            if candidates.is_empty() && asked.is_empty() {
                return Err(reason);
            }
        }
    }
}

async fn ask(connection: &Connection, topics: &[Arc<str>]) -> Result<ClusterMetadata, WireError> {
    let call = connection.call(Metadata { topics: topics.to_vec() })?;
    let silent = WireError::NoAnswer { phase: crate::kafka::wire::Phase::Serving };
    Ok(tokio::time::timeout(ANSWER_WITHIN, call).await.unwrap_or(Err(silent))?.body)
}
