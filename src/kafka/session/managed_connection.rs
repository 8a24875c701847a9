//! A connection to one broker for one purpose that is kept open: dialled again when it ends, retired when responses stay
//! away for the idle time-out, and replaced before its SASL session expires.
#![expect(clippy::disallowed_methods, reason = "how long a connection lived, and how long a retired one may drain")]

use std::sync::Arc;
use std::time::Duration;

use prober_core::fault::Fault;
use prober_probes::backoff::Backoff;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::kafka::wire::{Connection, WireError};
use crate::supervisor::{Supervisor, Task};

use super::dial_options::DialOptions;
use super::fault;
use super::overdue_monitor::OverdueMonitor;

/// The waits between failed dials. The first is short because a restarted broker accepts connections within tens of
/// milliseconds; the last is short because an outage must not be measured longer than it was.
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// A connection that was open for this long counts as a success: when it ends, the next dial starts at once.
const STABLE_AFTER: Duration = Duration::from_secs(1);

/// How often the kernel's state of a connection with an overdue response is read.
const TCP_STATE_INTERVAL: Duration = Duration::from_millis(500);

/// How often an open connection is checked for an overdue response.
const OVERDUE_CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// State of a managed connection.
#[derive(Clone, Debug)]
pub(in crate::kafka) enum ConnectionState {
    /// Being dialled: a record or request may wait for it.
    Connecting,
    /// Open.
    Up(Arc<Connection>),
    /// The last dial failed with this fault; the next one follows after the back-off.
    Down(Fault),
}

/// A connection that is kept open until this is dropped.
#[derive(Debug)]
pub(in crate::kafka) struct ManagedConnection {
    state: watch::Receiver<ConnectionState>,
    _task: Task,
}

impl ManagedConnection {
    /// Opens the connection and keeps it open. `monitor` reports when a response is overdue.
    pub(in crate::kafka) fn open(
        dial_options: DialOptions,
        monitor: OverdueMonitor,
        supervisor: &Supervisor,
    ) -> ManagedConnection {
        let (publish, state) = watch::channel(ConnectionState::Connecting);
        let task = supervisor.spawn("connection", keep_open(dial_options, monitor, publish));
        ManagedConnection { state, _task: task }
    }

    /// Follows the state.
    pub(in crate::kafka) fn watch(&self) -> watch::Receiver<ConnectionState> {
        self.state.clone()
    }
}

/// Waits until a connection is open.
pub(in crate::kafka) async fn wait_until_up(state: &mut watch::Receiver<ConnectionState>) -> Arc<Connection> {
    loop {
        if let ConnectionState::Up(connection) = &*state.borrow_and_update()
            && connection.is_closed().is_none()
        {
            return Arc::clone(connection);
        }
        if state.changed().await.is_err() {
            // The managed connection was dropped; its owner aborts the task that waits here too.
            std::future::pending::<()>().await;
        }
    }
}

async fn keep_open(dial_options: DialOptions, mut monitor: OverdueMonitor, publish: watch::Sender<ConnectionState>) {
    let idle_timeout = dial_options.idle_timeout;
    let mut backoff = Backoff::new(BACKOFF_MIN, BACKOFF_MAX);
    let mut replacement = None;
    loop {
        let dialed = match replacement.take() {
            Some(connection) => Ok(connection),
            None => {
                publish.send_replace(ConnectionState::Connecting);
                monitor.while_dialing(dial_options.dial(idle_timeout)).await
            }
        };
        match dialed {
            Ok(connection) => {
                let connection = Arc::new(connection);
                let opened = Instant::now();
                publish.send_replace(ConnectionState::Up(Arc::clone(&connection)));
                match wait_for_end(&connection, idle_timeout, &mut monitor).await {
                    // The replacement is dialled while the old connection still serves, so that no attempt waits for it.
                    End::NeedsReplacement => {
                        replacement = dial_options.dial(idle_timeout).await.ok();
                        connection.retire(Instant::now() + idle_timeout);
                    }
                    // Late acks are received for one idle time-out more; new attempts use a fresh connection.
                    End::IdleTimeout => connection.retire(Instant::now() + idle_timeout),
                    End::Closed(reason) => {
                        monitor.on_failure(&reason);
                        if opened.elapsed() < STABLE_AFTER {
                            publish.send_replace(ConnectionState::Down(fault::of(&reason)));
                            backoff.wait().await;
                            continue;
                        }
                    }
                }
                backoff.reset();
            }
            Err(error) => {
                publish.send_replace(ConnectionState::Down(fault::of(&error)));
                backoff.wait().await;
            }
        }
    }
}

/// Why an open connection is not used any more.
enum End {
    /// It ended.
    Closed(WireError),
    /// It waited for a byte for the whole idle time-out.
    IdleTimeout,
    /// Its SASL session expires soon.
    NeedsReplacement,
}

/// Waits until the connection is not to be used any more; reports overdue responses until then.
async fn wait_for_end(connection: &Connection, idle_timeout: Duration, monitor: &mut OverdueMonitor) -> End {
    let mut closed = std::pin::pin!(connection.closed());
    let mut tcp_state = None;
    loop {
        if let Ok(reason) = tokio::time::timeout(OVERDUE_CHECK_INTERVAL, &mut closed).await {
            return End::Closed(reason);
        }
        let waiting_since = connection.waiting_since();
        let is_old = tcp_state.is_none_or(|(read, _): (Instant, _)| TCP_STATE_INTERVAL <= read.elapsed());
        if !waiting_since.is_some_and(|since| monitor.is_overdue(since)) {
            tcp_state = None;
        } else if is_old {
            tcp_state = Some((Instant::now(), connection.tcp_state().await));
        }
        monitor.on_check(waiting_since, tcp_state.and_then(|(_, state)| state));
        if waiting_since.is_some_and(|since| idle_timeout <= since.elapsed()) {
            return End::IdleTimeout;
        }
        if connection.needs_replacement() {
            return End::NeedsReplacement;
        }
    }
}
