//! A process that is stopped and continued repeatedly, as by a hanging disk, an overloaded host or garbage collection.

use std::ops::Range;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::super::random::Random;

/// A thread that stops and continues one process. The process runs again once this is dropped.
pub(crate) struct Pauses {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Pauses {
    /// Stops the process for `stopped` after every `awake`.
    pub(crate) fn periodic(pid: u32, stopped: Duration, awake: Duration) -> Pauses {
        Pauses::start(pid, move || (awake, stopped))
    }

    /// Stops the process for random times at random intervals; `seed` repeats them.
    pub(crate) fn random(pid: u32, stopped: Range<Duration>, awake: Range<Duration>, seed: u64) -> Pauses {
        let mut random = Random::new(seed);
        Pauses::start(pid, move || (random.between(&awake), random.between(&stopped)))
    }

    fn start(pid: u32, mut turn: impl FnMut() -> (Duration, Duration) + Send + 'static) -> Pauses {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a pid is a number above zero");
        let (end, ended) = mpsc::channel();
        let thread = thread::spawn(move || {
            let over = |time| ended.recv_timeout(time) != Err(RecvTimeoutError::Timeout);
            loop {
                let (awake, stopped) = turn();
                // The process may have ended.
                if over(awake) || kill_process(pid, Signal::STOP).is_err() {
                    return;
                }
                let last = over(stopped);
                let _ = kill_process(pid, Signal::CONT);
                if last {
                    return;
                }
            }
        });
        Pauses { end: Some(end), thread: Some(thread) }
    }
}

impl Drop for Pauses {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // The thread does not panic, and it has continued the process by then.
            let _ = thread.join();
        }
    }
}
