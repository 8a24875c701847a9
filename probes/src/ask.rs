//! Direct probes: one future per attempt, ended by its answer or by our own timer, whichever is first.

use std::time::Duration;

use prober_core::event::{Event, Limits, Saw};
use prober_core::ids::{Probe, Target};
use prober_core::time::Time;

use crate::clock::Clock;
use crate::port::Ask;

/// Carries out one attempt that came due at `due`: exactly one event, at its deadline at the latest.
pub async fn attempt(ask: &impl Ask, clock: Clock, target: &Target, probe: Probe, due: Time, limits: Limits) -> Event {
    let began = clock.now();
    let deadline = began + limits.deadline;
    let answer = tokio::time::timeout(limits.deadline, ask.ask(target)).await;
    let (sent, ended, saw) = match answer {
        Ok(answer) if answer.at <= deadline => {
            let saw = match answer.result {
                Ok(()) => Saw::Success(answer.at.since(answer.sent.unwrap_or(began))),
                Err(fault) => Saw::Failed(fault),
            };
            (answer.sent, answer.at, saw)
        }
        // Stamped after the deadline, or not at all: the timer was merely slower.
        Ok(_) | Err(_) => (Some(began), deadline, Saw::TimedOut),
    };
    Event { series: target.series(probe), limits, due, sent, ended, saw, stalled: Duration::ZERO }
}
