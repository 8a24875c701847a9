//! The prober's vital signs for the status page: newest readings, deepest input queue of the last minute, controls.

use std::collections::VecDeque;
use std::sync::Arc;

use prober_core::snapshot::ProberStatus;
use prober_core::time::Time;
use prober_core::vitals::{ControlKind, Controls, Readings, Usage};

use super::inputs::INPUTS_MAX;

/// Queue depths kept, one for each reading; readings come once a second: a few more than a minute's.
const DEPTHS_KEPT: usize = 64;

/// The newest vital signs.
#[derive(Debug, Default)]
pub(super) struct VitalsStatus {
    readings: Option<Readings>,
    /// Largest number of inputs that waited for the engine, between each two readings.
    depths: VecDeque<u64>,
    /// The same since the newest reading.
    depth: u64,
    controls: Controls,
}

impl VitalsStatus {
    /// No readings yet; `reference` is the address of the reference control, if there is one.
    pub(super) fn new(reference: Option<Arc<str>>) -> VitalsStatus {
        VitalsStatus { controls: Controls::new(reference), ..VitalsStatus::default() }
    }

    /// The kernel's counters of this process were read.
    pub(super) fn on_readings(&mut self, readings: Readings) {
        if self.depths.len() == DEPTHS_KEPT {
            self.depths.pop_front();
        }
        self.depths.push_back(std::mem::take(&mut self.depth));
        self.readings = Some(readings);
    }

    /// The engine took an input; this many were waiting, that one included.
    pub(super) fn on_queue_depth(&mut self, inputs: usize) {
        self.depth = self.depth.max(inputs as u64);
    }

    /// A control was asked at `asked`, and has answered in time or not.
    pub(super) fn on_control(&mut self, control: ControlKind, asked: Time, has_answered: bool) {
        self.controls.on_answer(control, asked, has_answered);
    }

    /// Fills the status page's part.
    pub(super) fn show(&self, status: &mut ProberStatus) {
        if let Some(readings) = self.readings {
            status.readings = readings;
        }
        let deepest = self.depths.iter().copied().chain([self.depth]).max().unwrap_or(0);
        status.inputs = Usage { used: deepest, limit: INPUTS_MAX as u64 };
        let loopback = (ControlKind::Loopback, Arc::from("127.0.0.1"), self.controls.loopback);
        let reference = self
            .controls
            .reference
            .iter()
            .map(|(address, control)| (ControlKind::Reference, Arc::clone(address), *control));
        status.controls = [loopback].into_iter().chain(reference).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn largest_queue_depth_is_kept_for_a_minute() {
        let mut vitals = VitalsStatus::default();
        let deepest = |vitals: &VitalsStatus| {
            let mut status = ProberStatus::default();
            vitals.show(&mut status);
            status.inputs.used
        };
        vitals.on_queue_depth(7);
        vitals.on_queue_depth(3);
        assert_eq!(deepest(&vitals), 7);
        vitals.on_readings(Readings::default());
        assert_eq!(deepest(&vitals), 7);
        (0..DEPTHS_KEPT).for_each(|_| vitals.on_readings(Readings::default()));
        assert_eq!(deepest(&vitals), 0);
    }
}
