//! Resources of the host and the container as the kernel counts them, and the controls that show whether the prober and its
//! network work. Readings without opinion.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::{Time, nanoseconds};

/// Readings of one moment. `None`: this host does not provide the reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Readings {
    /// When they were read.
    pub at: Time,
    /// Throttling by the container's CPU limit, since the container started.
    pub throttling: Option<Throttling>,
    /// Memory of the container.
    pub memory: Option<Memory>,
    /// CPU time stolen by the hypervisor, since the host started.
    pub steal: Option<Steal>,
    /// Time that the host was suspended since the prober started.
    #[serde(default, with = "nanoseconds::optional")]
    pub suspended: Option<Duration>,
    /// File descriptors of this process.
    pub descriptors: Option<Usage>,
    /// Local TCP ports in `net.ipv4.ip_local_port_range`.
    pub ports: Option<Usage>,
}

/// Throttling by a CPU limit (`cpu.stat` of the cgroup).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttling {
    /// Enforcement periods with runnable threads.
    pub periods: u64,
    /// Periods in which the limit was hit.
    pub throttled: u64,
    /// Time that threads were throttled, summed over the CPUs.
    #[serde(with = "nanoseconds")]
    pub time: Duration,
}

/// Pressure by a memory limit (`memory.events` and `memory.pressure`, or `memory.failcnt` and `memory.oom_control`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Times that a limit was hit and memory had to be reclaimed first.
    pub limit_hits: u64,
    /// Processes killed by the OOM killer.
    pub killed: u64,
    /// Time that some task waited for memory (PSI); only cgroup version 2 has it.
    #[serde(default, with = "nanoseconds::optional")]
    pub waited: Option<Duration>,
}

/// CPU time of the whole host, summed over its CPUs (`/proc/stat`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steal {
    /// Time in which a virtual CPU was runnable but did not run (steal).
    #[serde(with = "nanoseconds")]
    pub stolen: Duration,
    /// Total time, idle time included.
    #[serde(with = "nanoseconds")]
    pub total: Duration,
}

/// Usage of a limited resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// In use.
    pub used: u64,
    /// At most.
    pub limit: u64,
}

impl Usage {
    /// Share in use: between 0 and 1, or above 1 after a limit was lowered.
    pub fn ratio(self) -> f64 {
        self.used as f64 / self.limit.max(1) as f64
    }
}

/// An endpoint that is not Kafka and is asked for an answer: it shows whether the prober and its network path out work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlKind {
    /// A connection to a listener of the prober itself on this host.
    Loopback,
    /// Another host, outside the Kafka cluster.
    Reference,
}

impl ControlKind {
    /// Both.
    pub const ALL: [ControlKind; 2] = [ControlKind::Loopback, ControlKind::Reference];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            ControlKind::Loopback => "loopback",
            ControlKind::Reference => "reference",
        }
    }
}

/// Results of a control. One that never answered is not evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// When the newest answered request was sent.
    pub answered: Option<Time>,
    /// The newest unanswered requests in a row, whether or not it answers again by now.
    pub missed: Option<Missed>,
}

/// Unanswered requests in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// When the first of them was sent.
    pub since: Time,
    /// When the last of them was sent.
    pub last: Time,
}

impl Control {
    /// Takes in the result of the request that was sent at `asked`.
    pub fn on_answer(&mut self, asked: Time, has_answered: bool) {
        if has_answered {
            self.answered = self.answered.max(Some(asked));
            return;
        }
        // A control that has never answered cannot be lost.
        let Some(answered) = self.answered else { return };
        match &mut self.missed {
            Some(missed) if answered < missed.since => missed.last = missed.last.max(asked),
            missed => *missed = Some(Missed { since: asked, last: asked }),
        }
    }

    /// Whether it has answered before and does not answer now.
    pub fn is_lost(&self) -> bool {
        self.missed.is_some_and(|missed| self.answered.is_none_or(|answered| answered < missed.since))
    }
}

/// The results of both controls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Controls {
    /// The prober's own listener.
    pub loopback: Control,
    /// The address of the reference and its results, if there is one.
    pub reference: Option<(Arc<str>, Control)>,
}

impl Controls {
    /// No results yet; `reference` is the address of the reference control, if there is one.
    pub fn new(reference: Option<Arc<str>>) -> Controls {
        Controls { loopback: Control::default(), reference: reference.map(|address| (address, Control::default())) }
    }

    /// Takes in the result of the request to a control that was sent at `asked`. That of a reference that is not configured is
    /// ignored.
    pub fn on_answer(&mut self, control: ControlKind, asked: Time, has_answered: bool) {
        match (control, &mut self.reference) {
            (ControlKind::Loopback, _) => self.loopback.on_answer(asked, has_answered),
            (ControlKind::Reference, Some((_, control))) => control.on_answer(asked, has_answered),
            (ControlKind::Reference, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn control_that_never_answered_is_not_lost() {
        let mut control = Control::default();
        control.on_answer(at(1000), false);
        control.on_answer(at(2000), false);
        assert_eq!(control, Control::default());
    }

    #[test]
    fn control_is_lost_from_its_first_unanswered_request_until_it_answers() {
        let mut control = Control::default();
        for (asked, has_answered) in [(1000, true), (2000, false), (3000, false)] {
            control.on_answer(at(asked), has_answered);
        }
        assert!(control.is_lost());
        assert_eq!(control.missed, Some(Missed { since: at(2000), last: at(3000) }));
        control.on_answer(at(4000), true);
        assert!(!control.is_lost() && control.missed.is_some(), "the loss stays recorded");
        control.on_answer(at(5000), false);
        assert_eq!(
            control.missed,
            Some(Missed { since: at(5000), last: at(5000) }),
            "a new series of unanswered requests"
        );
    }

    #[test]
    fn usage_without_a_limit_does_not_divide_by_zero() {
        assert_eq!(Usage::default().ratio(), 0.0);
    }
}
