//! The exit codes, a public contract, and the one function that `check` and `explain` derive theirs with.

use std::fmt::Display;
use std::process::ExitCode;

use prober_core::finding::FindingKind;

/// How a subcommand ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// 0: everything is good.
    Pass,
    /// 1: the cluster is to blame.
    Fail,
    /// 2: the command line or the configuration cannot be used.
    Usage,
    /// 3: unclear, or the prober's own permissions, credentials or network.
    Inconclusive,
    /// 4: the prober is unhealthy.
    Unhealthy,
}

impl Exit {
    /// The verdict in outputs.
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

/// Prints why nothing was started.
#[expect(clippy::print_stderr, reason = "the sentence goes to the person, before any logging is set up")]
pub(super) fn usage(error: &dyn Display) -> Exit {
    eprintln!("error: {error}");
    Exit::Usage
}

/// Prints why this machine cannot do what was asked.
#[expect(clippy::print_stderr, reason = "the sentence goes to the person")]
pub(super) fn unhealthy(error: &dyn Display) -> Exit {
    eprintln!("error: {error}");
    Exit::Unhealthy
}

/// Who has to act on something that is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Responsible {
    /// The cluster.
    Cluster,
    /// The prober itself: it cannot do its work.
    Prober,
    /// Unclear: the cluster, the prober or the network between them. Also the permissions, credentials, quotas and network of
    /// the prober: its process is healthy, but its failures are no evidence about the cluster.
    Unclear,
}

impl Responsible {
    /// By the kind and the blame of a finding, as the pages write them; `None` if nobody is to blame.
    pub(super) fn for_finding(kind: &str, blame: &str) -> Option<Responsible> {
        match blame {
            "nobody" => None,
            "cluster" => Some(Responsible::Cluster),
            "prober" if kind != FindingKind::ProberNetwork.as_str() => Some(Responsible::Prober),
            _ => Some(Responsible::Unclear),
        }
    }
}

/// The exit code of `check` and `explain`: the cluster's fault goes first, then an unhealthy prober, then an unclear cause.
pub(super) fn exit_for(responsible: impl IntoIterator<Item = Responsible>) -> Exit {
    let found: Vec<Responsible> = responsible.into_iter().collect();
    match () {
        () if found.contains(&Responsible::Cluster) => Exit::Fail,
        () if found.contains(&Responsible::Prober) => Exit::Unhealthy,
        () if found.contains(&Responsible::Unclear) => Exit::Inconclusive,
        () => Exit::Pass,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_documented_ones() {
        let all = [Exit::Pass, Exit::Fail, Exit::Usage, Exit::Inconclusive, Exit::Unhealthy];
        assert_eq!(all.map(Exit::code), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn exit_code_is_that_of_the_worst_finding() {
        use Responsible::{Cluster, Prober, Unclear};
        let cases: [(&[Responsible], Exit); 6] = [
            (&[], Exit::Pass),
            (&[Unclear], Exit::Inconclusive),
            (&[Prober], Exit::Unhealthy),
            (&[Unclear, Prober], Exit::Unhealthy),
            (&[Prober, Cluster], Exit::Fail),
            (&[Cluster, Unclear], Exit::Fail),
        ];
        for (responsible, exit) in cases {
            assert_eq!(exit_for(responsible.iter().copied()), exit, "{responsible:?}");
        }
    }

    #[test]
    fn network_and_permissions_of_the_prober_leave_it_healthy() {
        let of = |kind: FindingKind, blame| Responsible::for_finding(kind.as_str(), blame);
        assert_eq!(of(FindingKind::ProberNetwork, "prober"), Some(Responsible::Unclear));
        assert_eq!(of(FindingKind::PermissionMissing, "unclear"), Some(Responsible::Unclear));
        assert_eq!(of(FindingKind::ProberStalled, "prober"), Some(Responsible::Prober));
        assert_eq!(of(FindingKind::BrokerDown, "cluster"), Some(Responsible::Cluster));
        assert_eq!(of(FindingKind::ReassignmentRunning, "nobody"), None);
    }
}
