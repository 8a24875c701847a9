//! Resources that the prober's host and container leave to it, in `prober` of `/api/v1/status`:
//!
//! - `throttling`: `periods`, `throttled`, `time_ms`, of the container's CPU limit
//! - `memory`: `limit_met`, `killed`, `waited_ms` (null with cgroup version 1)
//! - `stolen_ms`, CPU time that the host gave to other guests; `suspended_ms`, since the prober started
//! - `file_descriptors`, `local_ports`, `inputs` (most inputs that waited for the engine at once in the last minute): `used`, `limit`
//! - `controls[]`: `control` (loopback, reference), `address`, `answers` (null until it first has), `answered_ms_ago`
//!
//! A counter that the host does not have is null.

use std::sync::Arc;

use prober_core::snapshot::ProberStatus;
use prober_core::time::Time;
use prober_core::vitals::{Control, ControlKind, Memory, Throttling, Usage};
use serde::Serialize;

use super::format::millis;

/// A part of `prober`.
#[derive(Debug, Serialize)]
pub(super) struct ProberHealth {
    throttling: Option<ThrottlingRow>,
    memory: Option<MemoryRow>,
    stolen_ms: Option<f64>,
    suspended_ms: Option<f64>,
    file_descriptors: Option<ShareRow>,
    local_ports: Option<ShareRow>,
    inputs: ShareRow,
    controls: Vec<ControlRow>,
}

#[derive(Debug, Serialize)]
struct ThrottlingRow {
    periods: u64,
    throttled: u64,
    time_ms: f64,
}

#[derive(Debug, Serialize)]
struct MemoryRow {
    limit_met: u64,
    killed: u64,
    waited_ms: Option<f64>,
}

#[derive(Debug, Serialize)]
struct ShareRow {
    used: u64,
    limit: u64,
}

#[derive(Debug, Serialize)]
struct ControlRow {
    control: &'static str,
    address: Arc<str>,
    answers: Option<bool>,
    answered_ms_ago: Option<f64>,
}

impl ProberHealth {
    pub(super) fn of(status: &ProberStatus, now: Time) -> ProberHealth {
        let readings = &status.readings;
        ProberHealth {
            throttling: readings.throttling.map(ThrottlingRow::of),
            memory: readings.memory.map(MemoryRow::of),
            stolen_ms: readings.steal.map(|steal| millis(steal.stolen)),
            suspended_ms: readings.suspended.map(millis),
            file_descriptors: readings.descriptors.map(ShareRow::of),
            local_ports: readings.ports.map(ShareRow::of),
            inputs: ShareRow::of(status.inputs),
            controls: status.controls.iter().map(|control| ControlRow::of(control, now)).collect(),
        }
    }
}

impl ThrottlingRow {
    fn of(throttling: Throttling) -> ThrottlingRow {
        let Throttling { periods, throttled, time } = throttling;
        ThrottlingRow { periods, throttled, time_ms: millis(time) }
    }
}

impl MemoryRow {
    fn of(memory: Memory) -> MemoryRow {
        MemoryRow { limit_met: memory.limit_hits, killed: memory.killed, waited_ms: memory.waited.map(millis) }
    }
}

impl ShareRow {
    fn of(share: Usage) -> ShareRow {
        ShareRow { used: share.used, limit: share.limit }
    }
}

impl ControlRow {
    fn of((kind, address, control): &(ControlKind, Arc<str>, Control), now: Time) -> ControlRow {
        ControlRow {
            control: kind.as_str(),
            address: Arc::clone(address),
            answers: control.answered.map(|_| !control.is_lost()),
            answered_ms_ago: control.answered.map(|at| millis(now.since(at))),
        }
    }
}
