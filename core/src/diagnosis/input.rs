//! What a diagnosis is given: per broker what was heard, what is owed, and what a look at it brought. Evidence, no
//! opinion; everything as points on the prober's own clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::fault::Fault;
use crate::ids::{BrokerId, ClusterName, ConnectionRole, Probe};
use crate::tcp_state::TcpState;
use crate::time::Time;

use super::cells::Table;
use super::prober_health::ProberHealth;
use super::unresponsive;

/// A broker that has come back is cold: it loads classes, fills caches and catches up.
pub const SETTLED_AFTER: Duration = Duration::from_secs(15);

/// One cluster at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The moment.
    pub now: Time,
    /// The cluster.
    pub cluster: ClusterName,
    /// Its brokers, but for those that are none any more.
    pub brokers: Vec<BrokerEvidence>,
    /// The controller's bad answers in a row.
    pub controller: Option<Streak>,
    /// Partitions of the replicated lane whose leaders say that they refuse every record for want of replicas: how many, and
    /// since when the first of them has.
    pub under_min_isr: Option<(usize, Time)>,
    /// Acked records of the replicated lane that were lost so far: how many, when the first was, and the last.
    pub lost: Option<(u64, Time, Time)>,
    /// What each probe has lately seen of each broker, but for what another trouble explains.
    pub table: Arc<Table>,
    /// The partitions of the replicated lane, by the broker that each prefers.
    pub replicated: Arc<BTreeMap<BrokerId, ReplicaState>>,
    /// Brokers that throttle us by a quota: since when each has.
    pub throttled: BTreeMap<BrokerId, Time>,
    /// Brokers at which TLS or SASL is refused, by either side: since when, and with what.
    pub credentials_refused: BTreeMap<BrokerId, (Time, Fault)>,
    /// What the cluster does not permit us, each with what would help.
    pub missing_permissions: Vec<Arc<str>>,
    /// How long a broker that is well may be without an answer to anything, by what is asked of it.
    pub liveness_timeout: Duration,
    /// For how long the prober itself was stalled in the last [`STALLS_WITHIN`](super::prober::STALLS_WITHIN).
    pub stalled: Duration,
    /// The same, within the last minute.
    pub stalled_last_minute: Duration,
    /// What else is known of the prober.
    pub prober: ProberHealth,
}

/// Where a partition of the replicated lane is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaState {
    /// Who leads it now.
    pub leader: Option<BrokerId>,
    /// Whom a write with acks=all waits for.
    pub in_sync: Vec<BrokerId>,
}

/// One broker, as the prober hears it.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerEvidence {
    /// Which.
    pub id: BrokerId,
    /// In the newest metadata.
    pub listed: Option<MetadataListing>,
    /// When anything was last answered.
    pub last_answer: Option<Time>,
    /// Since when each connection with a request outstanding has been owed a byte.
    pub overdue: BTreeMap<ConnectionRole, Time>,
    /// What our kernel says of those that are silent, where it does.
    pub tcp_states: BTreeMap<ConnectionRole, TcpState>,
    /// Bad answers in a row, by direct probe and by probe of its coordinators.
    pub streaks: BTreeMap<Probe, Streak>,
    /// Looks in a row that were not answered well, the one under way among them; none since it last was.
    pub connect_checks: Option<ConnectChecks>,
}

/// Bad answers of one probe in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streak {
    /// How many.
    pub bad: u32,
    /// When the first of them was due.
    pub since: Time,
    /// Why the newest was bad.
    pub fault: Fault,
}

/// A broker that the metadata list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetadataListing {
    /// When the first of the answers in a row was asked for that list it.
    pub since: Time,
    /// When the newest was: it does not know of a trouble that began later.
    pub asked: Time,
}

/// Fresh connections that were opened outside the schedule because something was owed, and did not get to ApiVersions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConnectChecks {
    /// When the first of them was begun.
    pub began: Time,
    /// How many have ended.
    pub failed: u32,
    /// What ended the newest of those.
    pub fault: Option<Fault>,
    /// What the newest of them has in common with the first: nothing was answered, rather than refused.
    pub unanswered: bool,
    /// TCP was accepted in one of them: the machine is there. A process that hangs for long leaves its queue of accepted
    /// connections full, and then not even that is answered any more.
    pub tcp_accepted: bool,
}

impl Input {
    /// Whether a broker is there, has been for a while, and nothing else is wrong with it: its cells speak for themselves.
    pub fn is_settled(&self, broker: BrokerId) -> bool {
        self.brokers.iter().find(|seen| seen.id == broker).is_some_and(|seen| {
            let there = seen.listed.is_some_and(|listed| SETTLED_AFTER <= self.now.since(listed.since));
            // A look that was refused once may be the first sign of a process that has died.
            let refused = seen.connect_checks.is_some_and(|checks| !checks.unanswered);
            there && !refused && !unresponsive::is_unresponsive(seen, self.now)
        })
    }
}

impl BrokerEvidence {
    /// For how long each connection has been owed a byte, of those that have been for at least `least`.
    pub fn overdue_for(&self, now: Time, least: Duration) -> impl Iterator<Item = (ConnectionRole, Duration)> + '_ {
        let silences = self.overdue.iter().map(move |(role, since)| (*role, now.since(*since)));
        silences.filter(move |(_, length)| least <= *length)
    }

    /// Whether it answered anything within the last `within`.
    pub fn answered_within(&self, now: Time, within: Duration) -> bool {
        self.last_answer.is_some_and(|at| now.since(at) <= within)
    }

    /// Whether it may turn out to be in trouble, or is not there: others may fail because of it.
    pub fn is_in_doubt(&self) -> bool {
        !self.overdue.is_empty() || self.connect_checks.is_some() || self.listed.is_none()
    }

    /// For how long looks have been left unanswered, if they are.
    pub fn unanswered_for(&self, now: Time) -> Option<Duration> {
        self.connect_checks.filter(|checks| checks.unanswered).map(|checks| now.since(checks.began))
    }
}
