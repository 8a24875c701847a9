//! What is kept of the past: a bounded ring of looks at the partitions, and when the cluster last changed by somebody's
//! wish.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::ids::BrokerId;
use crate::observed::Observed;
use crate::observed::partitions::{BrokerPartitions, Partitions};
use crate::observed::parts::Part;
use crate::observed::registration::Registration;
use crate::time::Time;

use super::{is_fresh, is_nothing_moving};

/// Looks that are kept: half an hour of them at the default interval.
pub const SAMPLES_MAX: usize = 30;

/// Looks are so far apart at least, however often the metadata are read: what they are compared by takes minutes.
pub const SAMPLE_EVERY: Duration = Duration::from_secs(30);

/// One look at the partitions.
#[derive(Clone, Debug)]
pub struct PartitionSample {
    /// When it was answered.
    pub at: Time,
    /// Partitions with too few replicas in sync.
    pub under_replicated: u64,
    /// Brokers that lead one of those, and so report it.
    pub reporting_leaders: u64,
    /// Replicas that are not in sync, by the broker that should have them; brokers without any left out.
    pub lacking: BTreeMap<BrokerId, u64>,
    /// Of those brokers the ones that are not there.
    pub away: BTreeSet<BrokerId>,
    /// The share of the partitions preferring a broker that it does not lead, of brokers that are there and in sync, and
    /// could lead them.
    pub led_elsewhere: BTreeMap<BrokerId, f64>,
}

/// The past of one cluster.
#[derive(Clone, Debug, Default)]
pub struct History {
    samples: VecDeque<PartitionSample>,
    /// The brokers let in, by the newest answer.
    members: BTreeSet<BrokerId>,
    /// When those last became others.
    changed: Option<Time>,
    /// When partitions were last known to be on the move.
    moved: Option<Time>,
}

impl History {
    /// Takes in the newest of each part.
    pub(super) fn follow(&mut self, observed: &Observed, now: Time) {
        if let Some(registrations) = &observed.registrations {
            let let_in = registrations.brokers.values().filter(|listed| !listed.fenced);
            let members: BTreeSet<BrokerId> = let_in.map(|listed| listed.broker).collect();
            if members != self.members {
                self.changed = Some(registrations.at);
                self.members = members;
            }
        }
        if observed.reassignments.is_some() && !is_nothing_moving(observed) {
            self.moved = Some(now);
        }
        if !is_fresh(observed, Part::Partitions, now) {
            self.samples.clear();
            return;
        }
        let seen = observed.parts.get(&Part::Partitions).and_then(|status| status.last_answer);
        let (Some(partitions), Some(at)) = (&observed.partitions, seen) else { return };
        if self.samples.back().is_none_or(|newest| SAMPLE_EVERY <= at.since(newest.at)) {
            self.samples.push_back(PartitionSample::of(observed, partitions, at));
            if SAMPLES_MAX < self.samples.len() {
                self.samples.pop_front();
            }
        }
    }

    /// The newest look.
    pub fn newest(&self) -> Option<&PartitionSample> {
        self.samples.back()
    }

    /// Looks since partitions were last moved, newest first.
    pub fn since_last_move(&self) -> impl Iterator<Item = &PartitionSample> {
        let moved = self.moved;
        self.samples.iter().rev().take_while(move |sample| moved.is_none_or(|moved| moved < sample.at))
    }

    /// Of those the ones since a broker last came or went, newest first.
    pub fn since_membership_change(&self) -> impl Iterator<Item = &PartitionSample> {
        let changed = self.changed;
        self.since_last_move().take_while(move |sample| changed.is_none_or(|changed| changed < sample.at))
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

/// Whether a broker is not there. Where the cluster does not tell, one that leads nothing is taken not to be.
fn is_away(observed: &Observed, id: BrokerId, sums: &BrokerPartitions, at: Time) -> bool {
    let told = observed.registrations.as_ref().map_or(Registration::Unknown, |registrations| registrations.of(id, at));
    match told {
        Registration::Registered => false,
        Registration::Fenced | Registration::Unregistered => true,
        Registration::Unknown => sums.leaders == 0,
    }
}
