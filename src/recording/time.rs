//! Times as recordings show them to people.

use std::time::{Duration, UNIX_EPOCH};

use prober_core::time::WallTime;

/// As in `2026-03-01T12:00:00.000Z`.
pub fn rfc3339(wall: WallTime) -> String {
    let since_epoch = Duration::from_millis(u64::try_from(wall.as_millis()).unwrap_or(0));
    humantime::format_rfc3339_millis(UNIX_EPOCH + since_epoch).to_string()
}

/// As in `20260301T120000Z`, for names of files (ISO 8601, basic format).
pub(super) fn compact(wall: WallTime) -> String {
    let text = rfc3339(wall);
    let seconds = text.split('.').next().unwrap_or_default();
    seconds.chars().filter(|c| !matches!(c, '-' | ':')).chain(['Z']).collect()
}

/// Whether a text is such a time.
pub(super) fn is_compact(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "00000000T000000Z"
}
