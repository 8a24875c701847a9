//! What an incident is: faults, and the findings that the prober has to report for them.

use std::time::Duration;

use crate::cluster_kind::ClusterKind;
use crate::test_bed::TestBed;

/// Goal for naming an unresponsive broker: 2 s and one poll of the page.
pub(crate) const UNRESPONSIVE_GOAL: Duration = Duration::from_millis(2200);

/// Goal for findings that need a statistic over several answers.
pub(crate) const DEGRADED_GOAL: Duration = Duration::from_secs(10);

/// What is rightly found beside the brokers when so many are gone that partitions have fewer replicas in sync than they demand.
pub(crate) const WITHOUT_ENOUGH_REPLICAS: &[&str] =
    &["not_enough_replicas", "coordinator_failing", "coordinator_partition_failing"];

/// Names and values of environment variables.
pub(crate) type Settings = &'static [(&'static str, &'static str)];

/// Undoes the faults. It owns what keeps them in place.
pub(crate) type Undo = Box<dyn FnOnce(&mut TestBed<'_>)>;

/// One fault or several, and what the prober has to report.
pub(crate) struct Incident {
    /// Name on the command line and in the table.
    pub(crate) name: &'static str,
    /// Description in the table.
    pub(crate) description: &'static str,
    pub(crate) cluster_kind: ClusterKind,
    /// Settings of the prober that are not the default, as environment variables.
    pub(crate) settings: Settings,
    /// How long the faults are held, from the first one.
    pub(crate) duration: Duration,
    /// Injects the faults and returns how to undo them.
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
    /// Each of these findings, and no other except of the kinds `beside`, which name no broker. No finding begins as the faults
    /// end. While they last, `explain` exits with one of these codes.
    Each { findings: &'static [ExpectedFinding], beside: &'static [&'static str], explain: &'static [i32] },
    /// No finding at all, and at most `client_bad` bad events in the client view.
    Nothing { client_bad: u64 },
    /// The prober is at fault: no finding about the cluster, and no bad event. It may, or must, report itself by one of these
    /// kinds.
    Prober { kinds: &'static [&'static str], must_report: bool },
}

/// One of the findings of an incident.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExpectedFinding {
    /// It has one of these kinds, and may change from one to another.
    pub(crate) kinds: &'static [&'static str],
    pub(crate) about: About,
    /// The fault from which its time counts, by its place in the incident.
    pub(crate) fault: usize,
    /// `None`: at any time.
    pub(crate) within: Option<Duration>,
    /// Whether it must begin.
    pub(crate) is_required: bool,
    pub(crate) lasting: Lasting,
}

/// The brokers that a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// It names this victim, by its place among the victims.
    Victim(usize),
    /// It is about these victims together and names none of them.
    Together(&'static [usize]),
    /// It names no broker.
    Cluster,
}

/// How long a finding has to be active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasting {
    /// It only has to begin.
    Begins,
    /// From its begin until the faults are undone, without a gap.
    UntilUndone,
    /// It is active with a count of at least three episodes when the faults are undone.
    Recurs,
}

impl ExpectedFinding {
    /// A finding of one of these kinds, within this time of the first fault, that lasts until the faults are undone.
    pub(crate) const fn new(about: About, kinds: &'static [&'static str], within: Duration) -> ExpectedFinding {
        ExpectedFinding {
            kinds,
            about,
            fault: 0,
            within: Some(within),
            is_required: true,
            lasting: Lasting::UntilUndone,
        }
    }

    /// The same, with its time from another fault of the incident.
    pub(crate) const fn of_fault(self, fault: usize) -> ExpectedFinding {
        ExpectedFinding { fault, ..self }
    }

    pub(crate) const fn lasting(self, lasting: Lasting) -> ExpectedFinding {
        ExpectedFinding { lasting, ..self }
    }
}

impl Expect {
    /// The expected findings, one by one.
    pub(crate) fn findings(self) -> Vec<ExpectedFinding> {
        let begins = |about, kinds, within, is_required| ExpectedFinding {
            kinds,
            about,
            fault: 0,
            within,
            is_required,
            lasting: Lasting::Begins,
        };
        match self {
            Expect::Victim { kinds, within } => vec![begins(About::Victim(0), kinds, Some(within), true)],
            Expect::Cluster { kinds, within } => vec![begins(About::Cluster, kinds, Some(within), true)],
            Expect::Each { findings, .. } => findings.to_vec(),
            Expect::Prober { kinds: [], .. } | Expect::Nothing { .. } => Vec::new(),
            Expect::Prober { kinds, must_report } => vec![begins(About::Cluster, kinds, None, must_report)],
        }
    }

    /// Whether missing or refused answers alone show the faults, so that the prober needs no baseline.
    pub(crate) fn needs_no_baseline(self) -> bool {
        const KINDS: [&str; 7] = [
            "broker_stalled",
            "broker_frozen",
            "broker_down",
            "broker_unreachable",
            "broker_absent",
            "brokers_together",
            "cluster_unreachable",
        ];
        match self {
            Expect::Victim { .. } | Expect::Cluster { .. } | Expect::Each { .. } => {
                self.findings().iter().flat_map(|finding| finding.kinds).all(|kind| KINDS.contains(kind))
            }
            Expect::Nothing { .. } | Expect::Prober { .. } => false,
        }
    }
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
