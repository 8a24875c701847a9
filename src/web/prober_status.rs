//! `prober` of `/api/v1/status`: what the prober says of itself.

use std::collections::BTreeMap;
use std::time::Duration;

use prober_core::snapshot::{LagCounts, ProberStatus};
use prober_core::time::{Time, WallTime};
use serde::Serialize;

use super::Exports;
use super::format::{millis, rfc3339, voided};
use super::prober_health::ProberHealth;

/// `prober`.
#[derive(Debug, Serialize)]
pub(super) struct Prober {
    heartbeat_age_ms: f64,
    lag: Lags,
    stalls: u64,
    stalled_ms: f64,
    clock_jumps: u64,
    inputs_dropped: u64,
    imbalances: u64,
    void: BTreeMap<&'static str, u64>,
    topic_actions: Vec<TopicAction>,
    exports: ExportCounts,
    #[serde(flatten)]
    health: ProberHealth,
}

#[derive(Debug, Serialize)]
struct Lags {
    task: Lag,
    thread: Lag,
}

#[derive(Debug, Serialize)]
struct Lag {
    count: u64,
    max_ms: f64,
}

#[derive(Debug, Serialize)]
struct TopicAction {
    action: &'static str,
    result: &'static str,
    count: u64,
}

#[derive(Debug, Serialize)]
struct ExportCounts {
    success: u64,
    failure: u64,
    timeout: u64,
    last_success: Option<String>,
}

impl Prober {
    pub(super) fn of(status: &ProberStatus, now: WallTime, at: Time, exports: Exports) -> Prober {
        let age = now.0.saturating_sub(status.heartbeat.0);
        Prober {
            heartbeat_age_ms: millis(Duration::from_nanos(u64::try_from(age).unwrap_or(0))),
            lag: Lags { task: Lag::of(&status.task_lag), thread: Lag::of(&status.thread_lag) },
            stalls: status.stalls,
            stalled_ms: millis(status.stalled),
            clock_jumps: status.clock_jumps,
            inputs_dropped: status.inputs_dropped,
            imbalances: status.imbalances,
            void: voided(&status.voided),
            topic_actions: status
                .topic_actions
                .iter()
                .map(|(action, result, count)| TopicAction { action, result, count: *count })
                .collect(),
            exports: ExportCounts {
                success: exports.success,
                failure: exports.failure,
                timeout: exports.timeout,
                last_success: exports.last_success.map(rfc3339),
            },
            health: ProberHealth::of(status, at),
        }
    }
}

impl Lag {
    fn of(lag: &LagCounts) -> Lag {
        Lag { count: lag.buckets.count(), max_ms: millis(lag.max) }
    }
}
