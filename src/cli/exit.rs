//! The exit codes: public contract, tested one by one.

use std::fmt::Display;
use std::process::ExitCode;

/// How a subcommand ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// 0: pass.
    Pass,
    /// 1: the cluster is at fault.
    Fail,
    /// 2: usage or configuration.
    Usage,
    /// 3: inconclusive.
    Inconclusive,
    /// 4: the prober is unhealthy.
    Unhealthy,
}

impl Exit {
    /// The word for it in outputs.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Exit::Pass => "pass",
            Exit::Fail => "fail",
            Exit::Usage => "usage",
            Exit::Inconclusive => "inconclusive",
            Exit::Unhealthy => "prober_unhealthy",
        }
    }

    const fn code(self) -> u8 {
        match self {
            Exit::Pass => 0,
            Exit::Fail => 1,
            Exit::Usage => 2,
            Exit::Inconclusive => 3,
            Exit::Unhealthy => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// Says why nothing was started.
#[expect(clippy::print_stderr, reason = "the sentence goes to the person, before any logging is set up")]
pub(super) fn usage(error: &dyn Display) -> Exit {
    eprintln!("error: {error}");
    Exit::Usage
}

/// Says what this machine lacks.
#[expect(clippy::print_stderr, reason = "the sentence goes to the person")]
pub(super) fn unhealthy(error: &dyn Display) -> Exit {
    eprintln!("error: {error}");
    Exit::Unhealthy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_documented_ones() {
        let all = [Exit::Pass, Exit::Fail, Exit::Usage, Exit::Inconclusive, Exit::Unhealthy];
        assert_eq!(all.map(Exit::code), [0, 1, 2, 3, 4]);
    }
}
