//! The vital signs of the prober within the last minute.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::prober::ProberEvidence;
use crate::diagnosis::thresholds::{bounds, prober_health};
use crate::time::Time;
use crate::vitals::{ControlKind, Controls, Readings, Throttling};

/// The last minute of the prober's vital signs.
#[derive(Clone, Debug, Default)]
pub(super) struct VitalsHistory {
    readings: VecDeque<Readings>,
    suspended: Option<(Time, Duration)>,
    refused: Option<Time>,
    controls: Controls,
}

impl VitalsHistory {
    /// An empty history; `reference` is the address of the reference control, if there is one.
    pub(super) fn new(reference: Option<Arc<str>>) -> VitalsHistory {
        VitalsHistory { controls: Controls::new(reference), ..VitalsHistory::default() }
    }

    /// The kernel's counters of this process were read.
    pub(super) fn on_readings(&mut self, readings: Readings) {
        if self.readings.len() == bounds::READINGS_MAX.get() {
            self.readings.pop_front();
        }
        self.readings.push_back(readings);
    }

    /// The host resumed from a suspend of this length.
    pub(super) fn on_resume(&mut self, at: Time, length: Duration) {
        self.suspended = Some((at, length));
    }

    /// A control was asked at `asked`, and has answered in time or not.
    pub(super) fn on_control(&mut self, control: ControlKind, asked: Time, has_answered: bool) {
        self.controls.on_answer(control, asked, has_answered);
    }

    /// This host had no file descriptor, port or memory left for the prober.
    pub(super) fn on_resource_shortage(&mut self, at: Time) {
        self.refused = self.refused.max(Some(at));
    }

    /// The evidence at `now`.
    pub(super) fn at(&self, now: Time) -> ProberEvidence {
        let without_readings = ProberEvidence {
            suspended: self.suspended,
            resource_refused: self.refused,
            controls: self.controls.clone(),
            ..ProberEvidence::default()
        };
        let Some(newest) = self.readings.back() else { return without_readings };
        // The newest reading that is at least this old, or else the oldest.
        let before = |age: Duration| {
            let old = self.readings.iter().rev().find(|readings| age <= now.since(readings.at));
            old.or(self.readings.front()).unwrap_or(newest)
        };
        let (just, lately) = (before(prober_health::STALLS_WITHIN.get()), before(prober_health::SUMMED_OVER.get()));
        let throttled = |before: &Readings| grown(newest.throttling, before.throttling);
        let of_minute = throttled(lately);
        let memory = newest.memory.zip(lately.memory);
        let waited = memory.and_then(|(new, old)| Some(new.waited?.saturating_sub(old.waited?)));
        ProberEvidence {
            throttled: throttled(just).time,
            throttled_last_minute: of_minute.time,
            throttled_periods_last_minute: (of_minute.periods, of_minute.throttled),
            memory_wait_last_minute: waited,
            memory_limit_hits_last_minute: memory.map_or(0, |(new, old)| new.limit_hits.saturating_sub(old.limit_hits)),
            steal_share_last_minute: stolen(newest, lately),
            descriptors: newest.descriptors,
            ports: newest.ports,
            ..without_readings
        }
    }
}

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
    use crate::vitals::{Memory, Steal};

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
        let mut history = VitalsHistory::default();
        history.on_readings(reading(0, 90_000));
        assert_eq!(history.at(Time::from_millis(500)).throttled_last_minute, Duration::ZERO);
    }

    #[test]
    fn throttling_is_summed_over_three_seconds_and_over_a_minute() {
        let mut history = VitalsHistory::default();
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
        assert_eq!(history.readings.len(), bounds::READINGS_MAX.get());
    }

    #[test]
    fn host_without_counters_gives_no_evidence() {
        let mut history = VitalsHistory::default();
        (0..10).for_each(|second| {
            history.on_readings(Readings { at: Time::from_millis(1000 * second), ..Readings::default() })
        });
        assert_eq!(history.at(Time::from_millis(9000)), ProberEvidence::default());
    }

    #[test]
    fn answer_of_a_reference_that_is_not_configured_is_ignored() {
        let mut history = VitalsHistory::new(None);
        history.on_control(ControlKind::Reference, Time::ORIGIN, true);
        assert_eq!(history.at(Time::ORIGIN).controls.reference, None);
        let mut history = VitalsHistory::new(Some("elsewhere:1".into()));
        history.on_control(ControlKind::Reference, Time::ORIGIN, true);
        assert!(history.at(Time::ORIGIN).controls.reference.is_some_and(|(_, control)| control.answered.is_some()));
    }
}
