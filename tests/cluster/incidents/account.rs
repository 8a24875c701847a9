//! What came of an incident: who was named, how soon, for how long, and what else was said.

use std::time::{Duration, Instant};

use prober_core::finding::FindingKind;

use super::evidence::Moment;
use super::watch::Watch;
use super::{Expect, Incident};
use crate::support::FindingId;

/// A finding is to be over so soon after the fault; one that takes longer to be found, as what is asked for seldom, may take as
/// long to be over.
const CLEARED_GOAL: Duration = Duration::from_secs(10);

/// Kinds that speak of the prober itself.
const ABOUT_ITSELF: [&str; 4] = ["prober_stalled", "prober_starved", "prober_network", "duplicate_vantage"];

/// Whether findings of this kind blame the prober.
pub(super) fn is_about_itself(kind: &str) -> bool {
    ABOUT_ITSELF.contains(&kind)
}

/// What came of one incident.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) name: &'static str,

    /// Who was to be named, if a broker was.
    pub(super) victim: Option<i32>,
    pub(super) expected: Expect,
    /// What named the culprit first, and how long after the fault began.
    pub(super) named: Option<(FindingId, Duration)>,
    /// How long after its end the last finding was over; `None`: not within a minute.
    pub(super) cleared: Option<Duration>,
    /// Everything else that was found.
    pub(super) others: Vec<FindingId>,
    /// Whether anything stood at all.
    pub(super) found: bool,
    /// Bad events: of the victim in the broker view, of the others in it, and of the other views.
    pub(super) bad: Bad,
}

/// Bad events from before the fault to when all was calm again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Bad {
    pub(super) victim: u64,
    pub(super) others: u64,
    pub(super) client: u64,
    pub(super) coordinator: u64,
    pub(super) cluster: u64,
}

impl Bad {
    fn all(self) -> u64 {
        self.victim + self.others + self.client + self.coordinator + self.cluster
    }
}

impl Account {
    pub(super) fn of(
        incident: &Incident,
        victim: i32,
        watch: &Watch,
        began: Instant,
        cleared: Option<Duration>,
        before: &Moment,
        after: &Moment,
    ) -> Account {
        let victim = matches!(incident.expect, Expect::Victim { .. }).then_some(victim);
        let is_wanted = |finding: &FindingId| incident.expect.names(victim, finding);
        let named = watch.first(began, is_wanted).map(|(at, finding)| (finding, at.duration_since(began)));
        let mut others: Vec<FindingId> = watch.sights().into_iter().flat_map(|sight| sight.findings).collect();
        let found = !others.is_empty();
        others.retain(|finding| !is_wanted(finding));
        others.sort();
        others.dedup();
        Account {
            name: incident.name,
            victim,
            expected: incident.expect,
            named,
            cleared,
            others,
            found,
            bad: after.bad_since(before, victim),
        }
    }

    /// Everything that was not to be, with `patience` times the goals' time. Empty: as promised.
    pub(super) fn broken(&self, patience: u32) -> Vec<String> {
        let mut broken = Vec::new();
        let within = match self.expected {
            Expect::Victim { within, .. } | Expect::Cluster { within, .. } => Some(within * patience),
            Expect::Nothing { .. } | Expect::Prober { .. } => None,
        };
        match (&self.named, within) {
            (None, Some(_)) if !self.expected.is_known() => {}
            (None, Some(_)) => broken.push("nobody was named".to_owned()),
            (Some((_, took)), Some(within)) if within < *took => {
                broken.push(format!("named after {:.1} s, not {:.1} s", took.as_secs_f64(), within.as_secs_f64()));
            }
            _ => {}
        }
        let goal = within.unwrap_or_default().max(CLEARED_GOAL * patience);
        match self.cleared {
            _ if !self.found => {}
            None => broken.push("never over".to_owned()),
            Some(took) if goal < took => broken.push(format!("over after {:.1} s", took.as_secs_f64())),
            Some(_) => {}
        }
        let wrong: Vec<&FindingId> = self.wrong().collect();
        if !wrong.is_empty() {
            broken.push(format!("found {wrong:?}"));
        }
        match self.expected {
            Expect::Victim { .. } if 0 < self.bad.others => {
                broken.push(format!("{} bad events of other brokers in the broker view", self.bad.others));
            }
            Expect::Victim { .. } | Expect::Cluster { .. } => {}
            Expect::Nothing { client_bad } if self.bad.client <= client_bad => {}
            Expect::Nothing { .. } => broken.push(format!("{} bad events in the client view", self.bad.client)),
            Expect::Prober { .. } if self.bad.all() == 0 => {}
            Expect::Prober { .. } => broken.push(format!("bad events: {:?}", self.bad)),
        }
        broken
    }

    /// What should not have been found.
    pub(super) fn wrong(&self) -> impl Iterator<Item = &FindingId> {
        self.others.iter().filter(|finding| self.is_wrong(finding))
    }

    /// Whether a finding that was not the one looked for blames somebody who is well.
    pub(super) fn is_wrong(&self, (kind, broker): &FindingId) -> bool {
        let about_itself = is_about_itself(kind);
        match self.expected {
            Expect::Victim { .. } => broker.is_some() && *broker != self.victim,
            Expect::Cluster { .. } => broker.is_some(),
            Expect::Nothing { .. } => true,
            Expect::Prober { .. } => !about_itself,
        }
    }
}

impl Expect {
    /// Whether this prober has the first of the kinds, which is what the fault should be called.
    pub(super) fn is_known(self) -> bool {
        let (Expect::Victim { kinds, .. } | Expect::Cluster { kinds, .. } | Expect::Prober { kinds }) = self else {
            return true;
        };
        let known = |kind: &&&str| FindingKind::ALL.iter().any(|known| known.as_str() == **kind);
        kinds.first().is_none_or(|kind| known(&kind))
    }

    /// Whether it is told by silence or refusal alone, which needs no past to compare with.
    pub(super) fn is_of_silence(self) -> bool {
        const KINDS: [&str; 5] =
            ["broker_stalled", "broker_frozen", "broker_down", "broker_unreachable", "cluster_unreachable"];
        match self {
            Expect::Victim { kinds, .. } | Expect::Cluster { kinds, .. } => {
                kinds.iter().all(|kind| KINDS.contains(kind))
            }
            Expect::Nothing { .. } | Expect::Prober { .. } => false,
        }
    }

    /// Whether a finding is the one that is hoped for.
    fn names(self, victim: Option<i32>, (kind, broker): &FindingId) -> bool {
        let (kinds, of) = match self {
            Expect::Victim { kinds, .. } => (kinds, victim),
            Expect::Cluster { kinds, .. } | Expect::Prober { kinds } => (kinds, None),
            Expect::Nothing { .. } => return false,
        };
        *broker == of && kinds.contains(&kind.as_str())
    }
}
