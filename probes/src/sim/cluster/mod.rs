//! A simulated cluster behind the broker verbs: brokers with one pinned partition each, group and transaction coordinators,
//! a controller that brokers forward to. Each can fail in every way that the direct probes must distinguish.

mod connection;
mod faults;
mod log;
mod metadata;
mod transactions;

pub use faults::Verb;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Partition, Phase};
use prober_core::kafka_error::KafkaError;
use prober_core::staleness::MetadataDigest;
use tokio::sync::{Notify, watch};

use crate::clock::Clock;
use crate::port::{
    BoxFuture, ClusterClient, DialedConnection, MetadataSnapshot, Pool, RequestError, Response, SharedConnection,
};

use connection::SimConnection;
use log::Log;
use transactions::Transactions;

/// The topic of the simulated pinned lane.
pub const PINNED_TOPIC: &str = "pinned";

/// How long a healthy broker takes for a response.
pub const LATENCY: Duration = Duration::from_millis(2);

/// A handle to the cluster. Clones share it, so that one can be the probe's and another the test's.
#[derive(Clone)]
pub struct SimCluster {
    clock: Clock,
    state: Arc<Mutex<State>>,
    /// Notified when a fault ends: requests that a frozen broker holds are served.
    changed: Arc<Notify>,
    published: watch::Sender<Arc<MetadataSnapshot>>,
}

/// Whether a broker takes connections and requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Process {
    #[default]
    Running,
    /// Takes connections (its kernel does) and requests, and answers nothing.
    Frozen,
    /// Refuses connections.
    Down,
}

#[derive(Debug)]
struct Broker {
    process: Process,
    latency: Duration,
    refusals: BTreeMap<Verb, KafkaError>,
    /// The metadata that it shows, if not the cluster's.
    digest: Option<MetadataDigest>,
    /// Whether requests that it forwards reach the controller.
    forwards: bool,
    pinned: Partition,
}

struct State {
    brokers: BTreeMap<BrokerId, Broker>,
    /// The coordinator by each partition of `__consumer_offsets` and of `__transaction_state`.
    coordinators: Vec<BrokerId>,
    logs: BTreeMap<Partition, Log>,
    groups: BTreeMap<Arc<str>, (i64, String)>,
    loading: BTreeSet<Partition>,
    transactions: Transactions,
    topics: BTreeSet<Arc<str>>,
    unauthorized_topics: BTreeSet<Arc<str>>,
    controller_answers: bool,
    lose_commits: bool,
    show_aborted: bool,
    requests: BTreeMap<(BrokerId, Verb), usize>,
}

impl SimCluster {
    /// Brokers `1..=count`, partition *i* of the pinned topic on broker *i + 1*, two coordinated partitions on each.
    pub fn new(count: i32, clock: Clock) -> SimCluster {
        let broker = |id: i32| Broker {
            process: Process::Running,
            latency: LATENCY,
            refusals: BTreeMap::new(),
            digest: None,
            forwards: true,
            pinned: Partition(id - 1),
        };
        let mut logs: BTreeMap<Partition, Log> = (0..count).map(|id| (Partition(id), Log::default())).collect();
        logs.values_mut().for_each(|log| log.append(b"a record"));
        let state = State {
            brokers: (1..=count).map(|id| (BrokerId(id), broker(id))).collect(),
            coordinators: (0..2 * count).map(|partition| BrokerId(partition % count + 1)).collect(),
            logs,
            groups: BTreeMap::new(),
            loading: BTreeSet::new(),
            transactions: Transactions::default(),
            topics: BTreeSet::new(),
            unauthorized_topics: BTreeSet::new(),
            controller_answers: true,
            lose_commits: false,
            show_aborted: false,
            requests: BTreeMap::new(),
        };
        let published = watch::Sender::new(Arc::new(metadata::snapshot(&state)));
        SimCluster { clock, state: Arc::new(Mutex::new(state)), changed: Arc::new(Notify::new()), published }
    }

    /// The number of requests of one kind that a broker has received.
    pub fn requests(&self, broker: i32, verb: Verb) -> usize {
        self.lock().requests.get(&(BrokerId(broker), verb)).copied().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits as long as the broker takes, then lets `serve` respond.
    async fn request<T>(
        &self,
        broker: BrokerId,
        verb: Verb,
        serve: impl FnOnce(&mut State) -> T,
    ) -> Result<Response<T>, RequestError> {
        let sent = self.clock.now();
        *self.lock().requests.entry((broker, verb)).or_default() += 1;
        self.wait(broker).await.map_err(|_| RequestError::NoResponse(Fault::ConnectionReset))?;
        let body = serve(&mut self.lock());
        Ok(Response { body, sent, at: self.clock.now() })
    }

    /// Waits until the broker answers.
    async fn wait(&self, broker: BrokerId) -> Result<(), Fault> {
        loop {
            let changed = self.changed.notified();
            let (process, latency) = match self.lock().brokers.get(&broker) {
                Some(state) => (state.process, state.latency),
                None => return Err(Fault::NoAddress),
            };
            match process {
                Process::Running => {
                    tokio::time::sleep(latency).await;
                    // It may have been frozen while this request waited.
                    if self.lock().brokers.get(&broker).is_some_and(|state| state.process == Process::Running) {
                        return Ok(());
                    }
                }
                Process::Frozen => changed.await,
                Process::Down => return Err(Fault::ConnectionRefused),
            }
        }
    }

    /// Waits until the request has reached the controller through this broker.
    async fn forward(&self, broker: BrokerId) {
        loop {
            let changed = self.changed.notified();
            {
                let state = self.lock();
                let forwards = state.brokers.get(&broker).is_some_and(|broker| broker.forwards);
                if forwards && state.controller_answers {
                    return;
                }
            }
            changed.await;
        }
    }

    fn connect(&self, broker: BrokerId) -> SharedConnection {
        Arc::new(SimConnection { cluster: self.clone(), broker })
    }
}

impl ClusterClient for SimCluster {
    fn metadata(&self) -> watch::Receiver<Arc<MetadataSnapshot>> {
        self.published.subscribe()
    }

    fn refresh_metadata(&self) {
        let snapshot = metadata::snapshot(&self.lock());
        self.published.send_if_modified(|before| {
            let changed = **before != snapshot;
            *before = Arc::new(snapshot);
            changed
        });
    }

    fn connection(&self, broker: BrokerId, _: Pool) -> BoxFuture<'_, Result<SharedConnection, Fault>> {
        Box::pin(async move {
            let process = self.lock().brokers.get(&broker).map(|broker| broker.process);
            match process {
                // An open connection to a frozen process stays open.
                Some(Process::Running | Process::Frozen) => Ok(self.connect(broker)),
                Some(Process::Down) => Err(Fault::ConnectionRefused),
                None => Err(Fault::NoAddress),
            }
        })
    }

    fn dial(&self, broker: BrokerId, within: Duration) -> BoxFuture<'_, Result<DialedConnection, Fault>> {
        Box::pin(async move {
            *self.lock().requests.entry((broker, Verb::Dial)).or_default() += 1;
            let began = self.clock.now();
            let Ok(answered) = tokio::time::timeout(within, self.wait(broker)).await else {
                return Err(Fault::NoHandshake);
            };
            answered?;
            if let Some(error) = self.lock().refusal(broker, Verb::Dial) {
                return Err(Fault::Kafka(error));
            }
            let phases = vec![(Phase::Connect, Duration::ZERO), (Phase::ApiVersions, self.clock.now().since(began))];
            Ok(DialedConnection { connection: self.connect(broker), phases })
        })
    }
}

impl State {
    /// The error with which a broker refuses this request, if it does.
    fn refusal(&self, broker: BrokerId, verb: Verb) -> Option<KafkaError> {
        self.brokers.get(&broker)?.refusals.get(&verb).copied()
    }

    /// The error of a coordinator's response for this id: a refusal, loading, or another broker is its coordinator.
    fn coordinator_error(&self, broker: BrokerId, verb: Verb, id: &str) -> Option<KafkaError> {
        if let Some(error) = self.refusal(broker, verb) {
            return Some(error);
        }
        let count = i32::try_from(self.coordinators.len()).unwrap_or(i32::MAX);
        let partition = prober_core::coordinator::partition_of(id, count)?;
        if self.loading.contains(&partition) {
            return Some(KafkaError::COORDINATOR_LOAD_IN_PROGRESS);
        }
        let index = usize::try_from(partition.0).unwrap_or_default();
        (self.coordinators.get(index) != Some(&broker)).then_some(KafkaError::NOT_COORDINATOR)
    }
}
