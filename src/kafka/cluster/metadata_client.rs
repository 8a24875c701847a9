//! Requests metadata from any broker that answers. A broker that does not answer does not delay the request to the next.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::kafka::security::Security;
use crate::kafka::session::dial_options::DialOptions;
use crate::kafka::wire::{ClusterMetadata, Connection, Metadata, Phase, WireError};

/// Time-out of a dial, and of a request.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// After this without a response the next candidate is asked too.
const NEXT_CANDIDATE_AFTER: Duration = Duration::from_millis(250);

/// Requests metadata, over a connection that is kept to the broker that answered last.
#[derive(Debug)]
pub(in crate::kafka) struct MetadataClient {
    client_id: Arc<str>,
    security: Arc<Security>,
    topics: Vec<Arc<str>>,
    current: Option<Connection>,
}

impl MetadataClient {
    /// A client that requests these topics.
    pub(in crate::kafka) fn new(client_id: Arc<str>, security: Arc<Security>, topics: Vec<Arc<str>>) -> MetadataClient {
        MetadataClient { client_id, security, topics, current: None }
    }

    /// The metadata, from the broker that answered last, or else from the first of `candidates` that answers.
    ///
    /// # Errors
    /// No broker answered: the error of the last one.
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

    /// Asks another broker next time, because the metadata of the current one may be stale.
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
            let wait = if candidates.is_empty() { 2 * ANSWER_WITHIN } else { NEXT_CANDIDATE_AFTER };
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
    let silent = WireError::NoAnswer { phase: Phase::Serving };
    Ok(tokio::time::timeout(ANSWER_WITHIN, call).await.unwrap_or(Err(silent))?.body)
}
