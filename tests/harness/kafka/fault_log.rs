//! What the harness did to the brokers, and when.

use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime};

/// What the harness did to a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// SIGSTOP.
    Freeze,
    /// SIGCONT.
    Thaw,
    /// SIGKILL.
    Kill,
    /// SIGTERM: a controlled shutdown begins.
    Stop,
    /// The process has ended after a stop.
    Stopped,
    /// A JVM was started; it serves some seconds later.
    Start,
    /// Records in a partition's log were overwritten.
    CorruptLog,
}

/// One entry, stamped just before the action ([`Action::Stopped`]: just after).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) broker: i32,
    pub(crate) action: Action,
    /// For arithmetic.
    pub(crate) at: Instant,
    /// For reading beside logs.
    pub(crate) wall: SystemTime,
}

/// Entries in order; bounded by what a test does.
#[derive(Debug, Default)]
pub(crate) struct FaultLog(Mutex<Vec<Fault>>);

impl FaultLog {
    /// Notes an action that is about to happen.
    pub(crate) fn note(&self, broker: i32, action: Action) {
        let fault = Fault { broker, action, at: Instant::now(), wall: SystemTime::now() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    /// Everything so far.
    pub(crate) fn all(&self) -> Vec<Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// When `action` last happened to `broker`.
    pub(crate) fn last(&self, broker: i32, action: Action) -> Option<Instant> {
        let all = self.all();
        let wanted = |fault: &&Fault| fault.broker == broker && fault.action == action;
        all.iter().rev().find(wanted).map(|fault| fault.at)
    }
}
