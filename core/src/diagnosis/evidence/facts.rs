//! What the rules are given: for one cluster at one moment the evidence about each broker, the controller, the replicated
//! lane and the prober. Facts without opinion; every time is a point on the prober's own monotonic clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::coordinator::InternalPartition;
use crate::diagnosis::thresholds::{cluster, liveness};
use crate::fault::{Blame, Fault};
use crate::ids::{BrokerId, ClusterName, ConnectionRole, Probe};
use crate::observed::registration::Registration;
use crate::tcp_state::TcpState;
use crate::time::Time;
use crate::topology::PartitionSeen;

use super::cells::Table;
use super::prober::ProberEvidence;

/// The evidence about one cluster at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The moment.
    pub now: Time,
    /// The cluster.
    pub cluster: ClusterName,
    /// Its brokers, without the decommissioned ones.
    pub brokers: Vec<BrokerEvidence>,
    /// When the first metadata response was requested; `None` while none has come.
    pub first_metadata: Option<Time>,
    /// Whether brokers joined, left, failed or recovered just now, so that answers which wait for several brokers are late.
    pub is_churning: bool,
    /// Failures of the `controller` probe in a row.
    pub controller: Option<Streak>,
    /// Partitions of the replicated lane whose leaders refuse every record with NOT_ENOUGH_REPLICAS.
    pub under_min_isr: Vec<UnderMinIsr>,
    /// Acked records of the replicated lane that were lost so far: how many, when the first loss was found, and when the last.
    pub lost: Option<(u64, Time, Time)>,
    /// Windowed statistics of each probe at each broker, without latencies that another failure explains.
    pub table: Arc<Table>,
    /// Leader and in-sync replicas of the replicated lane's partitions, by the broker that each prefers.
    pub replicated: Arc<BTreeMap<BrokerId, ReplicaState>>,
    /// The partitions of the internal topics: leader, replicas, and how the attempts at each have ended.
    pub coordinators: Arc<BTreeMap<InternalPartition, CoordinatorEvidence>>,
    /// Brokers that no other broker follows, although the same brokers follow others; also for a moment after that.
    pub cut_off: Arc<BTreeMap<BrokerId, PeersCutOff>>,
    /// Brokers that throttle the prober by a quota (KIP-219), and since when.
    pub throttled: BTreeMap<BrokerId, Time>,
    /// Brokers at which TLS or SASL fails.
    pub credentials_refused: BTreeMap<BrokerId, CredentialsRefused>,
    /// Permissions that the prober lacks, one sentence each, with the grant that would help.
    pub missing_permissions: Vec<Arc<str>>,
    /// Longest time between two answers of a healthy broker, derived from the probe intervals.
    pub liveness_timeout: Duration,
    /// Time that the prober itself was stalled in the last [`STALLS_WITHIN`](super::super::thresholds::prober_health::STALLS_WITHIN).
    pub stalled: Duration,
    /// Time that the prober itself was stalled in the last minute.
    pub stalled_last_minute: Duration,
    /// CPU, memory, descriptors, ports and controls of the prober.
    pub prober: ProberEvidence,
}

/// Leader and replicas of one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaState {
    /// The current leader.
    pub leader: Option<BrokerId>,
    /// The replicas, preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// The in-sync replicas: a write with acks=all waits for all of them.
    pub in_sync: Vec<BrokerId>,
}

impl From<&PartitionSeen> for ReplicaState {
    fn from(seen: &PartitionSeen) -> ReplicaState {
        ReplicaState { leader: seen.leader, replicas: seen.replicas.clone(), in_sync: seen.in_sync.clone() }
    }
}

impl ReplicaState {
    /// The brokers that a write with acks=all waits for. The leader may come twice: it is in sync, too.
    pub fn waited_for(&self) -> impl Iterator<Item = BrokerId> + '_ {
        self.leader.iter().chain(&self.in_sync).copied()
    }
}

/// A partition with fewer in-sync replicas than `min.insync.replicas`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnderMinIsr {
    /// The leader that refuses its records, by the newest metadata.
    pub leader: Option<BrokerId>,
    /// Since when.
    pub since: Time,
}

/// No replica at another broker is in sync in the partitions that a broker leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeersCutOff {
    /// When the metadata that first showed it were taken in.
    pub since: Time,
    /// How many partitions it leads that others have replicas of, in the topics that are watched.
    pub partitions: usize,
    /// Brokers of those replicas that are in sync where other brokers lead, and once were where this one does.
    pub peers: BTreeSet<BrokerId>,
    /// When the metadata that no longer showed it were taken in.
    pub ended: Option<Time>,
}

/// What is known about one partition of an internal topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CoordinatorEvidence {
    /// Leader and replicas by the newest metadata.
    pub replicas: ReplicaState,
    /// When the metadata were requested that first showed these: older failures may be those of another leader or replica.
    pub changed: Time,
    /// When something else last explained that it fails: a broker that it waits for is in doubt, or brokers come and go.
    pub explained: Option<Time>,
    /// Failures in a row; `None` after a success.
    pub row: Option<PartitionFailures>,
    /// When the newest successful attempt ended.
    pub last_good: Option<Time>,
    /// When the newest failed attempt was due.
    pub last_bad: Option<Time>,
}

/// Failures of one partition's coordinator in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionFailures {
    /// How many, since when, and the newest fault.
    pub streak: Streak,
    /// The broker that was asked most recently.
    pub broker: BrokerId,
    /// When the newest of them was due.
    pub newest: Time,
    /// Whether another partition of that broker succeeded between two of them.
    pub is_contrasted: bool,
}

impl CoordinatorEvidence {
    /// Whether something else explains the newest failure.
    pub fn is_explained(&self) -> bool {
        self.row.zip(self.explained).is_some_and(|(row, explained)| row.newest < explained)
    }

    /// Its failures in a row, if they are enough and nothing else explains them: the newest came after every explanation, from the
    /// leader that it has now.
    fn unexplained(&self) -> Option<PartitionFailures> {
        self.row.filter(|row| {
            let is_enough =
                cluster::PARTITION_FAILURES_MIN.get() <= row.streak.bad && row.streak.fault.blame() == Blame::Cluster;
            is_enough
                && self.changed <= row.newest
                && !self.is_explained()
                && self.replicas.leader.is_none_or(|leader| leader == row.broker)
        })
    }
}

/// The evidence about the other partitions of a topic that a broker leads.
pub fn others_at(
    coordinators: &BTreeMap<InternalPartition, CoordinatorEvidence>,
    id: InternalPartition,
    broker: BrokerId,
) -> impl Iterator<Item = &CoordinatorEvidence> {
    let others = coordinators.iter().filter(move |(other, _)| other.topic == id.topic && **other != id);
    others.map(|(_, evidence)| evidence).filter(move |evidence| evidence.replicas.leader == Some(broker))
}

/// The failures of a partition that fails by itself: other partitions of its broker succeeded in between, or at least none has failed.
pub fn failing_alone(
    coordinators: &BTreeMap<InternalPartition, CoordinatorEvidence>,
    id: InternalPartition,
) -> Option<PartitionFailures> {
    let row = coordinators.get(&id)?.unexplained()?;
    let has_failed = |evidence: &CoordinatorEvidence| evidence.last_bad.is_some_and(|bad| row.streak.since <= bad);
    let is_alone = row.is_contrasted || !others_at(coordinators, id, row.broker).any(has_failed);
    is_alone.then_some(row)
}

/// What is known about one broker.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerEvidence {
    /// Its id.
    pub id: BrokerId,
    /// Its listing in the newest metadata; `None` if it is absent.
    pub listed: Option<MetadataListing>,
    /// When the newest metadata that listed it were requested; `None` if none ever did.
    pub last_listed: Option<Time>,
    /// Its registration at the controllers, as far as it is known.
    pub registration: Registration,
    /// When it last answered any request.
    pub last_answer: Option<Time>,
    /// Pooled connections with a request outstanding, and since when nothing has been received on each.
    pub overdue: BTreeMap<ConnectionRole, Time>,
    /// Kernel view of the overdue connections, where it is available (Linux).
    pub tcp_states: BTreeMap<ConnectionRole, TcpState>,
    /// Failures in a row, by direct probe and by probe of the broker's coordinators.
    pub streaks: BTreeMap<Probe, Streak>,
    /// Connect checks in a row that failed, the one in progress included; `None` once one succeeds.
    pub connect_checks: Option<ConnectChecks>,
}

/// Failures of one probe in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streak {
    /// How many.
    pub bad: u32,
    /// When the first of them was due.
    pub since: Time,
    /// Fault of the newest.
    pub fault: Fault,
}

/// TLS or SASL fails on fresh connections to a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialsRefused {
    /// When it first failed.
    pub since: Time,
    /// Fault of the newest failure.
    pub fault: Fault,
    /// Whether it failed again after another broker had accepted a fresh connection: only then is the difference between the two
    /// brokers known. The prober's own credentials fail at one broker after the other, as each is tried.
    pub is_contrasted: bool,
}

/// Listing of a broker in the metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetadataListing {
    /// When the first of the consecutive responses that list it was requested.
    pub since: Time,
    /// When the newest response was requested: it cannot show a failure that began later.
    pub asked: Time,
}

/// Connect checks in a row that did not get to ApiVersions. A connect check is a fresh connection outside the schedule, opened
/// because the broker is overdue or refuses connections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConnectChecks {
    /// When the first of them began.
    pub began: Time,
    /// How many have ended.
    pub failed: u32,
    /// Fault of the newest that has ended.
    pub fault: Option<Fault>,
    /// Whether they were left unanswered rather than refused; a check of the other kind starts a new row.
    pub unanswered: bool,
    /// Whether TCP was accepted in one of them, so that the host is up. A process that hangs for long leaves its accept queue
    /// full, and later checks are not even accepted.
    pub tcp_accepted: bool,
}

impl BrokerEvidence {
    /// A broker of which nothing is known yet.
    #[cfg(test)]
    pub(super) fn unknown(id: BrokerId) -> BrokerEvidence {
        BrokerEvidence {
            id,
            listed: None,
            last_listed: None,
            registration: Registration::default(),
            last_answer: None,
            overdue: BTreeMap::new(),
            tcp_states: BTreeMap::new(),
            streaks: BTreeMap::new(),
            connect_checks: None,
        }
    }

    /// The connections that have been overdue for at least `least`, each with its time.
    pub fn overdue_for(&self, now: Time, least: Duration) -> impl Iterator<Item = (ConnectionRole, Duration)> + '_ {
        let overdue = self.overdue.iter().map(move |(role, since)| (*role, now.since(*since)));
        overdue.filter(move |(_, length)| least <= *length)
    }

    /// Whether it answered any request within the last `within`.
    pub fn answered_within(&self, now: Time, within: Duration) -> bool {
        self.last_answer.is_some_and(|at| now.since(at) <= within)
    }

    /// Whether it may be failing or is absent, so that failures elsewhere may be its consequence.
    pub fn is_in_doubt(&self) -> bool {
        !self.overdue.is_empty() || self.connect_checks.is_some() || self.listed.is_none()
    }

    /// For how long connect checks have been unanswered, if they are.
    pub fn unanswered_for(&self, now: Time) -> Option<Duration> {
        self.connect_checks.filter(|checks| checks.unanswered).map(|checks| now.since(checks.began))
    }

    /// Whether enough pooled connections and a fresh one are unanswered.
    pub fn is_unresponsive(&self, now: Time) -> bool {
        liveness::CONNECTIONS_MIN.get() <= self.overdue_for(now, liveness::OVERDUE_FOR.get()).count()
            && self.unanswered_for(now).is_some_and(|unanswered| liveness::CHECK_UNANSWERED_FOR.get() <= unanswered)
    }

    /// Whether it has stopped answering or refuses connections.
    pub fn is_failing(&self, now: Time) -> bool {
        self.is_unresponsive(now) || self.is_refusing(now)
    }

    /// Whether fresh connections to it are refused.
    pub fn is_refusing(&self, now: Time) -> bool {
        let is_long = |checks: &ConnectChecks| liveness::REFUSED_FOR.get() <= now.since(checks.began);
        self.refused_checks().is_some_and(|checks| liveness::CHECKS_MIN.get() <= checks.failed && is_long(&checks))
    }

    /// The connect checks in a row, if they were refused rather than left unanswered.
    pub fn refused_checks(&self) -> Option<ConnectChecks> {
        let is_refusal = |fault| matches!(fault, Fault::ConnectionRefused | Fault::ConnectionReset);
        self.connect_checks.filter(|checks| !checks.unanswered && checks.fault.is_some_and(is_refusal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    /// A broker two of whose connections are overdue since the origin, with a connect check that began at `began`.
    fn broker(began: u64, failed: u32, fault: Option<Fault>) -> BrokerEvidence {
        let unanswered = fault.is_none_or(Fault::is_unanswered);
        let checks = ConnectChecks { began: at(began), failed, fault, unanswered, tcp_accepted: false };
        BrokerEvidence {
            overdue: [ConnectionRole::Produce, ConnectionRole::Control].map(|role| (role, at(0))).into(),
            connect_checks: Some(checks),
            ..BrokerEvidence::unknown(BrokerId(2))
        }
    }

    #[test]
    fn fresh_connection_must_be_unanswered_for_a_second() {
        let is_unresponsive = |now| broker(4000, 0, None).is_unresponsive(at(now));
        assert_eq!([4900, 5000].map(is_unresponsive), [false, true]);
    }

    #[test]
    fn two_checks_must_be_refused_and_over_a_second() {
        let is_refusing = |failed, now| broker(4000, failed, Some(Fault::ConnectionRefused)).is_refusing(at(now));
        assert_eq!([is_refusing(1, 9000), is_refusing(2, 4900), is_refusing(2, 5000)], [false, false, true]);
    }
}
