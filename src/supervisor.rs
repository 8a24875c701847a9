//! Supervision of tasks and threads: when one that should run as long as the process ends or panics, the process ends
//! with exit code 4, because a prober without one of its parts would report wrong numbers.

use std::future::Future;
use std::panic;

use prober_probes::port::{BoxFuture, TaskGuard, Tasks};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Spawns supervised tasks, and publishes the first failure of any of them.
#[derive(Clone, Debug)]
pub struct Supervisor {
    cause: watch::Sender<Option<String>>,
}

/// Receives the cause of the first failure; `None` while nothing has failed.
pub type FailureReceiver = watch::Receiver<Option<String>>;

impl Supervisor {
    /// A supervisor, and the receiver of its first failure.
    pub fn new() -> (Supervisor, FailureReceiver) {
        let (cause, failure) = watch::channel(None);
        (Supervisor { cause }, failure)
    }

    /// Publishes a failure. Only the first cause is kept and logged.
    pub fn report_failure(&self, cause: String) {
        self.cause.send_if_modified(|known| {
            let first = known.is_none();
            if first {
                tracing::error!(cause, "the prober is unhealthy");
                *known = Some(cause);
            }
            first
        });
    }

    /// Spawns a task that should run as long as the process, or until its handle is dropped. Its end is a failure.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) -> Task {
        let guard = PanicGuard { supervisor: self.clone(), name };
        Task(tokio::spawn(async move {
            let guard = guard;
            task.await;
            guard.supervisor.report_failure(format!("task {name} ended"));
        }))
    }

    /// Spawns a task that ends by itself. Only its panic is a failure.
    pub fn spawn_brief(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let guard = PanicGuard { supervisor: self.clone(), name };
        tokio::spawn(async move {
            let _guard = guard;
            task.await;
        });
    }

    /// A guard to be held by a thread: a panic of that thread is a failure.
    pub fn guard_thread(&self, name: &'static str) -> PanicGuard {
        PanicGuard { supervisor: self.clone(), name }
    }
}

impl Tasks for Supervisor {
    fn spawn_forever(&self, name: &'static str, task: BoxFuture<'static, ()>) -> TaskGuard {
        Box::new(self.spawn(name, task))
    }

    fn spawn_short(&self, name: &'static str, task: BoxFuture<'static, ()>) {
        self.spawn_brief(name, task);
    }
}

/// A task that is aborted when its handle is dropped.
#[derive(Debug)]
pub struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Reports a failure when it is dropped by a panic that unwinds its task or thread.
#[derive(Debug)]
pub struct PanicGuard {
    supervisor: Supervisor,
    name: &'static str,
}

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.supervisor.report_failure(format!("{} panicked", self.name));
        }
    }
}

/// Sends panics to the log, one line each.
pub fn log_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let message = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
        tracing::error!(place, message, "panic");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn first_cause(mut failure: FailureReceiver) -> String {
        let cause = failure.wait_for(Option::is_some).await.expect("the supervisor lives");
        cause.clone().expect("a cause was published")
    }

    #[tokio::test]
    async fn end_of_a_supervised_task_is_a_failure() {
        let (supervisor, failure) = Supervisor::new();
        let _task = supervisor.spawn("reader", async {});
        assert_eq!(first_cause(failure).await, "task reader ended");
    }

    #[tokio::test]
    #[expect(clippy::panic, reason = "the panic is what is tested")]
    async fn panic_of_a_brief_task_is_a_failure() {
        let (supervisor, failure) = Supervisor::new();
        supervisor.spawn_brief("ack", async { panic!("on purpose") });
        assert_eq!(first_cause(failure).await, "ack panicked");
    }

    #[tokio::test]
    async fn aborting_a_task_is_not_a_failure() {
        let (supervisor, failure) = Supervisor::new();
        drop(supervisor.spawn("reader", std::future::pending()));
        tokio::task::yield_now().await;
        assert_eq!(*failure.borrow(), None);
    }
}
