//! Tasks without a supervisor: a panic fails the test that awaits it, or is lost.

use tokio::task::JoinHandle;

use crate::port::{BoxFuture, TaskGuard, Tasks};

/// Spawns on the current runtime.
#[derive(Clone, Copy, Debug)]
pub struct TokioTasks;

/// Aborts its task when dropped.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Tasks for TokioTasks {
    fn spawn_forever(&self, _: &'static str, task: BoxFuture<'static, ()>) -> TaskGuard {
        Box::new(AbortOnDrop(tokio::spawn(task)))
    }

    fn spawn_short(&self, _: &'static str, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }
}
