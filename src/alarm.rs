//! Half a prober lies: a task of ours that ends or panics raises the alarm, and the process ends with exit code 4.

use std::future::Future;
use std::panic;

use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Raises the alarm, at most once; the first cause is kept.
#[derive(Clone, Debug)]
pub struct Alarm {
    cause: watch::Sender<Option<String>>,
}

/// Hears the alarm.
pub type Listener = watch::Receiver<Option<String>>;

impl Alarm {
    /// An alarm, and who hears it.
    pub fn new() -> (Alarm, Listener) {
        let (cause, listener) = watch::channel(None);
        (Alarm { cause }, listener)
    }

    /// Raises it.
    pub fn raise(&self, cause: String) {
        self.cause.send_if_modified(|known| {
            let first = known.is_none();
            if first {
                tracing::error!(cause, "the prober is unhealthy");
                *known = Some(cause);
            }
            first
        });
    }

    /// Spawns a task that lives as long as the process does, or until it is aborted.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) -> Task {
        let guard = Guard { alarm: self.clone(), name };
        Task(tokio::spawn(async move {
            let guard = guard;
            task.await;
            guard.alarm.raise(format!("task {name} ended"));
        }))
    }

    /// Raises the alarm if the thread that keeps the answer panics.
    pub fn watch_thread(&self, name: &'static str) -> ThreadWatch {
        ThreadWatch { _guard: Guard { alarm: self.clone(), name } }
    }

    /// Spawns a task that ends by itself, soon.
    pub fn spawn_brief(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let guard = Guard { alarm: self.clone(), name };
        tokio::spawn(async move {
            let _guard = guard;
            task.await;
        });
    }
}

/// Watches over a thread of ours while it lives.
#[derive(Debug)]
pub struct ThreadWatch {
    _guard: Guard,
}

/// A task that is aborted when its handle is dropped.
#[derive(Debug)]
pub struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Dropped by a panic on its way through the task or thread.
#[derive(Debug)]
struct Guard {
    alarm: Alarm,
    name: &'static str,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.alarm.raise(format!("{} panicked", self.name));
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

    async fn heard(mut listener: Listener) -> String {
        let cause = listener.wait_for(Option::is_some).await.expect("the alarm lives");
        cause.clone().expect("raised")
    }

    #[tokio::test]
    async fn task_that_ends_raises_the_alarm() {
        let (alarm, listener) = Alarm::new();
        let _task = alarm.spawn("reader", async {});
        assert_eq!(heard(listener).await, "task reader ended");
    }

    #[tokio::test]
    #[expect(clippy::panic, reason = "the panic is what is tested")]
    async fn task_that_panics_raises_the_alarm() {
        let (alarm, listener) = Alarm::new();
        alarm.spawn_brief("ack", async { panic!("on purpose") });
        assert_eq!(heard(listener).await, "ack panicked");
    }

    #[tokio::test]
    async fn aborted_task_is_no_alarm() {
        let (alarm, listener) = Alarm::new();
        drop(alarm.spawn("reader", std::future::pending()));
        tokio::task::yield_now().await;
        assert_eq!(*listener.borrow(), None);
    }
}
