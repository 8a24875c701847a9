//! One kept connection to each broker, for questions that share it: opened when the first is asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::BrokerId;
use prober_core::ids::ConnectionRole;
use prober_probes::port::ProbeInput;
use tokio::sync::watch;

use crate::kafka::session::managed_connection::{ConnectionState, ManagedConnection};
use crate::kafka::session::overdue_monitor::OverdueMonitor;
use crate::kafka::wire::Connection;

use super::Context;
use super::scout::Scouted;

/// Connections by broker. Clones share them.
#[derive(Clone)]
pub(super) struct Lines {
    context: Context,
    scouted: watch::Receiver<Arc<Scouted>>,
    idle_timeout: Duration,
    /// Whether what these connections owe counts against their broker: not where an answer may wait on others.
    accuses: bool,
    links: Arc<Mutex<Links>>,
}

#[derive(Default)]
struct Links {
    kept: BTreeMap<BrokerId, Kept>,
    /// The picture by which they were last looked through.
    seen: Option<Arc<Scouted>>,
}

struct Kept {
    address: Arc<str>,
    link: ManagedConnection,
}

impl Lines {
    /// None yet. A connection may be silent for `idle_timeout` with requests outstanding.
    pub(super) fn new(context: Context, scouted: watch::Receiver<Arc<Scouted>>, idle_timeout: Duration) -> Lines {
        Lines { context, scouted, idle_timeout, accuses: false, links: Arc::default() }
    }

    /// None yet, for questions that a broker answers by itself.
    pub(super) fn of_the_broker_alone(lines: Lines) -> Lines {
        Lines { accuses: true, ..lines }
    }

    fn owed(&self, broker: BrokerId) -> OverdueMonitor {
        let (tell, accuses) = (Arc::clone(&self.context.tell), self.accuses);
        let tell = move |silence| {
            if accuses {
                tell(ProbeInput::Overdue(silence));
            }
        };
        OverdueMonitor::new(self.context.clock, broker, ConnectionRole::Control, Duration::ZERO, Arc::new(tell))
    }

    /// The connection to a broker: waited for while it is being dialled.
    ///
    /// # Errors
    /// The last dial failed, for this reason; or the broker throttles us (KIP-219) and would not answer now; or nobody
    /// knows its address.
    pub(super) async fn to(&self, broker: BrokerId) -> Result<Arc<Connection>, Fault> {
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
                // Another address has taken its place; the next question goes there.
                return Err(Fault::ConnectionReset);
            }
        }
    }

    /// Follows the link to a broker at its newest address; brokers that are gone or have moved lose theirs.
    fn state(&self, broker: BrokerId) -> Option<watch::Receiver<ConnectionState>> {
        let scouted = Arc::clone(&self.scouted.borrow());
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        if !links.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, &scouted)) {
            links.kept.retain(|id, kept| scouted.address(*id).as_deref() == Some(&*kept.address));
            links.seen = Some(Arc::clone(&scouted));
        }
        if let Some(kept) = links.kept.get(&broker) {
            return Some(kept.link.watch());
        }
        let address = scouted.address(broker)?;
        let dial_options = self.context.dial_options(Arc::clone(&address), self.idle_timeout);
        let link = ManagedConnection::open(dial_options, self.owed(broker), &self.context.supervisor);
        let state = link.watch();
        links.kept.insert(broker, Kept { address, link });
        Some(state)
    }
}
