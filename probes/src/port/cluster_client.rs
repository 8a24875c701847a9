//! The port of broker verbs: what the direct probes can ask of a cluster. The wire implements it, and the simulated cluster
//! does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, ConnectionRole, Partition, Phase, Probe};
use prober_core::staleness::MetadataDigest;
use prober_core::time::Time;
use tokio::sync::watch;

use super::requests::{
    CommitOffset, CommittedOffset, CreateTopic, Fetch, FetchOffset, Fetched, InitializedProducer, ListOffset,
    ListedOffset, ProduceInTransaction, Produced, Refusal, TopicResult, Transaction,
};
use super::{BoxFuture, MetadataSnapshot};

/// The brokers of one cluster.
pub trait ClusterClient: Send + Sync {
    /// Follows the newest metadata, which is empty before the first response.
    fn metadata(&self) -> watch::Receiver<Arc<MetadataSnapshot>>;

    /// Has the metadata requested soon, because a response, or a missing one, shows that the newest is outdated.
    fn refresh_metadata(&self);

    /// The pooled connection to a broker; waits while it is being dialled.
    ///
    /// # Errors
    /// The cause of the last failed dial; [`Fault::Quota`] while the broker throttles us (KIP-219); [`Fault::NoAddress`].
    fn connection(&self, broker: BrokerId, pool: Pool) -> BoxFuture<'_, Result<SharedConnection, Fault>>;

    /// Opens a fresh connection, whose responses may take up to `within`.
    ///
    /// # Errors
    /// The cause, which names the phase that failed; [`Fault::NoAddress`].
    fn dial(&self, broker: BrokerId, within: Duration) -> BoxFuture<'_, Result<DialedConnection, Fault>>;
}

/// The pooled connections to a broker. A broker serves one request at a time on a connection, so requests that can wait on
/// replication share none with requests that the broker answers alone (K3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pool {
    /// `fetch` and `metadata`: the broker answers alone.
    Control,
    /// `commit`: waits for the replicas of an internal partition.
    Commit,
    /// `transaction`: waits for the replicas of an internal partition.
    Transaction,
}

impl Pool {
    /// Every pool.
    pub const ALL: [Pool; 3] = [Pool::Control, Pool::Commit, Pool::Transaction];

    /// Longest wait for a response on a connection: the longest deadline of the probes that share it.
    pub fn idle_timeout(self, deadlines: &BTreeMap<Probe, Duration>) -> Duration {
        /// For a pool that no enabled probe uses.
        const UNUSED: Duration = Duration::from_secs(4);
        let shares = |probe: Probe| match self {
            Pool::Control => probe.spec().connection == Some(ConnectionRole::Control),
            Pool::Commit => probe == Probe::Commit,
            Pool::Transaction => probe == Probe::Transaction,
        };
        deadlines.iter().filter(|(probe, _)| shares(**probe)).map(|(_, deadline)| *deadline).max().unwrap_or(UNUSED)
    }
}

/// A connection that several attempts use.
pub type SharedConnection = Arc<dyn BrokerConnection>;

/// A fresh connection.
pub struct DialedConnection {
    /// The connection.
    pub connection: SharedConnection,
    /// How long each phase took.
    pub phases: Vec<(Phase, Duration)>,
}

/// A response on its way.
pub type Responding<'a, T> = BoxFuture<'a, Result<Response<T>, RequestError>>;

/// Requests to one broker. Kafka's error codes are part of a response; a [`RequestError`] is the lack of one.
pub trait BrokerConnection: Send + Sync {
    /// Fetch.
    fn fetch(&self, request: Fetch) -> Responding<'_, Fetched>;
    /// ListOffsets.
    fn list_offset(&self, request: ListOffset) -> Responding<'_, ListedOffset>;
    /// Metadata, reduced to what shows whether this broker is behind the others (K4).
    fn metadata_digest(&self, topics: Vec<Arc<str>>) -> Responding<'_, MetadataDigest>;
    /// Metadata of one topic: whether this broker knows it.
    fn knows_topic(&self, topic: Arc<str>) -> Responding<'_, bool>;
    /// OffsetCommit, by no member of the group.
    fn commit_offset(&self, request: CommitOffset) -> Responding<'_, Refusal>;
    /// OffsetFetch.
    fn fetch_offset(&self, request: FetchOffset) -> Responding<'_, CommittedOffset>;
    /// InitProducerId: fences earlier producers of the transactional id and aborts what they left open. The coordinator
    /// aborts later transactions itself after `transaction_timeout`.
    fn init_producer_id(
        &self,
        transactional_id: Arc<str>,
        transaction_timeout: Duration,
    ) -> Responding<'_, InitializedProducer>;
    /// AddPartitionsToTxn: begins the transaction, if none is open.
    fn add_partition_to_transaction(
        &self,
        transaction: Transaction,
        topic: Arc<str>,
        partition: Partition,
    ) -> Responding<'_, Refusal>;
    /// Produce, with acks=all.
    fn produce_in_transaction(&self, request: ProduceInTransaction) -> Responding<'_, Produced>;
    /// EndTxn.
    fn end_transaction(&self, transaction: Transaction, commit: bool) -> Responding<'_, Refusal>;
    /// CreateTopics; any broker forwards it to the controller.
    fn create_topic(&self, request: CreateTopic) -> Responding<'_, TopicResult>;
    /// DeleteTopics; any broker forwards it to the controller, which may take `timeout`.
    fn delete_topic(&self, topic: Arc<str>, timeout: Duration) -> Responding<'_, TopicResult>;
}

/// A response with its stamps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response<T> {
    /// The content of the response.
    pub body: T,
    /// Just before the request went to the socket.
    pub sent: Time,
    /// When the last byte of the response was in.
    pub at: Time,
}

/// Why there is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// The broker offers no version of this request that the prober supports; nothing was sent.
    Unsupported,
    /// The connection could not take the request; nothing was sent.
    NotSent(Fault),
    /// The request was sent, and the connection ended or the response cannot be read.
    NoResponse(Fault),
}

impl From<RequestError> for Fault {
    fn from(error: RequestError) -> Fault {
        match error {
            RequestError::Unsupported => Fault::Protocol,
            RequestError::NotSent(fault) | RequestError::NoResponse(fault) => fault,
        }
    }
}
