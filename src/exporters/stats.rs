//! Counts of the OTLP exports by result: written by the OTLP exporter, read by both exporters and the status page.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use prober_core::time::WallTime;

/// How one export ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportResult {
    /// The collector took every point.
    Success,
    /// The collector refused the export or some of its points, or could not be reached.
    Failure,
    /// The collector did not answer in time.
    Timeout,
}

impl ExportResult {
    /// Every result.
    pub const ALL: [ExportResult; 3] = [ExportResult::Success, ExportResult::Failure, ExportResult::Timeout];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            ExportResult::Success => "success",
            ExportResult::Failure => "failure",
            ExportResult::Timeout => "timeout",
        }
    }
}

/// Exports so far. One that the shutdown cut short is not counted: the last export takes its place.
#[derive(Debug, Default)]
pub struct ExportStats {
    counts: [AtomicU64; ExportResult::ALL.len()],
    /// Nanoseconds since the Unix epoch; 0 before the first success.
    delivered: AtomicI64,
}

impl ExportStats {
    /// Counts one export of the snapshot that was taken at `wall`.
    pub fn count(&self, result: ExportResult, wall: WallTime) {
        self.counts[result as usize].fetch_add(1, Ordering::Relaxed);
        if result == ExportResult::Success {
            self.delivered.store(wall.0, Ordering::Relaxed);
        }
    }

    /// Exports with this result.
    pub fn of(&self, result: ExportResult) -> u64 {
        self.counts[result as usize].load(Ordering::Relaxed)
    }

    /// When the newest delivered snapshot was taken; `None` before the first success.
    pub fn last_success(&self) -> Option<WallTime> {
        Some(self.delivered.load(Ordering::Relaxed)).filter(|wall| *wall != 0).map(WallTime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_success_moves_the_last_success() {
        let stats = ExportStats::default();
        stats.count(ExportResult::Failure, WallTime(1));
        assert_eq!(stats.last_success(), None);
        stats.count(ExportResult::Success, WallTime(2));
        stats.count(ExportResult::Timeout, WallTime(3));
        assert_eq!(stats.last_success(), Some(WallTime(2)));
        assert_eq!(ExportResult::ALL.map(|result| stats.of(result)), [1, 1, 1]);
    }
}
