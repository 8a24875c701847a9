//! Decommissioned brokers: unregistered for ten minutes, even if replica lists still name them.
//!
//! A broker stays decommissioned until it is registered again. While the cluster does not report its registered brokers, a
//! decommissioned broker must not become a failing one.

use std::collections::{BTreeMap, BTreeSet};

use prober_core::ids::{Broker, BrokerId, ClusterName};
use prober_core::observed::Observed;
use prober_core::snapshot::Snapshot;
use prober_core::time::Time;
use prober_core::topology::Topology;

/// The decommissioned brokers of each cluster.
#[derive(Debug, Default)]
pub(super) struct Decommissioned {
    brokers: BTreeMap<ClusterName, BTreeSet<BrokerId>>,
    nobody: BTreeSet<BrokerId>,
}

impl Decommissioned {
    /// Updates a cluster's brokers from its registrations and the metadata of its topics; true if anything changed.
    pub(super) fn follow(&mut self, observed: &Observed, topology: &Topology, now: Time) -> bool {
        let Some(registrations) = &observed.registrations else { return false };
        let decommissioned = self.brokers.entry(observed.cluster.clone()).or_default();
        let before = decommissioned.len();
        decommissioned.retain(|id| {
            let listed = topology.brokers.get(id).is_some_and(|seen| seen.registered);
            !listed && !registrations.brokers.contains_key(id)
        });
        let mut changed = decommissioned.len() != before;
        let absent = topology.brokers.iter().filter(|(_, seen)| !seen.registered).map(|(id, _)| *id);
        for id in absent.filter(|id| registrations.is_decommissioned(*id, now)) {
            if decommissioned.insert(id) {
                changed = true;
                let cluster = observed.cluster.as_str();
                tracing::info!(
                    cluster,
                    broker = id.0,
                    "broker is decommissioned (unregistered for ten minutes); its probes end"
                );
            }
        }
        changed
    }

    /// The decommissioned brokers of a cluster.
    pub(super) fn of(&self, cluster: &ClusterName) -> &BTreeSet<BrokerId> {
        self.brokers.get(cluster).unwrap_or(&self.nobody)
    }

    /// Removes their series from a snapshot, which ends them on the pages and in the exports. The ledger keeps the counts,
    /// in case the brokers return.
    pub(super) fn remove_from(&self, snapshot: &mut Snapshot) {
        if self.brokers.values().all(BTreeSet::is_empty) {
            return;
        }
        let stays =
            |cluster: &ClusterName, broker: Broker| broker.id().is_none_or(|id| !self.of(cluster).contains(&id));
        snapshot.series.retain(|row| stays(&row.series.cluster, row.broker));
        snapshot.objective_counts.retain(|row| stays(&row.cluster, row.broker));
        snapshot.records.retain(|row| stays(&row.cluster, row.broker));
        snapshot.phases.retain(|row| stays(&row.cluster, row.broker));
        snapshot.channel_failures.retain(|(cluster, id), _| stays(cluster, Broker::Id(*id)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prober_core::observed::PartitionLimits;
    use prober_core::observed::registration::{DECOMMISSIONED_AFTER, RegisteredBroker, Registrations};
    use prober_core::topology::BrokerSeen;

    fn topology(ids: &[(i32, bool)]) -> Topology {
        let seen = |registered| BrokerSeen { address: None, rack: None, registered };
        Topology { brokers: ids.iter().map(|(id, registered)| (BrokerId(*id), seen(*registered))).collect() }
    }

    fn observed(answers: &[(u64, &[i32])]) -> Observed {
        let mut registrations = Registrations::default();
        for (second, ids) in answers {
            let listed = ids.iter().map(|id| RegisteredBroker { broker: BrokerId(*id), fenced: false, rack: None });
            registrations.observe(listed, true, at(*second));
        }
        Observed {
            registrations: Some(registrations.into()),
            ..Observed::new(ClusterName::new("c"), PartitionLimits::default())
        }
    }

    fn at(second: u64) -> Time {
        Time::from_millis(1000 * second)
    }

    #[test]
    fn broker_is_decommissioned_ten_minutes_after_it_was_unregistered_until_it_returns() {
        let mut decommissioned = Decommissioned::default();
        let name = ClusterName::new("c");
        let gone = topology(&[(1, true), (2, false)]);
        let long = DECOMMISSIONED_AFTER.as_secs();
        assert!(!decommissioned.follow(&observed(&[(0, &[1, 2]), (10, &[1])]), &gone, at(20)));
        let answers = observed(&[(0, &[1, 2]), (10, &[1]), (10 + long, &[1])]);
        assert!(decommissioned.follow(&answers, &gone, at(10 + long)));
        assert!(!decommissioned.follow(&answers, &gone, at(10 + long)), "said once");
        assert_eq!(*decommissioned.of(&name), BTreeSet::from([BrokerId(2)]));
        // The cluster no longer reports registrations: the broker stays decommissioned.
        assert!(!decommissioned.follow(&answers, &gone, at(10_000)));
        assert_eq!(*decommissioned.of(&name), BTreeSet::from([BrokerId(2)]));
        assert!(decommissioned.follow(&answers, &topology(&[(1, true), (2, true)]), at(10_000)));
        assert!(decommissioned.of(&name).is_empty());
    }
}
