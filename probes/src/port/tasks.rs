//! The port of supervised tasks: how a probe runs something beside its attempts.

use std::any::Any;
use std::pin::Pin;

/// A boxed future: the ports are used as trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Keeps a task running; dropping it aborts the task.
pub type TaskGuard = Box<dyn Any + Send + Sync>;

/// Spawns tasks under supervision: a panic makes the whole prober unhealthy, so that the rest does not run on without it.
pub trait Tasks: Send + Sync {
    /// Spawns a task that never ends by itself; if it does, the prober is unhealthy.
    fn spawn_forever(&self, name: &'static str, task: BoxFuture<'static, ()>) -> TaskGuard;

    /// Spawns a task that ends by itself, soon.
    fn spawn_short(&self, name: &'static str, task: BoxFuture<'static, ()>);
}
