//! The broker verbs of the direct probes, over the wire.

mod broker_connection;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Phase, Probe};
use prober_probes::clock::Clock;
use prober_probes::direct::context::Report;
use prober_probes::port::{
    BoxFuture, ClusterClient, DialedConnection, MetadataSnapshot, OverdueConnection, Pool, ProbeInput, SharedConnection,
};
use tokio::sync::{Notify, watch};

use crate::supervisor::{Supervisor, Task};

use super::cluster::metadata_client::MetadataClient;
use super::cluster::metadata_poller::MetadataPoller;
use super::security::Security;
use super::session::connection_pool::ConnectionPool;
use super::session::dial_options::DialOptions;
use super::session::fault;
use super::wire::{Phases, dial};

use broker_connection::WireConnection;

/// How the brokers of one cluster are reached.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The servers to ask first, `host:port` each.
    pub bootstrap: Vec<String>,
    /// Kafka's `client.id`: appears in the brokers' logs and quotas.
    pub client_id: Arc<str>,
    /// TLS and SASL.
    pub security: Arc<Security>,
    /// The topics of the pinned and of the replicated lane.
    pub monitor_topics: [Arc<str>; 2],
    /// The enabled probes, each with its deadline: how long a connection may be silent with a request outstanding.
    pub deadlines: BTreeMap<Probe, Duration>,
}

/// A cluster over the wire. Dropping it closes its pooled connections.
pub struct WireCluster {
    clock: Clock,
    client_id: Arc<str>,
    security: Arc<Security>,
    metadata: watch::Receiver<Arc<MetadataSnapshot>>,
    outdated: Arc<Notify>,
    pools: BTreeMap<Pool, ConnectionPool>,
    _poller: Task,
}

impl WireCluster {
    /// Requests metadata from now on; needs a tokio runtime.
    pub fn start(settings: Settings, clock: Clock, report: Report, supervisor: Supervisor) -> WireCluster {
        let Settings { bootstrap, client_id, security, monitor_topics, deadlines } = settings;
        let metadata_client = |topics| MetadataClient::new(Arc::clone(&client_id), Arc::clone(&security), topics);
        let poller = MetadataPoller::new(metadata_client, bootstrap, monitor_topics, clock, Arc::clone(&report));
        let (metadata, outdated) = (poller.watch(), poller.outdated());
        let pool = |pool: Pool| {
            let (client_id, security) = (Arc::clone(&client_id), Arc::clone(&security));
            let idle_timeout = pool.idle_timeout(&deadlines);
            let dial_options = move |address| DialOptions {
                address,
                client_id: Arc::clone(&client_id),
                security: Arc::clone(&security),
                idle_timeout,
            };
            let report = Arc::clone(&report);
            // An overdue response counts against the broker only where it answers alone: others may wait on replicas.
            let overdue = move |connection: OverdueConnection| {
                if pool == Pool::Control {
                    report(ProbeInput::Overdue(connection));
                }
            };
            let dial_options = Arc::new(dial_options);
            (pool, ConnectionPool::new(clock, metadata.clone(), dial_options, Arc::new(overdue), supervisor.clone()))
        };
        let pools = Pool::ALL.into_iter().map(pool).collect();
        let poller = supervisor.spawn("metadata_poller", poller.run());
        WireCluster { clock, client_id, security, metadata, outdated, pools, _poller: poller }
    }

    async fn open(&self, broker: BrokerId, within: Duration) -> Result<DialedConnection, Fault> {
        let address = self.metadata.borrow().address(broker).ok_or(Fault::NoAddress)?;
        let dialed = dial(&address, &self.client_id, &self.security, within, within).await;
        let dialed = dialed.map_err(|error| fault::of(&error))?;
        let connection = WireConnection { clock: self.clock, connection: Arc::new(dialed.connection) };
        Ok(DialedConnection { connection: Arc::new(connection), phases: phases(dialed.phases) })
    }
}

impl ClusterClient for WireCluster {
    fn metadata(&self) -> watch::Receiver<Arc<MetadataSnapshot>> {
        self.metadata.clone()
    }

    fn refresh_metadata(&self) {
        self.outdated.notify_one();
    }

    fn connection(&self, broker: BrokerId, pool: Pool) -> BoxFuture<'_, Result<SharedConnection, Fault>> {
        Box::pin(async move {
            let pool = self.pools.get(&pool).ok_or(Fault::NoAddress)?;
            let connection = pool.connection(broker).await?;
            let shared: SharedConnection = Arc::new(WireConnection { clock: self.clock, connection });
            Ok(shared)
        })
    }

    fn dial(&self, broker: BrokerId, within: Duration) -> BoxFuture<'_, Result<DialedConnection, Fault>> {
        Box::pin(self.open(broker, within))
    }
}

/// The phases that the connection went through.
fn phases(phases: Phases) -> Vec<(Phase, Duration)> {
    let Phases { resolve, connect, tls, api_versions, sasl } = phases;
    let passed = [
        (Phase::Resolve, Some(resolve)),
        (Phase::Connect, Some(connect)),
        (Phase::Tls, tls),
        (Phase::ApiVersions, Some(api_versions)),
        (Phase::Sasl, sasl),
    ];
    passed.into_iter().filter_map(|(phase, took)| Some((phase, took?))).collect()
}
