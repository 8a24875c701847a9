//! How the pages write durations, times and counts of void events.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use prober_core::event::VoidReason;
use prober_core::time::WallTime;

/// Milliseconds with fractions.
pub(super) fn millis(length: Duration) -> f64 {
    length.as_secs_f64() * 1e3
}

/// RFC 3339 in UTC, to the millisecond.
pub(super) fn rfc3339(wall: WallTime) -> String {
    let since_epoch = Duration::from_millis(u64::try_from(wall.as_millis()).unwrap_or(0));
    humantime::format_rfc3339_millis(UNIX_EPOCH + since_epoch).to_string()
}

/// Void events by their reason.
pub(super) fn voided(counts: &[u64; VoidReason::ALL.len()]) -> BTreeMap<&'static str, u64> {
    VoidReason::ALL.iter().map(|reason| (reason.as_str(), counts[reason.index()])).collect()
}
