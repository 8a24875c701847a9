//! Waiting for a condition instead of sleeping.

use std::thread;
use std::time::{Duration, Instant};

/// How often a condition is checked.
const POLL: Duration = Duration::from_millis(20);

/// Polls until `condition` holds and returns how long that took.
///
/// Panics with `what` once `limit` has passed.
#[track_caller]
pub(crate) fn wait_until(limit: Duration, what: &str, mut condition: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    wait_for(limit, what, || condition().then_some(()));
    began.elapsed()
}

/// Polls until `find` finds something and returns it.
///
/// Panics with `what` once `limit` has passed.
#[track_caller]
pub(crate) fn wait_for<T>(limit: Duration, what: &str, find: impl FnMut() -> Option<T>) -> T {
    wait_for_with_message(limit, || what.to_owned(), find)
}

/// As [`wait_for`], with a message that is made when the wait has failed.
#[track_caller]
pub(crate) fn wait_for_with_message<T>(
    limit: Duration,
    what: impl FnOnce() -> String,
    mut find: impl FnMut() -> Option<T>,
) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        if limit <= began.elapsed() {
            panic!("not within {limit:?}: {}", what());
        }
        thread::sleep(POLL);
    }
}
