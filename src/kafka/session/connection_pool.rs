//! One managed connection to each broker, shared by several attempts, and opened by the first of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, ConnectionRole};
use prober_probes::clock::Clock;
use prober_probes::port::MetadataSnapshot;
use tokio::sync::watch;

use crate::kafka::session::dial_options::DialOptions;
use crate::kafka::session::managed_connection::{ConnectionState, ManagedConnection};
use crate::kafka::session::overdue_monitor::{OverdueMonitor, OverdueSink};
use crate::kafka::wire::Connection;
use crate::supervisor::Supervisor;

/// How to dial an address.
pub(in crate::kafka) type DialOptionsFor = Arc<dyn Fn(Arc<str>) -> DialOptions + Send + Sync>;

/// Connections by broker.
pub(in crate::kafka) struct ConnectionPool {
    clock: Clock,
    metadata: watch::Receiver<Arc<MetadataSnapshot>>,
    dial_options: DialOptionsFor,
    overdue: OverdueSink,
    supervisor: Supervisor,
    connections: Mutex<Connections>,
}

#[derive(Default)]
struct Connections {
    by_broker: BTreeMap<BrokerId, PooledConnection>,
    /// The metadata by which addresses were last compared.
    compared: Option<Arc<MetadataSnapshot>>,
}

struct PooledConnection {
    address: Arc<str>,
    connection: ManagedConnection,
}

impl ConnectionPool {
    /// An empty pool. Overdue responses are reported to `overdue`.
    pub(in crate::kafka) fn new(
        clock: Clock,
        metadata: watch::Receiver<Arc<MetadataSnapshot>>,
        dial_options: DialOptionsFor,
        overdue: OverdueSink,
        supervisor: Supervisor,
    ) -> ConnectionPool {
        ConnectionPool { clock, metadata, dial_options, overdue, supervisor, connections: Mutex::default() }
    }

    /// The connection to a broker; waits while it is being dialled.
    ///
    /// # Errors
    /// The cause of the last failed dial; [`Fault::Quota`] while the broker throttles us (KIP-219) and would not answer
    /// now; [`Fault::NoAddress`].
    pub(in crate::kafka) async fn connection(&self, broker: BrokerId) -> Result<Arc<Connection>, Fault> {
        let mut state = self.state(broker).ok_or(Fault::NoAddress)?;
        loop {
            match &*state.borrow_and_update() {
                ConnectionState::Down(fault) => return Err(*fault),
                ConnectionState::Up(connection) if connection.is_closed().is_none() => {
                    return if connection.is_throttled() { Err(Fault::Quota) } else { Ok(Arc::clone(connection)) };
                }
                ConnectionState::Up(_) | ConnectionState::Connecting => {}
            }
            if state.changed().await.is_err() {
                // The broker has another address now, where the next attempt goes.
                return Err(Fault::ConnectionReset);
            }
        }
    }

    /// Follows the connection to a broker at its newest address. Brokers that have left or moved lose theirs.
    fn state(&self, broker: BrokerId) -> Option<watch::Receiver<ConnectionState>> {
        let metadata = Arc::clone(&self.metadata.borrow());
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if !connections.compared.as_ref().is_some_and(|compared| Arc::ptr_eq(compared, &metadata)) {
            connections.by_broker.retain(|id, pooled| metadata.address(*id).as_deref() == Some(&*pooled.address));
            connections.compared = Some(Arc::clone(&metadata));
        }
        if let Some(pooled) = connections.by_broker.get(&broker) {
            return Some(pooled.connection.watch());
        }
        let address = metadata.address(broker)?;
        let overdue = Arc::clone(&self.overdue);
        let monitor = OverdueMonitor::new(self.clock, broker, ConnectionRole::Control, Duration::ZERO, overdue);
        let connection = ManagedConnection::open((self.dial_options)(Arc::clone(&address)), monitor, &self.supervisor);
        let state = connection.watch();
        connections.by_broker.insert(broker, PooledConnection { address, connection });
        Some(state)
    }
}
