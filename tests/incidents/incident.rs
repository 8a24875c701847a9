//! What an incident is: a fault, and the findings that the prober has to report for it.

use std::time::Duration;

use crate::cluster_kind::ClusterKind;
use crate::test_bed::TestBed;

/// Goal for naming an unresponsive broker: 2 s and one poll of the page.
pub(crate) const UNRESPONSIVE_GOAL: Duration = Duration::from_millis(2200);

/// Goal for findings that need a statistic over several answers.
pub(crate) const DEGRADED_GOAL: Duration = Duration::from_secs(10);

/// Undoes a fault. It owns what keeps the fault in place.
pub(crate) type Undo = Box<dyn FnOnce(&mut TestBed<'_>)>;

/// One fault, and what the prober has to report.
pub(crate) struct Incident {
    /// Name on the command line and in the table.
    pub(crate) name: &'static str,
    /// Description in the table.
    pub(crate) description: &'static str,
    pub(crate) cluster_kind: ClusterKind,
    /// How long the fault is held.
    pub(crate) duration: Duration,
    /// Injects the fault and returns how to undo it.
    pub(crate) inject: fn(&mut TestBed<'_>) -> Undo,
    pub(crate) expect: Expect,
}

/// The findings and events that are allowed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expect {
    /// A finding of one of these kinds names the victim, and none names another broker.
    Victim { kinds: &'static [&'static str], within: Duration },
    /// A finding of one of these kinds names no broker, and no other finding names one.
    Cluster { kinds: &'static [&'static str], within: Duration },
    /// No finding at all, and at most `client_bad` bad events in the client view.
    Nothing { client_bad: u64 },
    /// The prober is at fault: no finding about the cluster, and no bad event. It may, or must, report itself by one of these
    /// kinds.
    Prober { kinds: &'static [&'static str], must_report: bool },
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
