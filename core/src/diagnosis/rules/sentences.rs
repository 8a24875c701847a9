//! How findings write durations and lists of brokers.

use std::time::Duration;

use crate::ids::BrokerId;

/// As in `1.5 s`.
pub(super) fn seconds(length: Duration) -> String {
    format!("{:.1} s", length.as_secs_f64())
}

/// As in `1, 2, 5`; `none` of none.
pub(super) fn listed(brokers: impl IntoIterator<Item = BrokerId>) -> String {
    let ids: Vec<String> = brokers.into_iter().map(|id| id.to_string()).collect();
    if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
}
