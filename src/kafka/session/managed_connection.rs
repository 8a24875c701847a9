//! One kept connection to one broker for one purpose: dialled again when it ends, retired when it falls silent, replaced
//! before its SASL session ends.

use std::sync::Arc;
use std::time::Duration;

use prober_core::fault::Fault;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::kafka::security::Security;
use crate::kafka::wire::{Connection, WireError, dial};
use crate::supervisor::{Supervisor, Task};

use super::fault;
use super::overdue_monitor::OverdueMonitor;

/// The first wait after a failed dial; it doubles up to [`BACKOFF_MAX`].
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// A connection that lived this long was a real one: the next dial starts at once, and the backoff over again.
const LIVED: Duration = Duration::from_secs(1);

/// How often our kernel is asked of a connection that is silent.
const KERNEL_EVERY: Duration = Duration::from_millis(500);

/// How often a connection is looked at for silence.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How to dial.
#[derive(Clone, Debug)]
pub(in crate::kafka) struct DialOptions {
    /// `host:port`.
    pub(in crate::kafka) address: Arc<str>,
    /// What the broker's logs and quotas know us by.
    pub(in crate::kafka) client_id: Arc<str>,
    /// TLS and SASL.
    pub(in crate::kafka) security: Arc<Security>,
    /// A dial, and silence with requests outstanding, may last this long: one deadline.
    pub(in crate::kafka) idle_timeout: Duration,
}

impl DialOptions {
    /// Dials once, within `timeout`.
    pub(in crate::kafka) async fn dial(&self, timeout: Duration) -> Result<Connection, WireError> {
        let dialed = dial(&self.address, &self.client_id, &self.security, timeout, self.idle_timeout).await?;
        Ok(dialed.connection)
    }
}

/// Where a link stands.
#[derive(Clone, Debug)]
pub(in crate::kafka) enum ConnectionState {
    /// Being dialled; whoever has something to send may wait for it.
    Connecting,
    /// Open.
    Up(Arc<Connection>),
    /// The last dial failed, for this reason; the next is waited for.
    Down(Fault),
}

/// A kept connection; dropping it closes it.
#[derive(Debug)]
pub(in crate::kafka) struct ManagedConnection {
    state: watch::Receiver<ConnectionState>,
    _keeper: Task,
}

impl ManagedConnection {
    /// Keeps a connection from now on.
    /// Says when it owes an answer.
    pub(in crate::kafka) fn open(
        dial_options: DialOptions,
        owed: OverdueMonitor,
        supervisor: &Supervisor,
    ) -> ManagedConnection {
        let (tell, state) = watch::channel(ConnectionState::Connecting);
        let keeper = supervisor.spawn("link", keep(dial_options, owed, tell));
        ManagedConnection { state, _keeper: keeper }
    }

    /// Follows its state.
    pub(in crate::kafka) fn watch(&self) -> watch::Receiver<ConnectionState> {
        self.state.clone()
    }
}

/// Waits until a connection is open.
pub(in crate::kafka) async fn up(state: &mut watch::Receiver<ConnectionState>) -> Arc<Connection> {
    loop {
        if let ConnectionState::Up(connection) = &*state.borrow_and_update()
            && connection.is_closed().is_none()
        {
            return Arc::clone(connection);
        }
        if state.changed().await.is_err() {
            // The link was dropped, and with it soon the task that waits here.
            std::future::pending::<()>().await;
        }
    }
}

async fn keep(dial_options: DialOptions, mut owed: OverdueMonitor, tell: watch::Sender<ConnectionState>) {
    let mut backoff = BACKOFF_MIN;
    let mut replacement = None;
    loop {
        let dialed = match replacement.take() {
            Some(connection) => Ok(connection),
            None => {
                tell.send_replace(ConnectionState::Connecting);
                owed.while_dialing(dial_options.dial(dial_options.idle_timeout)).await
            }
        };
        match dialed {
            Ok(connection) => {
                let connection = Arc::new(connection);
                let opened = Instant::now();
                tell.send_replace(ConnectionState::Up(Arc::clone(&connection)));
                match end_of(&connection, dial_options.idle_timeout, &mut owed).await {
                    // Dialled beside the one that it replaces, so that no attempt has to wait for it.
                    End::Due => {
                        replacement = dial_options.dial(dial_options.idle_timeout).await.ok();
                        connection.retire(Instant::now() + dial_options.idle_timeout);
                    }
                    // Late acks are drained for one deadline more; new attempts use a fresh connection.
                    End::Silent => connection.retire(Instant::now() + dial_options.idle_timeout),
                    End::Closed(reason) => {
                        owed.ended(&reason);
                        if opened.elapsed() < LIVED {
                            tell.send_replace(ConnectionState::Down(fault::of(&reason)));
                            tokio::time::sleep(backoff).await;
                            backoff = (2 * backoff).min(BACKOFF_MAX);
                            continue;
                        }
                    }
                }
                backoff = BACKOFF_MIN;
            }
            Err(error) => {
                tell.send_replace(ConnectionState::Down(fault::of(&error)));
                tokio::time::sleep(backoff).await;
                backoff = (2 * backoff).min(BACKOFF_MAX);
            }
        }
    }
}

enum End {
    Closed(WireError),
    Silent,
    Due,
}

/// Waits until the connection ends, has been silent for `idle_timeout` with requests outstanding, or is due for replacement.
async fn end_of(connection: &Connection, idle_timeout: Duration, owed: &mut OverdueMonitor) -> End {
    let mut closed = std::pin::pin!(connection.closed());
    let mut word = None;
    loop {
        match tokio::time::timeout(LOOK_EVERY, &mut closed).await {
            Ok(reason) => return End::Closed(reason),
            Err(_) => {
                let silent = connection.waiting_since();
                let needs_replacement = word.is_none_or(|(asked, _): (Instant, _)| KERNEL_EVERY <= asked.elapsed());
                if !silent.is_some_and(|since| owed.is_late(since)) {
                    word = None;
                } else if needs_replacement {
                    word = Some((Instant::now(), connection.tcp_state().await));
                }
                owed.since(silent, word.and_then(|(_, tcp_state)| tcp_state));
                let silent = silent.map(|since| since.elapsed());
                if silent.is_some_and(|silent| idle_timeout <= silent) {
                    return End::Silent;
                }
                if connection.needs_replacement() {
                    return End::Due;
                }
            }
        }
    }
}
