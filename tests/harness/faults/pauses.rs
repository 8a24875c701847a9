//! A process that is stopped and continued by turns: a disk that hangs now and then, a host that steals time, a collector of
//! garbage.

use std::ops::Range;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::super::random::Random;

/// A thread that stops and continues one process; it is awake again once this is dropped.
pub(crate) struct Pauses {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Pauses {
    /// Stopped for one time and awake for another, by turns.
    pub(crate) fn periodic(pid: u32, stopped: Duration, awake: Duration) -> Pauses {
        Pauses::start(pid, move || (awake, stopped))
    }

    /// Stopped now and then, for as long as chance will have it. `seed` makes it the same chance again.
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
                // A process that has ended takes no signals, and needs none.
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
            // It does not panic, and has let go of the process by then.
            let _ = thread.join();
        }
    }
}
