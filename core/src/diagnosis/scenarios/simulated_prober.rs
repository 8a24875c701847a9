//! The prober of a scenario: its host, its resources and its controls, as the inputs that the product has.
//!
//! | line | means |
//! | --- | --- |
//! | `at 10 stall 3` | the prober is stopped for 3 s |
//! | `at 10 throttle 5` | the CPU limit throttles the prober for 5 s, though its heartbeat is in time |
//! | `at 10 press 5` | it waits for memory for as long |
//! | `at 10 descriptors 95` | 95 % are open; `ports 95`: in use |
//! | `at 10 refuse 1` | a connection was refused for want of one |
//! | `at 10 suspend 60` | the host was suspended for 60 s, which no clock shows |
//! | `at 0 reference there` | there is a reference that answers; also `lost` |
//! | `at 10 loopback lost` | it answers until then; also `there` |
//! | `at 0 kernel tells` | the TCP states of overdue connections are known |

use std::time::Duration;

use super::{STEP_MS, State, millis};
use crate::diagnosis::input::Input;
use crate::ids::ConnectionRole;
use crate::settle::Stall;
use crate::tcp_state::TcpState;
use crate::time::Time;
use crate::vitals::{ControlKind, Memory, Readings, Throttling, Usage};

/// Interval of the kernel's counters, and of the loopback and the reference control.
const READINGS_EVERY: u64 = 1000;
const LOOPBACK_EVERY: u64 = 500;
const REFERENCE_EVERY: u64 = 2000;

/// An unanswered control is known to be unanswered after this time.
const CONTROL_DEADLINE: u64 = 900;

/// The prober and its host.
#[derive(Default)]
pub(super) struct SimulatedProber {
    stalls: Vec<(u64, u64)>,
    throttled: Vec<(u64, u64)>,
    pressed: Vec<(u64, u64)>,
    descriptors: u64,
    ports: u64,
    /// Since when each control answers, or does not.
    reference: Vec<(u64, bool)>,
    loopback: Vec<(u64, bool)>,
    has_tcp_states: bool,
    /// Inputs of acts, for the next step.
    pending: Vec<Input>,
}

impl SimulatedProber {
    /// Whether it was an act of this kind.
    pub(super) fn act(&mut self, now: u64, what: &str, argument: &str) -> bool {
        let number = || argument.parse().expect("a number");
        let at = Time::from_millis(now);
        match what {
            "stall" => self.stalls.push((now, now + millis(argument))),
            "throttle" => self.throttled.push((now, now + millis(argument))),
            "press" => self.pressed.push((now, now + millis(argument))),
            "descriptors" => self.descriptors = number(),
            "ports" => self.ports = number(),
            "refuse" => self.pending.push(Input::ResourceShortage(at)),
            "suspend" => {
                let length = Duration::from_millis(millis(argument));
                self.pending.push(Input::Resumed { at, length });
            }
            "reference" => self.reference.push((now, argument == "there")),
            "loopback" => self.loopback.push((now, argument == "there")),
            "kernel" => self.has_tcp_states = argument == "tells",
            _ => return false,
        }
        true
    }

    /// Whether it is stopped at `now`, and takes nothing in.
    pub(super) fn is_stalled(&self, now: u64) -> bool {
        self.stalls.iter().any(|(begin, end)| (*begin..*end).contains(&now))
    }

    /// The stall that has just ended, if one has.
    pub(super) fn woken_from(&self, now: u64) -> Option<u64> {
        self.stalls.iter().find(|(_, end)| (*end..*end + STEP_MS).contains(&now)).map(|(begin, _)| *begin)
    }

    /// Time that it was stopped between two moments.
    pub(super) fn stalled_between(&self, from: u64, to: u64) -> Duration {
        overlap(&self.stalls, from, to)
    }

    /// The inputs of the step at `now`.
    pub(super) fn step(&mut self, now: u64) -> Vec<Input> {
        let mut inputs = std::mem::take(&mut self.pending);
        if let Some(begin) = self.woken_from(now) {
            inputs.push(Input::Stall(Stall { from: Time::from_millis(begin), to: Time::from_millis(now) }));
        }
        if now.is_multiple_of(READINGS_EVERY) {
            inputs.push(Input::Readings(self.readings(now)));
        }
        let loopback: Vec<_> = [(0, true)].into_iter().chain(self.loopback.iter().copied()).collect();
        inputs.extend(control(ControlKind::Loopback, &loopback, LOOPBACK_EVERY, now));
        inputs.extend(control(ControlKind::Reference, &self.reference, REFERENCE_EVERY, now));
        inputs
    }

    fn readings(&self, now: u64) -> Readings {
        let share = |used: u64| Some(Usage { used, limit: 100 });
        let throttled = overlap(&self.throttled, 0, now);
        let periods = now / 100;
        Readings {
            at: Time::from_millis(now),
            throttling: Some(Throttling {
                periods,
                throttled: u64::try_from(throttled.as_millis()).unwrap_or(u64::MAX) / 100,
                time: throttled,
            }),
            memory: Some(Memory { waited: Some(overlap(&self.pressed, 0, now)), ..Memory::default() }),
            descriptors: share(self.descriptors),
            ports: share(self.ports),
            ..Readings::default()
        }
    }

    /// The TCP state of an overdue connection, `age` milliseconds after its broker became `state`.
    pub(super) fn tcp_state(&self, role: ConnectionRole, state: State, age: u64) -> Option<TcpState> {
        let acknowledged = TcpState { unacked_bytes: 0, retransmits: 0 };
        let tcp_state = match (state, role) {
            (State::Frozen, _) | (State::Dropped, ConnectionRole::Fetch) => acknowledged,
            // The records of one second, retransmitted after 0.2 s, 0.6 s, 1.4 s.
            (State::Dropped, _) => TcpState { unacked_bytes: 640, retransmits: if age < 1700 { 1 } else { 3 } },
            _ => return None,
        };
        Some(tcp_state).filter(|_| self.has_tcp_states)
    }
}

/// How much of the time between two moments lies in these stretches.
fn overlap(stretches: &[(u64, u64)], from: u64, to: u64) -> Duration {
    let overlap = |(begin, end): &(u64, u64)| end.min(&to).saturating_sub(*begin.max(&from));
    Duration::from_millis(stretches.iter().map(overlap).sum())
}

/// What is known at `now` about a control: an answer at once, its absence at the deadline.
fn control(control: ControlKind, states: &[(u64, bool)], every: u64, now: u64) -> Vec<Input> {
    let answers_at = |at: u64| states.iter().rev().find(|(since, _)| *since <= at).map(|(_, there)| *there);
    let asked = |at: u64| at.is_multiple_of(every).then_some(at);
    let answered = asked(now).filter(|at| answers_at(*at) == Some(true)).map(|at| (at, true));
    let missed = now.checked_sub(CONTROL_DEADLINE).and_then(asked);
    let missed = missed.filter(|at| answers_at(*at) == Some(false)).map(|at| (at, false));
    let input = |(at, has_answered)| Input::Control { control, asked: Time::from_millis(at), has_answered };
    answered.into_iter().chain(missed).map(input).collect()
}
