//! The evidence about one cluster, as it comes in; looks at suspects; and which findings stand.

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

/// What a well broker may take at least from one answer to the next.
const LIVENESS_TIMEOUT_MIN: Duration = Duration::from_millis(500);

/// An event settles for so long before it is heard of here.
const SETTLING: Duration = Duration::from_millis(300);

/// Leaders of what is short are asked every five seconds.
const REPEATED_WITHIN: Duration = Duration::from_secs(12);

/// What is known of one cluster.
pub(super) struct Evidence {
    cluster: ClusterName,
    liveness_timeout: Duration,
    brokers: BTreeMap<BrokerId, BrokerTracker>,
    listed: BTreeMap<BrokerId, MetadataListing>,
    controller: Option<Streak>,
    /// Partitions of the replicated lane whose leaders refuse every record: since when, and when that was last said.
    under_min_isr: BTreeMap<Partition, (Time, Time)>,
    lost: Option<(u64, Time, Time)>,
    probe_matrix: ProbeMatrix,
    active_findings: ActiveFindings,
    log: FindingLog,
}

/// What else is known at a moment, and by whom brokers can be looked at.
pub(super) struct EvidenceContext<'a> {
    /// The brokers that the metadata of our topics have shown.
    pub(super) topology: &'a Topology,
    /// Those that are none any more.
    pub(super) decommissioned: &'a BTreeSet<BrokerId>,
    /// The prober's own stalls.
    pub(super) stalls: &'a Stalls,
    /// Acked records of the replicated lane that were lost so far.
    pub(super) lost: u64,
    /// What the cluster does not permit.
    pub(super) missing_permissions: Vec<Arc<str>>,
    /// What else is known of the prober itself.
    pub(super) prober: ProberHealth,
}

impl Evidence {
    /// Nothing is known yet. A broker that is well answers something every `interval`.
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

    /// A connection fell silent, or speaks again.
    pub(super) fn silence(&mut self, silence: OverdueConnection) {
        let suspect = self.brokers.entry(silence.broker).or_default();
        match silence.since {
            Some(since) => suspect.overdue.insert(silence.role, since),
            None => suspect.overdue.remove(&silence.role),
        };
        match silence.tcp_state.filter(|_| silence.since.is_some()) {
            Some(tcp_state) => suspect.tcp_states.insert(silence.role, tcp_state),
            None => suspect.tcp_states.remove(&silence.role),
        };
    }

    /// What comes back to the direct probes.
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

    /// The leader of a partition of the replicated lane says that it refuses every record, or does not any more.
    pub(super) fn refuses(&mut self, partition: Partition, at: Time, fault: Option<Fault>) {
        if fault.is_none() {
            self.under_min_isr.remove(&partition);
            return;
        }
        let since = self.under_min_isr.get(&partition).map_or(at, |(since, _)| *since);
        self.under_min_isr.insert(partition, (since, at));
    }

    /// The replicated lane is laid out like this.
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

    /// Looks at suspects, and holds the evidence of this moment against the rules.
    pub(super) fn follow(&mut self, now: Time, around: EvidenceContext<'_>, client: &mut dyn port::ProbeClient) {
        let known = |id: &BrokerId| around.topology.brokers.contains_key(id) && !around.decommissioned.contains(id);
        self.brokers.retain(|id, _| known(id));
        for id in around.topology.brokers.keys().filter(|id| known(id)) {
            let suspect = self.brokers.entry(*id).or_default();
            if suspect.wants_connect_check(now) {
                suspect.begin_connect_check(now);
                client.connect_check(*id);
            }
        }
        // A leader that is not asked any more, or does not answer, says nothing.
        self.under_min_isr.retain(|_, (_, last)| now.since(*last) < REPEATED_WITHIN);
        if self.lost.map_or(0, |(count, ..)| count) < around.lost {
            let first = self.lost.map_or(now, |(_, first, _)| first);
            self.lost = Some((around.lost, first, now));
        }
        let seen = self.seen();
        self.probe_matrix.follow(now, &seen);
        let input = self.input(now, seen, around);
        self.excuse(&input.brokers);
        self.active_findings.follow(&input);
        self.log.follow(&self.cluster, self.active_findings.findings());
    }

    /// What failed while a broker was away or in doubt says nothing of the controller and of coordinators: their answers wait
    /// on others. They start anew when all are there.
    fn excuse(&mut self, brokers: &[BrokerEvidence]) {
        if brokers.iter().any(BrokerEvidence::is_in_doubt) {
            self.controller = None;
            for suspect in self.brokers.values_mut() {
                suspect.streaks.retain(|probe, _| *probe == Probe::Metadata);
            }
        }
    }

    /// What stands.
    pub(super) fn findings(&self) -> impl Iterator<Item = Finding> + '_ {
        self.active_findings.findings().cloned()
    }

    fn seen(&self) -> Vec<BrokerEvidence> {
        let seen = |(id, suspect): (&BrokerId, &BrokerTracker)| BrokerEvidence {
            id: *id,
            listed: self.listed.get(id).copied(),
            last_answer: suspect.answered,
            overdue: suspect.overdue.clone(),
            tcp_states: suspect.tcp_states.clone(),
            streaks: suspect.streaks.clone(),
            connect_checks: suspect.connect_checks,
        };
        self.brokers.iter().map(seen).collect()
    }

    fn input(&self, now: Time, brokers: Vec<BrokerEvidence>, around: EvidenceContext<'_>) -> Input {
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
            missing_permissions: around.missing_permissions,
            liveness_timeout: self.liveness_timeout,
            stalled: around.stalls.within(now, STALLS_WITHIN),
            stalled_last_minute: around.stalls.within(now, STALLS_KEPT_FOR),
            prober: around.prober,
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

    /// An event of the broker view, which ended at `ended`.
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
    fn commits_that_fail_while_a_broker_is_away_excuse_their_coordinators() {
        let mut evidence = Evidence::new(ClusterName::new("c"), Duration::from_millis(200));
        let all = BTreeSet::from([BrokerId(1), BrokerId(2)]);
        evidence.brokers.insert(BrokerId(1), BrokerTracker::default());
        evidence.on_input(&ProbeInput::MetadataBrokers { asked: at(0), brokers: all });
        evidence.counted(&event(1000, RawOutcome::TimedOut));
        let seen = evidence.seen();
        evidence.excuse(&seen);
        assert_eq!(evidence.brokers[&BrokerId(2)].streaks[&Probe::Commit].bad, 1);
        evidence.on_input(&ProbeInput::MetadataBrokers { asked: at(5000), brokers: BTreeSet::from([BrokerId(2)]) });
        let seen = evidence.seen();
        evidence.excuse(&seen);
        assert!(evidence.brokers[&BrokerId(2)].streaks.is_empty());
    }
}
