//! A bounded history of partition samples, and when the broker set or the assignment last changed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::diagnosis::thresholds::{bounds, patterns};
use crate::ids::BrokerId;
use crate::observed::Observed;
use crate::observed::partitions::{BrokerPartitions, Partitions};
use crate::observed::parts::Part;
use crate::observed::registration::Registration;
use crate::time::Time;

use super::{is_fresh, is_no_reassignment_running};

/// The partition counts of one metadata answer.
#[derive(Clone, Debug)]
pub struct PartitionSample {
    /// When it was answered.
    pub at: Time,
    /// Partitions with too few replicas in sync.
    pub under_replicated: u64,
    /// Number of brokers that lead one of those.
    pub reporting_leaders: u64,
    /// Replicas that are not in sync, by the broker that should have them; only brokers that lack some.
    pub lacking: BTreeMap<BrokerId, u64>,
    /// Those of these brokers that are not registered, or fenced.
    pub away: BTreeSet<BrokerId>,
    /// Share of the partitions preferring a broker that it does not lead, for registered brokers in sync, which could lead them.
    pub led_elsewhere: BTreeMap<BrokerId, f64>,
}

/// The history of one cluster.
#[derive(Clone, Debug, Default)]
pub struct History {
    samples: VecDeque<PartitionSample>,
    /// The registered brokers that are not fenced, by the newest answer.
    members: BTreeSet<BrokerId>,
    /// When that set last changed.
    changed: Option<Time>,
    /// When a reassignment was last known to run.
    moved: Option<Time>,
}

impl History {
    /// Takes in the newest answer of each part.
    pub(super) fn follow(&mut self, observed: &Observed, now: Time) {
        if let Some(registrations) = &observed.registrations {
            let let_in = registrations.brokers.values().filter(|listed| !listed.fenced);
            let members: BTreeSet<BrokerId> = let_in.map(|listed| listed.broker).collect();
            if members != self.members {
                self.changed = Some(registrations.at);
                self.members = members;
            }
        }
        if observed.reassignments.is_some() && !is_no_reassignment_running(observed) {
            self.moved = Some(now);
        }
        if !is_fresh(observed, Part::Partitions, now) {
            self.samples.clear();
            return;
        }
        let seen = observed.parts.get(&Part::Partitions).and_then(|status| status.last_answer);
        let (Some(partitions), Some(at)) = (&observed.partitions, seen) else { return };
        if self.samples.back().is_none_or(|newest| patterns::SAMPLE_EVERY.get() <= at.since(newest.at)) {
            self.samples.push_back(PartitionSample::of(observed, partitions, at));
            let is_old = |sample: &PartitionSample| patterns::SAMPLES_KEPT_FOR.get() < at.since(sample.at);
            while bounds::PARTITION_SAMPLES_MAX.get() < self.samples.len() || self.samples.front().is_some_and(is_old) {
                self.samples.pop_front();
            }
        }
    }

    /// The newest sample.
    pub fn newest(&self) -> Option<&PartitionSample> {
        self.samples.back()
    }

    /// Samples since a reassignment last ran, newest first.
    pub fn since_reassignment(&self) -> impl Iterator<Item = &PartitionSample> {
        let moved = self.moved;
        self.samples.iter().rev().take_while(move |sample| moved.is_none_or(|moved| moved < sample.at))
    }

    /// Of those, the ones since the broker set last changed, newest first.
    pub fn since_membership_change(&self) -> impl Iterator<Item = &PartitionSample> {
        let changed = self.changed;
        self.since_reassignment().take_while(move |sample| changed.is_none_or(|changed| changed < sample.at))
    }
}

impl PartitionSample {
    fn of(observed: &Observed, partitions: &Partitions, at: Time) -> PartitionSample {
        let brokers = || partitions.brokers.iter().map(|(id, sums)| (*id, sums));
        let is_away = |id: BrokerId, sums: &BrokerPartitions| is_away(observed, id, sums, at);
        let lacking = || brokers().filter(|(_, sums)| 0 < sums.out_of_sync);
        let could_lead = |(id, sums): &(BrokerId, &BrokerPartitions)| sums.out_of_sync == 0 && !is_away(*id, sums);
        PartitionSample {
            at,
            under_replicated: partitions.under_replicated.count,
            reporting_leaders: brokers().filter(|(_, sums)| 0 < sums.under_replicated).count() as u64,
            lacking: lacking().map(|(id, sums)| (id, sums.out_of_sync)).collect(),
            away: lacking().filter(|(id, sums)| is_away(*id, sums)).map(|(id, _)| id).collect(),
            led_elsewhere: brokers().filter(could_lead).map(|(id, sums)| (id, sums.imbalance())).collect(),
        }
    }
}

/// Whether a broker is fenced or not registered. If its registration is unknown, a broker that leads nothing counts as away.
fn is_away(observed: &Observed, id: BrokerId, sums: &BrokerPartitions, at: Time) -> bool {
    let registration =
        observed.registrations.as_ref().map_or(Registration::Unknown, |registrations| registrations.of(id, at));
    match registration {
        Registration::Registered => false,
        Registration::Fenced | Registration::Unregistered => true,
        Registration::Unknown => sums.leaders == 0,
    }
}
