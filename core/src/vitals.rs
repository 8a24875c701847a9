//! What the machine and the container leave to the prober, as the kernel counts it: readings of one moment, no opinion.

use std::time::Duration;

use crate::time::Time;

/// Everything that was read at one moment. `None`: this machine does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Readings {
    /// When.
    pub at: Time,
    /// How the container's CPU limit held the prober back, since the container started.
    pub throttling: Option<Throttling>,
    /// Memory of the container.
    pub memory: Option<Memory>,
    /// CPU time that the hypervisor gave to others, since the machine started.
    pub steal: Option<Steal>,
    /// For how long the machine has been suspended since the prober started.
    pub suspended: Option<Duration>,
    /// File descriptors of this process.
    pub descriptors: Option<Usage>,
    /// Local TCP ports of the range that connections are given theirs from.
    pub ports: Option<Usage>,
}

/// A CPU limit at work (`cpu.stat` of the cgroup).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttling {
    /// Enforcement periods in which something wanted to run.
    pub periods: u64,
    /// Those in which the limit was met.
    pub throttled: u64,
    /// For how long threads were held back, added up over the CPUs.
    pub time: Duration,
}

/// A memory limit at work (`memory.events` and `memory.pressure`, or `memory.failcnt` and `memory.oom_control`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Times that a limit was met and something had to be given back first.
    pub limit_hits: u64,
    /// Processes killed for want of memory.
    pub killed: u64,
    /// For how long some task waited for memory (PSI); only version 2 tells.
    pub waited: Option<Duration>,
}

/// CPU time of the whole machine, added up over its CPUs (`/proc/stat`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Steal {
    /// What others were given while a CPU of ours wanted to run.
    pub stolen: Duration,
    /// All of it, idle time included.
    pub total: Duration,
}

/// So much of so much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// In use.
    pub used: u64,
    /// At most.
    pub limit: u64,
}

impl Usage {
    /// Between 0 and 1, or above where a limit was lowered.
    pub fn ratio(self) -> f64 {
        self.used as f64 / self.limit.max(1) as f64
    }
}

/// What beside Kafka is asked for an answer: whether the prober, and its way out, work at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlKind {
    /// A connection to a listener of our own on this machine: it never leaves it.
    Loopback,
    /// A machine elsewhere, which is not Kafka's.
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

/// What has come of asking a control. One that never answered says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// When the newest question that it answered was asked.
    pub answered: Option<Time>,
    /// The newest questions in a row that it left unanswered, whether or not it answers again by now.
    pub missed: Option<Missed>,
}

/// Questions in a row without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// When the first of them was asked.
    pub since: Time,
    /// When the last was.
    pub last: Time,
}

impl Control {
    /// What came of a question.
    pub fn on_answer(&mut self, asked: Time, has_answered: bool) {
        if has_answered {
            self.answered = self.answered.max(Some(asked));
            return;
        }
        // Whoever was never there cannot be lost.
        let Some(answered) = self.answered else { return };
        match &mut self.missed {
            Some(missed) if answered < missed.since => missed.last = missed.last.max(asked),
            missed => *missed = Some(Missed { since: asked, last: asked }),
        }
    }

    /// Whether it does not answer now, though it used to.
    pub fn is_lost(&self) -> bool {
        self.missed.is_some_and(|missed| self.answered.is_none_or(|answered| answered < missed.since))
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
    fn control_is_lost_from_its_first_unanswered_question_until_it_answers() {
        let mut control = Control::default();
        for (asked, has_answered) in [(1000, true), (2000, false), (3000, false)] {
            control.on_answer(at(asked), has_answered);
        }
        assert!(control.is_lost());
        assert_eq!(control.missed, Some(Missed { since: at(2000), last: at(3000) }));
        control.on_answer(at(4000), true);
        assert!(!control.is_lost() && control.missed.is_some(), "that it was lost stays known");
        control.on_answer(at(5000), false);
        assert_eq!(control.missed, Some(Missed { since: at(5000), last: at(5000) }), "a new row");
    }

    #[test]
    fn share_of_nothing_is_no_division_by_zero() {
        assert_eq!(Usage::default().ratio(), 0.0);
    }
}
