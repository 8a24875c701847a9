//! How findings write durations.

use std::time::Duration;

/// As in `1.5 s`.
pub(super) fn seconds(length: Duration) -> String {
    format!("{:.1} s", length.as_secs_f64())
}
