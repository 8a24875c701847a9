//! The evidence about one cluster: takes in what was seen, says which brokers need a connect check, and keeps the active
//! findings.
//!
//! | file | holds |
//! | --- | --- |
//! | [`facts`], [`prober`] | what the rules are given at one moment: about the cluster, and about the prober itself |
//! | [`broker_tracker`] | one broker: last answer, overdue connections, connect checks, failures in a row |
//! | [`probe_matrix`], [`cells`] | the outcomes of each probe at each broker: what is slow, and what fails |
//! | [`single_connection_stalls`] | connections that stall while others to the same broker are answered |
//! | [`coordinators`] | the partitions of the internal topics: leader, replicas, failures in a row |
//! | [`peer_isolation`] | brokers that no other broker follows |
//! | [`churn_cooldown`] | when latencies count: not just after brokers joined, left, failed or recovered |
//! | [`stalls`], [`vitals_history`] | the prober's own stalls, resources and controls of the last minute |

mod broker_tracker;
pub mod cells;
pub mod churn_cooldown;
mod coordinators;
pub mod facts;
mod peer_isolation;
mod probe_matrix;
pub mod prober;
pub mod single_connection_stalls;
mod stalls;
mod vitals_history;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::diagnosis::thresholds::{cluster, liveness, prober_health};
use crate::event::Event;
use crate::fault::Fault;
use crate::finding::Finding;
use crate::ids::{BrokerId, ClusterName, Partition, Probe, Series, View};
use crate::observed::registration::Registrations;
use crate::time::{Time, nanoseconds};

use super::input::{Input, OverdueConnection};
use super::lifecycle::ActiveFindings;
use super::rules::duplicate_vantage::{self, DuplicateVantage};
use super::rules::patterns::Patterns;
use broker_tracker::{BrokerTracker, continued};
use coordinators::Coordinators;
use facts::{BrokerEvidence, Facts, MetadataListing, Streak, UnderMinIsr};
use peer_isolation::{PeerIsolation, WatchedTopic};
use probe_matrix::ProbeMatrix;
use stalls::Stalls;
use vitals_history::VitalsHistory;

/// What the evidence of a cluster depends on besides its inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The cluster.
    pub cluster: ClusterName,
    /// Interval at which a healthy broker answers at least one request.
    #[serde(with = "nanoseconds")]
    pub answer_interval: Duration,
    /// Whether connect checks can be carried out. Without them no broker is found to be unresponsive or down.
    pub has_connect_checks: bool,
    /// Address of the reference control, if there is one.
    pub reference: Option<Arc<str>>,
}

/// The evidence about one cluster.
#[derive(Debug)]
pub struct Evidence {
    cluster: ClusterName,
    liveness_timeout: Duration,
    has_connect_checks: bool,
    /// Brokers that are probed, without the decommissioned ones.
    known: BTreeSet<BrokerId>,
    brokers: BTreeMap<BrokerId, BrokerTracker>,
    listed: BTreeMap<BrokerId, MetadataListing>,
    /// When the newest metadata that listed a broker were requested.
    last_listed: BTreeMap<BrokerId, Time>,
    first_metadata: Option<Time>,
    registrations: Option<Arc<Registrations>>,
    controller: Option<Streak>,
    coordinators: Coordinators,
    peer_isolation: PeerIsolation,
    /// Partitions of the replicated lane whose leaders refuse every record: since when, and when that was last reported.
    under_min_isr: BTreeMap<Partition, (Time, Time)>,
    /// Acked records that were lost: how many, when the first loss was found, and when the last.
    lost: Option<(u64, Time, Time)>,
    missing_permissions: Vec<Arc<str>>,
    duplicate: DuplicateVantage,
    probe_matrix: ProbeMatrix,
    stalls: Stalls,
    vitals: VitalsHistory,
    active_findings: ActiveFindings,
    patterns: Patterns,
}

/// The result of one evaluation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// The active findings: first those that rest on probes, then those that rest on observation.
    pub findings: Vec<Finding>,
    /// Brokers to which a fresh connection is to be opened now, outside the schedule. The result is an
    /// [`Input::ConnectChecked`].
    pub connect_checks: Vec<BrokerId>,
}

impl Evidence {
    /// No evidence yet.
    pub fn new(settings: Settings) -> Evidence {
        Evidence {
            cluster: settings.cluster,
            liveness_timeout: liveness::LIVENESS_TIMEOUT_MIN
                .get()
                .max(2 * settings.answer_interval + liveness::SETTLING.get()),
            has_connect_checks: settings.has_connect_checks,
            known: BTreeSet::new(),
            brokers: BTreeMap::new(),
            listed: BTreeMap::new(),
            last_listed: BTreeMap::new(),
            first_metadata: None,
            registrations: None,
            controller: None,
            coordinators: Coordinators::default(),
            peer_isolation: PeerIsolation::default(),
            under_min_isr: BTreeMap::new(),
            lost: None,
            missing_permissions: Vec::new(),
            duplicate: DuplicateVantage::default(),
            probe_matrix: ProbeMatrix::default(),
            stalls: Stalls::default(),
            vitals: VitalsHistory::new(settings.reference),
            active_findings: ActiveFindings::default(),
            patterns: Patterns::default(),
        }
    }

    /// Takes one input in.
    pub fn observe(&mut self, input: &Input) {
        match input {
            Input::Event(event) => self.on_event(event),
            Input::Overdue(connection) => self.on_overdue(*connection),
            Input::ConnectChecked { broker, at, fault } => self.on_connect_check(*broker, *at, *fault),
            Input::MetadataBrokers { asked, brokers } => self.on_metadata(*asked, brokers),
            Input::Brokers(brokers) => self.known.clone_from(brokers),
            Input::Refuses { partition, at, fault } => self.on_refusal(*partition, *at, *fault),
            Input::Topic(topic) => {
                self.probe_matrix.topic(topic);
                self.peer_isolation.on_topic(WatchedTopic::Monitor, topic);
            }
            Input::InternalTopic { topic, asked, seen } => {
                self.coordinators.on_topic(*topic, *asked, seen);
                self.peer_isolation.on_topic(WatchedTopic::Internal(*topic), seen);
            }
            Input::Lost { count, at } => {
                let first = self.lost.map_or(*at, |(_, first, _)| first);
                self.lost = Some((*count, first, *at));
            }
            Input::MissingPermissions(messages) => self.missing_permissions.clone_from(messages),
            Input::DuplicateVantage { at, evidence } => self.duplicate.observe(*at, evidence),
            Input::Observed { at, observed } => {
                self.registrations.clone_from(&observed.registrations);
                self.patterns.follow(observed, *at);
            }
            Input::Stall(stall) => self.stalls.add(*stall),
            Input::Readings(readings) => self.vitals.on_readings(*readings),
            Input::Resumed { at, length } => self.vitals.on_resume(*at, *length),
            Input::Control { control, asked, has_answered } => {
                self.vitals.on_control(*control, *asked, *has_answered);
            }
            Input::ResourceShortage(at) => self.vitals.on_resource_shortage(*at),
        }
    }

    /// Evaluates the evidence at `now`, which is not before any input.
    pub fn evaluate(&mut self, now: Time) -> Evaluation {
        let connect_checks = self.begin_connect_checks(now);
        // A leader that is no longer asked, or does not answer, is no evidence.
        self.under_min_isr.retain(|_, (_, last)| now.since(*last) < cluster::REFUSAL_REPEATED_WITHIN.get());
        let brokers = self.broker_evidence(now);
        let is_churning = self.probe_matrix.follow(now, &brokers, self.liveness_timeout);
        self.peer_isolation.follow(now, &brokers, is_churning);
        self.coordinators.follow(now, &brokers, &self.peer_isolation.at_present(), is_churning);
        let facts = self.facts(now, brokers, is_churning);
        if is_churning {
            self.reset_coordinators();
        }
        self.active_findings.follow(&facts);
        let of_probes = self.active_findings.findings().cloned();
        let duplicate = duplicate_vantage::find(&self.cluster, &self.duplicate, now);
        let findings = of_probes.chain(duplicate).chain(self.patterns.findings().cloned()).collect();
        Evaluation { findings, connect_checks }
    }

    /// The usual latency of a broker, once it is known. Without it a broker is slow only by the thresholds of its probes, and one that
    /// was slow from the beginning is as slow as usual.
    pub fn baseline(&self, broker: BrokerId) -> Option<Duration> {
        self.probe_matrix.baseline(broker)
    }

    fn on_event(&mut self, event: &Event) {
        let Series { view, probe, .. } = &event.series;
        self.probe_matrix.on_event(event);
        match (view, event.broker.id()) {
            (View::Broker, Some(id)) => self.brokers.entry(id).or_default().counted(event),
            (View::Coordinator, Some(id)) => {
                let streaks = &mut self.brokers.entry(id).or_default().streaks;
                continued(event, streaks.remove(probe)).map(|streak| streaks.insert(*probe, streak));
                self.coordinators.on_event(event);
            }
            (View::Cluster, _) => self.controller = continued(event, self.controller),
            _ => {}
        }
    }

    fn on_overdue(&mut self, connection: OverdueConnection) {
        let tracker = self.brokers.entry(connection.broker).or_default();
        match connection.since {
            Some(since) => tracker.overdue.insert(connection.role, since),
            None => tracker.overdue.remove(&connection.role),
        };
        match connection.tcp_state.filter(|_| connection.since.is_some()) {
            Some(tcp_state) => tracker.tcp_states.insert(connection.role, tcp_state),
            None => tracker.tcp_states.remove(&connection.role),
        };
    }

    fn on_connect_check(&mut self, broker: BrokerId, at: Time, fault: Option<Fault>) {
        self.brokers.entry(broker).or_default().on_connect_check(at, fault);
        self.probe_matrix.on_connect_check(broker, at, fault);
    }

    fn on_metadata(&mut self, asked: Time, brokers: &BTreeSet<BrokerId>) {
        let before = std::mem::take(&mut self.listed);
        let since = |id: &BrokerId| before.get(id).map_or(asked, |listed| listed.since);
        self.listed = brokers.iter().map(|id| (*id, MetadataListing { since: since(id), asked })).collect();
        self.last_listed.extend(brokers.iter().map(|id| (*id, asked)));
        self.first_metadata.get_or_insert(asked);
    }

    fn on_refusal(&mut self, partition: Partition, at: Time, fault: Option<Fault>) {
        if fault.is_none() {
            self.under_min_isr.remove(&partition);
            return;
        }
        let since = self.under_min_isr.get(&partition).map_or(at, |(since, _)| *since);
        self.under_min_isr.insert(partition, (since, at));
    }

    fn begin_connect_checks(&mut self, now: Time) -> Vec<BrokerId> {
        let known = &self.known;
        self.brokers.retain(|id, _| known.contains(id));
        self.last_listed.retain(|id, _| known.contains(id));
        let mut wanted = Vec::new();
        for id in known {
            let tracker = self.brokers.entry(*id).or_default();
            if self.has_connect_checks && tracker.wants_connect_check(now) {
                tracker.begin_connect_check(now);
                wanted.push(*id);
            }
        }
        wanted
    }

    /// Commits, transactions and controller requests wait for other brokers: those that fail while brokers come, go, fail or recover
    /// are explained by that. Their series begin again afterwards, also if a broker stays away.
    fn reset_coordinators(&mut self) {
        self.controller = None;
        for tracker in self.brokers.values_mut() {
            tracker.streaks.retain(|probe, _| *probe == Probe::Metadata);
        }
    }

    fn broker_evidence(&self, now: Time) -> Vec<BrokerEvidence> {
        let registration = |id| self.registrations.as_ref().map(|answer| answer.of(id, now)).unwrap_or_default();
        let evidence = |(id, tracker): (&BrokerId, &BrokerTracker)| BrokerEvidence {
            id: *id,
            listed: self.listed.get(id).copied(),
            last_listed: self.last_listed.get(id).copied(),
            registration: registration(*id),
            last_answer: tracker.answered,
            overdue: tracker.overdue.clone(),
            tcp_states: tracker.tcp_states.clone(),
            streaks: tracker.streaks.clone(),
            connect_checks: tracker.connect_checks,
        };
        self.brokers.iter().map(evidence).collect()
    }

    fn facts(&self, now: Time, brokers: Vec<BrokerEvidence>, is_churning: bool) -> Facts {
        let under_min_isr = |(partition, (since, _)): (&Partition, &(Time, Time))| UnderMinIsr {
            leader: self.peer_isolation.leader(*partition),
            since: *since,
        };
        Facts {
            now,
            cluster: self.cluster.clone(),
            brokers,
            first_metadata: self.first_metadata,
            is_churning,
            controller: self.controller,
            under_min_isr: self.under_min_isr.iter().map(under_min_isr).collect(),
            lost: self.lost,
            table: self.probe_matrix.table(),
            replicated: self.probe_matrix.replicated(),
            coordinators: self.coordinators.at_present(),
            cut_off: self.peer_isolation.at_present(),
            throttled: self.probe_matrix.throttled(),
            credentials_refused: self.probe_matrix.credentials_refused(),
            missing_permissions: self.missing_permissions.clone(),
            liveness_timeout: self.liveness_timeout,
            stalled: self.stalls.within(now, prober_health::STALLS_WITHIN.get()),
            stalled_last_minute: self.stalls.within(now, prober_health::SUMMED_OVER.get()),
            prober: self.vitals.at(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::RawOutcome;
    use crate::ids::Subject;

    pub(super) fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    pub(super) fn event(due: u64, raw_outcome: RawOutcome) -> Event {
        direct_event(View::Coordinator, Probe::Commit, due, raw_outcome)
    }

    /// An event of the broker view that ended at `ended`.
    pub(super) fn broker_event(probe: Probe, ended: u64, raw_outcome: RawOutcome) -> Event {
        Event { ended: at(ended), ..direct_event(View::Broker, probe, ended, raw_outcome) }
    }

    fn direct_event(view: View, probe: Probe, due: u64, raw_outcome: RawOutcome) -> Event {
        let broker = crate::ids::Broker::Id(BrokerId(2));
        let series = Series { cluster: ClusterName::new("c"), view, probe, subject: Subject::Broker(broker) };
        let limits = crate::event::Limits { deadline: Duration::from_secs(4), threshold: Duration::from_secs(1) };
        let (due, stalled) = (at(due), Duration::ZERO);
        Event {
            series,
            broker,
            limits,
            due,
            sent: Some(due),
            ended: due + Duration::from_secs(4),
            raw_outcome,
            stalled,
            internal_partition: None,
        }
    }

    fn evidence(answer_interval: Duration) -> Evidence {
        let cluster = ClusterName::new("c");
        Evidence::new(Settings { cluster, answer_interval, has_connect_checks: true, reference: None })
    }

    fn kinds(evidence: &mut Evidence, second: u64) -> Vec<&'static str> {
        let findings = evidence.evaluate(at(1000 * second)).findings;
        findings.iter().map(|finding| finding.kind.as_str()).collect()
    }

    #[test]
    fn liveness_timeout_is_two_intervals_and_the_time_until_they_count_and_half_a_second_at_least() {
        let timeout = |millis| evidence(Duration::from_millis(millis)).liveness_timeout.as_millis();
        assert_eq!([10, 200, 5000].map(timeout), [500, 700, 10_300]);
    }

    #[test]
    fn refusal_that_its_leader_does_not_repeat_ends() {
        let mut evidence = evidence(Duration::from_millis(200));
        let fault = Some(Fault::Kafka(crate::kafka_error::KafkaError::NOT_ENOUGH_REPLICAS));
        evidence.observe(&Input::Refuses { partition: Partition(0), at: at(0), fault });
        assert_eq!([1, 11, 16].map(|second| kinds(&mut evidence, second).len()), [1, 1, 0]);
    }

    #[test]
    fn loss_of_records_is_reported_for_an_hour() {
        let mut evidence = evidence(Duration::from_millis(200));
        evidence.observe(&Input::Lost { count: 3, at: at(0) });
        let at_minute = |minute: u64| kinds(&mut evidence, 60 * minute).len();
        assert_eq!([1, 50, 61].map(at_minute), [1, 1, 0]);
    }
}
