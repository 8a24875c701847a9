//! Collects the evidence about one cluster, asks for connect checks of suspect brokers, and keeps the active findings.

mod broker;
mod probe_matrix;
mod stalls;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use prober_core::diagnosis::active_findings::ActiveFindings;
use prober_core::diagnosis::input::{BrokerEvidence, Input, MetadataListing, Streak};
use prober_core::diagnosis::prober::STALLS_WITHIN;
use prober_core::diagnosis::prober_health::ProberHealth;
use prober_core::event::Event;
use prober_core::fault::Fault;
use prober_core::finding::Finding;
use prober_core::ids::{BrokerId, ClusterName, Partition, Probe, Series, View};
use prober_core::time::Time;
use prober_core::topology::{TopicSeen, Topology};
use prober_probes::port::{self, OverdueConnection, ProbeInput};

use super::finding_log::FindingLog;
use broker::{BrokerTracker, continued};
use probe_matrix::ProbeMatrix;

pub(super) use stalls::{STALLS_KEPT_FOR, Stalls};

/// Minimum liveness time-out: the time within which a healthy broker answers something.
const LIVENESS_TIMEOUT_MIN: Duration = Duration::from_millis(500);

/// Time from the end of an event until it is counted, which is when it becomes evidence.
const SETTLING: Duration = Duration::from_millis(300);

/// Leaders of partitions under min ISR are asked every five seconds; twice that, and some time for the answer.
const REPEATED_WITHIN: Duration = Duration::from_secs(12);

/// The evidence about one cluster.
pub(super) struct Evidence {
    cluster: ClusterName,
    liveness_timeout: Duration,
    brokers: BTreeMap<BrokerId, BrokerTracker>,
    listed: BTreeMap<BrokerId, MetadataListing>,
    controller: Option<Streak>,
    /// Partitions of the replicated lane whose leaders refuse every record: since when, and when that was last reported.
    under_min_isr: BTreeMap<Partition, (Time, Time)>,
    lost: Option<(u64, Time, Time)>,
    probe_matrix: ProbeMatrix,
    active_findings: ActiveFindings,
    log: FindingLog,
}

/// What else is known at the moment of an evaluation.
pub(super) struct EvidenceContext<'a> {
    /// The brokers that the metadata of our topics have shown.
    pub(super) topology: &'a Topology,
    /// Decommissioned brokers.
    pub(super) decommissioned: &'a BTreeSet<BrokerId>,
    /// The prober's own stalls.
    pub(super) stalls: &'a Stalls,
    /// Acked records of the replicated lane that were lost so far.
    pub(super) lost: u64,
    /// Messages about missing permissions.
    pub(super) missing_permissions: Vec<Arc<str>>,
    /// The health of the prober itself.
    pub(super) prober: ProberHealth,
}

impl Evidence {
    /// No evidence yet. A healthy broker answers something every `interval`.
    pub(super) fn new(cluster: ClusterName, interval: Duration) -> Evidence {
        Evidence {
            cluster,
            liveness_timeout: LIVENESS_TIMEOUT_MIN.max(2 * interval + SETTLING),
            brokers: BTreeMap::new(),
            listed: BTreeMap::new(),
            controller: None,
            under_min_isr: BTreeMap::new(),
            lost: None,
            probe_matrix: ProbeMatrix::default(),
            active_findings: ActiveFindings::default(),
            log: FindingLog::default(),
        }
    }

    /// A connection became overdue, or is no longer.
    pub(super) fn silence(&mut self, silence: OverdueConnection) {
        let tracker = self.brokers.entry(silence.broker).or_default();
        match silence.since {
            Some(since) => tracker.overdue.insert(silence.role, since),
            None => tracker.overdue.remove(&silence.role),
        };
        match silence.tcp_state.filter(|_| silence.since.is_some()) {
            Some(tcp_state) => tracker.tcp_states.insert(silence.role, tcp_state),
            None => tracker.tcp_states.remove(&silence.role),
        };
    }

    /// An input of the direct probes.
    pub(super) fn on_input(&mut self, input: &ProbeInput) {
        match input {
            ProbeInput::Overdue(silence) => self.silence(*silence),
            ProbeInput::ConnectChecked { broker, at, fault } => {
                self.brokers.entry(*broker).or_default().on_connect_check(*at, *fault);
                self.probe_matrix.on_connect_check(*broker, *at, *fault);
            }
            ProbeInput::MetadataBrokers { asked, brokers } => {
                let before = std::mem::take(&mut self.listed);
                let since = |id: &BrokerId| before.get(id).map_or(*asked, |listed| listed.since);
                let listed = |id: &BrokerId| (*id, MetadataListing { since: since(id), asked: *asked });
                self.listed = brokers.iter().map(listed).collect();
            }
            _ => {}
        }
    }

    /// The leader of a partition of the replicated lane refuses every record with this fault, or no longer does.
    pub(super) fn refuses(&mut self, partition: Partition, at: Time, fault: Option<Fault>) {
        if fault.is_none() {
            self.under_min_isr.remove(&partition);
            return;
        }
        let since = self.under_min_isr.get(&partition).map_or(at, |(since, _)| *since);
        self.under_min_isr.insert(partition, (since, at));
    }

    /// The leaders and ISRs of the replicated lane.
    pub(super) fn topic(&mut self, topic: &TopicSeen) {
        self.probe_matrix.topic(topic);
    }

    /// An event was counted.
    pub(super) fn counted(&mut self, event: &Event) {
        let Series { cluster, view, probe, .. } = &event.series;
        if *cluster != self.cluster {
            return;
        }
        self.probe_matrix.on_event(event);
        match (view, event.broker.id()) {
            (View::Broker, Some(id)) => self.brokers.entry(id).or_default().counted(event),
            (View::Coordinator, Some(id)) => {
                let streaks = &mut self.brokers.entry(id).or_default().streaks;
                continued(event, streaks.remove(probe)).map(|streak| streaks.insert(*probe, streak));
            }
            (View::Cluster, _) => self.controller = continued(event, self.controller),
            _ => {}
        }
    }

    /// Begins the connect checks that are due, and evaluates the evidence by the rules of the diagnosis.
    pub(super) fn follow(&mut self, now: Time, context: EvidenceContext<'_>, client: &mut dyn port::ProbeClient) {
        let known = |id: &BrokerId| context.topology.brokers.contains_key(id) && !context.decommissioned.contains(id);
        self.brokers.retain(|id, _| known(id));
        for id in context.topology.brokers.keys().filter(|id| known(id)) {
            let tracker = self.brokers.entry(*id).or_default();
            if tracker.wants_connect_check(now) {
                tracker.begin_connect_check(now);
                client.connect_check(*id);
            }
        }
        // A leader that is no longer asked, or does not answer, is no evidence.
        self.under_min_isr.retain(|_, (_, last)| now.since(*last) < REPEATED_WITHIN);
        if self.lost.map_or(0, |(count, ..)| count) < context.lost {
            let first = self.lost.map_or(now, |(_, first, _)| first);
            self.lost = Some((context.lost, first, now));
        }
        let seen = self.seen();
        self.probe_matrix.follow(now, &seen);
        let input = self.input(now, seen, context);
        self.reset_coordinators(&input.brokers);
        self.active_findings.follow(&input);
        self.log.follow(&self.cluster, self.active_findings.findings());
    }

    /// Events that failed while a broker was away or in doubt are no evidence about the controller and coordinators, whose
    /// answers wait for other brokers. Their series begin again once all brokers are there.
    fn reset_coordinators(&mut self, brokers: &[BrokerEvidence]) {
        if brokers.iter().any(BrokerEvidence::is_in_doubt) {
            self.controller = None;
            for tracker in self.brokers.values_mut() {
                tracker.streaks.retain(|probe, _| *probe == Probe::Metadata);
            }
        }
    }

    /// Active findings.
    pub(super) fn findings(&self) -> impl Iterator<Item = Finding> + '_ {
        self.active_findings.findings().cloned()
    }

    fn seen(&self) -> Vec<BrokerEvidence> {
        let seen = |(id, tracker): (&BrokerId, &BrokerTracker)| BrokerEvidence {
            id: *id,
            listed: self.listed.get(id).copied(),
            last_answer: tracker.answered,
            overdue: tracker.overdue.clone(),
            tcp_states: tracker.tcp_states.clone(),
            streaks: tracker.streaks.clone(),
            connect_checks: tracker.connect_checks,
        };
        self.brokers.iter().map(seen).collect()
    }

    fn input(&self, now: Time, brokers: Vec<BrokerEvidence>, context: EvidenceContext<'_>) -> Input {
        Input {
            now,
            cluster: self.cluster.clone(),
            brokers,
            controller: self.controller,
            under_min_isr: self
                .under_min_isr
                .values()
                .map(|(since, _)| *since)
                .min()
                .map(|since| (self.under_min_isr.len(), since)),
            lost: self.lost,
            table: self.probe_matrix.table(),
            replicated: self.probe_matrix.replicated(),
            throttled: self.probe_matrix.throttled(),
            credentials_refused: self.probe_matrix.credentials_refused(),
            missing_permissions: context.missing_permissions,
            liveness_timeout: self.liveness_timeout,
            stalled: context.stalls.within(now, STALLS_WITHIN),
            stalled_last_minute: context.stalls.within(now, STALLS_KEPT_FOR),
            prober: context.prober,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prober_core::event::RawOutcome;
    use prober_core::ids::Subject;

    pub(super) fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    pub(super) fn event(due: u64, raw_outcome: RawOutcome) -> Event {
        told(View::Coordinator, Probe::Commit, due, raw_outcome)
    }

    /// An event of the broker view that ended at `ended`.
    pub(super) fn broker_event(probe: Probe, ended: u64, raw_outcome: RawOutcome) -> Event {
        Event { ended: at(ended), ..told(View::Broker, probe, ended, raw_outcome) }
    }

    fn told(view: View, probe: Probe, due: u64, raw_outcome: RawOutcome) -> Event {
        let broker = prober_core::ids::Broker::Id(BrokerId(2));
        let series = Series { cluster: ClusterName::new("c"), view, probe, subject: Subject::Broker(broker) };
        let limits = prober_core::event::Limits { deadline: Duration::from_secs(4), threshold: Duration::from_secs(1) };
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
        }
    }

    #[test]
    fn commits_that_fail_while_a_broker_is_away_do_not_accuse_their_coordinators() {
        let mut evidence = Evidence::new(ClusterName::new("c"), Duration::from_millis(200));
        let all = BTreeSet::from([BrokerId(1), BrokerId(2)]);
        evidence.brokers.insert(BrokerId(1), BrokerTracker::default());
        evidence.on_input(&ProbeInput::MetadataBrokers { asked: at(0), brokers: all });
        evidence.counted(&event(1000, RawOutcome::TimedOut));
        let seen = evidence.seen();
        evidence.reset_coordinators(&seen);
        assert_eq!(evidence.brokers[&BrokerId(2)].streaks[&Probe::Commit].bad, 1);
        evidence.on_input(&ProbeInput::MetadataBrokers { asked: at(5000), brokers: BTreeSet::from([BrokerId(2)]) });
        let seen = evidence.seen();
        evidence.reset_coordinators(&seen);
        assert!(evidence.brokers[&BrokerId(2)].streaks.is_empty());
    }
}
