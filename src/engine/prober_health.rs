//! The vital signs of the prober within the last minute, as evidence and for the status page.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use prober_core::diagnosis::prober::STALLS_WITHIN;
use prober_core::diagnosis::prober_health::ProberHealth;
use prober_core::event::{Event, RawOutcome};
use prober_core::fault::Fault;
use prober_core::snapshot::ProberStatus;
use prober_core::time::Time;
use prober_core::vitals::{Control, ControlKind, Readings, Throttling, Usage};

use super::evidence::STALLS_KEPT_FOR;
use super::inputs::INPUTS_MAX;

/// Readings come once a second: a few more than a minute's.
const READINGS_KEPT: usize = 64;

/// The last minute of the prober's vital signs.
#[derive(Debug, Default)]
pub(super) struct HealthHistory {
    /// Each with the largest number of inputs that waited for the engine since the reading before.
    readings: VecDeque<(Readings, u64)>,
    waiting: u64,
    suspended: Option<(Time, Duration)>,
    refused: Option<Time>,
    loopback: Control,
    reference: Option<(Arc<str>, Control)>,
}

impl HealthHistory {
    /// An empty history; `reference` is the address of the reference control, if there is one.
    pub(super) fn new(reference: Option<Arc<str>>) -> HealthHistory {
        HealthHistory { reference: reference.map(|address| (address, Control::default())), ..HealthHistory::default() }
    }

    /// The kernel's counters of this process were read.
    pub(super) fn on_readings(&mut self, readings: Readings) {
        if self.readings.len() == READINGS_KEPT {
            self.readings.pop_front();
        }
        self.readings.push_back((readings, std::mem::take(&mut self.waiting)));
    }

    /// The engine took an input; this many were waiting, that one included.
    pub(super) fn on_queue_depth(&mut self, inputs: usize) {
        self.waiting = self.waiting.max(inputs as u64);
    }

    /// The host resumed from a suspend of this length.
    pub(super) fn on_resume(&mut self, at: Time, length: Duration) {
        self.suspended = Some((at, length));
    }

    /// A control was asked at `asked`, and has answered in time or not.
    pub(super) fn on_control(&mut self, control: ControlKind, asked: Time, has_answered: bool) {
        match (control, &mut self.reference) {
            (ControlKind::Loopback, _) => self.loopback.on_answer(asked, has_answered),
            (ControlKind::Reference, Some((_, control))) => control.on_answer(asked, has_answered),
            (ControlKind::Reference, None) => {}
        }
    }

    /// An event was counted: `local_resources` is a shortage on this host.
    pub(super) fn counted(&mut self, event: &Event) {
        if event.raw_outcome == RawOutcome::Failed(Fault::LocalResources) {
            self.on_resource_shortage(event.ended);
        }
    }

    /// This host had no file descriptor, port or memory left for the prober.
    pub(super) fn on_resource_shortage(&mut self, at: Time) {
        self.refused = self.refused.max(Some(at));
    }

    /// The evidence at `now`.
    pub(super) fn at(&self, now: Time) -> ProberHealth {
        let Some((newest, _)) = self.readings.back() else {
            return ProberHealth {
                loopback: self.loopback,
                reference: self.reference.clone(),
                ..ProberHealth::default()
            };
        };
        let (just, lately) = (self.before(now, STALLS_WITHIN), self.before(now, STALLS_KEPT_FOR));
        let throttled = |before: &Readings| grown(newest.throttling, before.throttling);
        let of_minute = throttled(lately);
        let memory = newest.memory.zip(lately.memory);
        let waited = memory.and_then(|(new, old)| Some(new.waited?.saturating_sub(old.waited?)));
        ProberHealth {
            throttled: throttled(just).time,
            throttled_last_minute: of_minute.time,
            throttled_periods_last_minute: (of_minute.periods, of_minute.throttled),
            memory_wait_last_minute: waited,
            memory_limit_hits_last_minute: memory.map_or(0, |(new, old)| new.limit_hits.saturating_sub(old.limit_hits)),
            steal_share_last_minute: stolen(newest, lately),
            suspended: self.suspended,
            descriptors: newest.descriptors,
            ports: newest.ports,
            resource_refused: self.refused,
            loopback: self.loopback,
            reference: self.reference.clone(),
        }
    }

    /// The newest reading that is at least `age` old, or else the oldest.
    fn before(&self, now: Time, age: Duration) -> &Readings {
        let is_old = |(readings, _): &&(Readings, u64)| age <= now.since(readings.at);
        let found = self.readings.iter().rev().find(is_old).or_else(|| self.readings.front());
        found.map_or(&NOTHING, |(readings, _)| readings)
    }

    /// Fills the status page's part.
    pub(super) fn show(&self, status: &mut ProberStatus) {
        if let Some((newest, _)) = self.readings.back() {
            status.readings = *newest;
        }
        let deepest = self.readings.iter().map(|(_, waiting)| *waiting).chain([self.waiting]).max();
        status.inputs = Usage { used: deepest.unwrap_or(0), limit: INPUTS_MAX as u64 };
        let loopback = (ControlKind::Loopback, Arc::from("127.0.0.1"), self.loopback);
        let reference =
            self.reference.iter().map(|(address, control)| (ControlKind::Reference, Arc::clone(address), *control));
        status.controls = [loopback].into_iter().chain(reference).collect();
    }
}

const NOTHING: Readings = Readings {
    at: Time::ORIGIN,
    throttling: None,
    memory: None,
    steal: None,
    suspended: None,
    descriptors: None,
    ports: None,
};

fn grown(new: Option<Throttling>, old: Option<Throttling>) -> Throttling {
    let Some((new, old)) = new.zip(old) else { return Throttling::default() };
    Throttling {
        periods: new.periods.saturating_sub(old.periods),
        throttled: new.throttled.saturating_sub(old.throttled),
        time: new.time.saturating_sub(old.time),
    }
}

fn stolen(new: &Readings, old: &Readings) -> f64 {
    let Some((new, old)) = new.steal.zip(old.steal) else { return 0.0 };
    let total = new.total.saturating_sub(old.total).as_secs_f64();
    let stolen = new.stolen.saturating_sub(old.stolen).as_secs_f64();
    if 0.0 < total { stolen / total } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prober_core::vitals::{Memory, Steal};

    fn reading(second: u64, throttled_ms: u64) -> Readings {
        let time = Duration::from_millis(throttled_ms);
        Readings {
            at: Time::from_millis(1000 * second),
            throttling: Some(Throttling { periods: 10 * second, throttled: second, time }),
            memory: Some(Memory { limit_hits: second, killed: 0, waited: Some(time) }),
            steal: Some(Steal { stolen: Duration::from_secs(second), total: Duration::from_secs(4 * second) }),
            ..Readings::default()
        }
    }

    #[test]
    fn throttling_from_before_the_start_of_the_prober_does_not_count() {
        let mut history = HealthHistory::default();
        history.on_readings(reading(0, 90_000));
        assert_eq!(history.at(Time::from_millis(500)).throttled_last_minute, Duration::ZERO);
    }

    #[test]
    fn throttling_is_summed_over_three_seconds_and_over_a_minute() {
        let mut history = HealthHistory::default();
        (0..=120).for_each(|second| history.on_readings(reading(second, 500 * second)));
        let health = history.at(Time::from_millis(120_000));
        assert_eq!(
            (health.throttled, health.throttled_last_minute),
            (Duration::from_millis(1500), Duration::from_secs(30))
        );
        assert_eq!((health.throttled_periods_last_minute, health.memory_limit_hits_last_minute), ((600, 60), 60));
        assert_eq!(
            (health.memory_wait_last_minute, health.steal_share_last_minute),
            (Some(Duration::from_secs(30)), 0.25)
        );
        assert_eq!(history.readings.len(), READINGS_KEPT);
    }

    #[test]
    fn host_without_counters_gives_no_evidence() {
        let mut history = HealthHistory::default();
        (0..10).for_each(|second| {
            history.on_readings(Readings { at: Time::from_millis(1000 * second), ..Readings::default() })
        });
        assert_eq!(history.at(Time::from_millis(9000)), ProberHealth::default());
    }

    #[test]
    fn largest_queue_depth_is_kept_for_a_minute() {
        let mut history = HealthHistory::default();
        let deepest = |history: &HealthHistory| {
            let mut status = ProberStatus::default();
            history.show(&mut status);
            status.inputs.used
        };
        history.on_queue_depth(7);
        history.on_queue_depth(3);
        assert_eq!(deepest(&history), 7);
        history.on_readings(reading(0, 0));
        assert_eq!(deepest(&history), 7);
        (1..=READINGS_KEPT as u64).for_each(|second| history.on_readings(reading(second, 0)));
        assert_eq!(deepest(&history), 0);
    }

    #[test]
    fn answer_of_a_reference_that_is_not_configured_is_ignored() {
        let mut history = HealthHistory::new(None);
        history.on_control(ControlKind::Reference, Time::ORIGIN, true);
        assert_eq!(history.at(Time::ORIGIN).reference, None);
        let mut history = HealthHistory::new(Some("elsewhere:1".into()));
        history.on_control(ControlKind::Reference, Time::ORIGIN, true);
        assert!(history.at(Time::ORIGIN).reference.is_some_and(|(_, control)| control.answered.is_some()));
    }
}
