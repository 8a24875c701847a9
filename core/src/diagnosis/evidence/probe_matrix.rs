//! Evidence from the outcomes of probes, per broker: latency windows, throttling, refused credentials; and the leaders and ISRs
//! of the replicated lane.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::cells::{Cells, Column, Table};
use super::churn_cooldown::ChurnCooldown;
use super::facts::{BrokerEvidence, CredentialsRefused, ReplicaState};
use crate::diagnosis::thresholds::{bounds, cluster};
use crate::event::{Event, RawOutcome};
use crate::fault::Fault;
use crate::ids::{BrokerId, Probe, View};
use crate::time::Time;
use crate::topology::{PartitionSeen, TopicSeen};

/// Outcomes of all probes of one cluster.
#[derive(Debug, Default)]
pub(super) struct ProbeMatrix {
    cells: Cells,
    churn_cooldown: ChurnCooldown,
    table: Arc<Table>,
    table_at: Time,
    replicated: Arc<BTreeMap<BrokerId, ReplicaState>>,
    /// Times of the first and of the last throttled response.
    throttled: BTreeMap<BrokerId, (Time, Time)>,
    credentials_refused: BTreeMap<BrokerId, CredentialsRefused>,
    /// When a name in a broker's address last did not resolve.
    unresolved: Option<Time>,
    /// When each broker last accepted a fresh connection.
    accepted: BTreeMap<BrokerId, Time>,
}

impl ProbeMatrix {
    /// An event of this cluster was counted.
    pub(super) fn on_event(&mut self, event: &Event) {
        self.cells.on_event(event);
        let (View::Broker, Some(broker)) = (event.series.view, event.broker.id()) else { return };
        match event.raw_outcome {
            RawOutcome::Failed(Fault::Quota) | RawOutcome::RefusedUntilDeadline(Fault::Quota) => {
                self.throttled.entry(broker).or_insert((event.ended, event.ended)).1 = event.ended;
            }
            RawOutcome::Failed(fault) => self.refusal(broker, event.ended, fault),
            // A response on a kept connection does not show that a new one would be accepted.
            RawOutcome::Success(_) if event.series.probe == Probe::Connect => self.acceptance(broker, event.ended),
            _ => {}
        }
    }

    /// A connect check of a broker has ended.
    pub(super) fn on_connect_check(&mut self, broker: BrokerId, at: Time, fault: Option<Fault>) {
        self.cells.on_connect_check(broker, at, fault);
        match fault {
            Some(fault) => self.refusal(broker, at, fault),
            None => self.acceptance(broker, at),
        }
    }

    /// The leaders and ISRs of the replicated lane.
    pub(super) fn topic(&mut self, topic: &TopicSeen) {
        let of = |seen: &PartitionSeen| Some((*seen.replicas.first()?, ReplicaState::from(seen)));
        self.replicated = Arc::new(topic.partitions.iter().filter_map(of).collect());
    }

    /// Takes the state of the brokers; true if they changed just now, see [`ChurnCooldown`]. `answers_within` is the time within which
    /// a healthy broker answers something.
    pub(super) fn follow(&mut self, now: Time, brokers: &[BrokerEvidence], answers_within: Duration) -> bool {
        let known = |id: BrokerId| brokers.iter().any(|seen| seen.id == id);
        let throttled_within = cluster::THROTTLED_WITHIN.get().max(answers_within);
        self.throttled.retain(|id, (_, last)| known(*id) && now.since(*last) < throttled_within);
        self.credentials_refused.retain(|id, _| known(*id));
        self.accepted.retain(|id, _| known(*id));
        // Replicated writes to brokers that this host cannot resolve time out, as if a follower were slow.
        if self.unresolved.is_some_and(|last| now.since(last) < cluster::UNRESOLVED_FOR.get()) {
            self.cells.reset_column(Column::Replicated);
            self.table = Arc::new(self.table.without(|column, _| column == Column::Replicated));
        }
        // A quota throttles both clients, each by its own rules: latencies are not comparable until it ends.
        let throttled = !self.throttled.is_empty();
        let is_churning = self.churn_cooldown.follow(brokers, now);
        if is_churning || throttled {
            self.cells.reset();
            // At once: bad events until now have the change as their cause.
            self.table = Arc::default();
        }
        if bounds::TABLE_EVERY.get() <= now.since(self.table_at) {
            self.cells.retain(known);
            self.table = Arc::new(self.cells.table(now));
            self.table_at = now;
        }
        is_churning
    }

    pub(super) fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table)
    }

    pub(super) fn baseline(&self, broker: BrokerId) -> Option<Duration> {
        self.cells.baseline(broker)
    }

    pub(super) fn replicated(&self) -> Arc<BTreeMap<BrokerId, ReplicaState>> {
        Arc::clone(&self.replicated)
    }

    pub(super) fn throttled(&self) -> BTreeMap<BrokerId, Time> {
        self.throttled.iter().map(|(id, (since, _))| (*id, *since)).collect()
    }

    pub(super) fn credentials_refused(&self) -> BTreeMap<BrokerId, CredentialsRefused> {
        self.credentials_refused.clone()
    }

    fn refusal(&mut self, broker: BrokerId, at: Time, fault: Fault) {
        if fault == Fault::Resolve {
            self.unresolved = self.unresolved.max(Some(at));
        }
        if fault.is_about_credentials() {
            let first = CredentialsRefused { since: at, fault, is_contrasted: false };
            let refused = self.credentials_refused.entry(broker).or_insert(first);
            refused.fault = fault;
            refused.is_contrasted |= self.accepted.iter().any(|(id, at)| *id != broker && refused.since < *at);
        }
    }

    fn acceptance(&mut self, broker: BrokerId, at: Time) {
        self.credentials_refused.remove(&broker);
        self.accepted.insert(broker, at);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, broker_event};
    use super::*;

    const LIVENESS: Duration = Duration::from_millis(700);
    const TWO: BrokerId = BrokerId(2);

    #[test]
    fn throttling_ends_three_seconds_after_the_last_throttled_response() {
        let mut probe_matrix = ProbeMatrix::default();
        probe_matrix.on_event(&broker_event(Probe::Produce, 1000, RawOutcome::Failed(Fault::Quota)));
        probe_matrix.on_event(&broker_event(Probe::Produce, 3000, RawOutcome::Failed(Fault::Quota)));
        probe_matrix.follow(at(5900), &[BrokerEvidence::unknown(TWO)], LIVENESS);
        assert_eq!(probe_matrix.throttled(), BTreeMap::from([(TWO, at(1000))]));
        probe_matrix.follow(at(6000), &[BrokerEvidence::unknown(TWO)], LIVENESS);
        assert_eq!(probe_matrix.throttled(), BTreeMap::new());
    }

    #[test]
    fn table_is_discarded_when_a_broker_appears() {
        let mut probe_matrix = ProbeMatrix::default();
        probe_matrix.follow(at(0), &[BrokerEvidence::unknown(TWO)], LIVENESS);
        for ended in (20_000..22_000).step_by(200) {
            probe_matrix.follow(at(ended), &[BrokerEvidence::unknown(TWO)], LIVENESS);
            probe_matrix.on_event(&broker_event(Probe::Produce, ended, RawOutcome::Failed(Fault::ConnectTimeout)));
        }
        probe_matrix.follow(at(22_000), &[BrokerEvidence::unknown(TWO)], LIVENESS);
        assert!(probe_matrix.table().cells.values().all(crate::diagnosis::evidence::cells::CellFlags::is_bad));
        assert!(!probe_matrix.table().cells.is_empty());
        let listed = crate::diagnosis::evidence::facts::MetadataListing { since: at(22_100), asked: at(22_100) };
        probe_matrix.follow(
            at(22_100),
            &[BrokerEvidence { listed: Some(listed), ..BrokerEvidence::unknown(TWO) }],
            LIVENESS,
        );
        assert_eq!(*probe_matrix.table(), Table::default());
    }

    #[test]
    fn refused_credentials_are_kept_until_a_fresh_connection_succeeds() {
        let mut probe_matrix = ProbeMatrix::default();
        probe_matrix.on_event(&broker_event(Probe::Connect, 1000, RawOutcome::Failed(Fault::CertificateExpired)));
        probe_matrix.on_event(&broker_event(Probe::Produce, 1100, RawOutcome::Success(Duration::ZERO)));
        let refused = CredentialsRefused { since: at(1000), fault: Fault::CertificateExpired, is_contrasted: false };
        assert_eq!(probe_matrix.credentials_refused(), BTreeMap::from([(TWO, refused)]));
        probe_matrix.on_event(&broker_event(Probe::Connect, 11_000, RawOutcome::Success(Duration::ZERO)));
        assert_eq!(probe_matrix.credentials_refused(), BTreeMap::new());
    }

    #[test]
    fn refused_connection_is_not_about_credentials() {
        let mut probe_matrix = ProbeMatrix::default();
        probe_matrix.on_event(&broker_event(Probe::Connect, 1000, RawOutcome::Failed(Fault::ConnectionRefused)));
        assert_eq!(probe_matrix.credentials_refused(), BTreeMap::new());
    }
}
