//! Leaders, replicas and in-sync replicas, summed up from one metadata answer topic by topic, so that only the sums are kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::{BrokerId, Partition};

use super::{Named, PartitionName};

/// One partition in the metadata.
#[derive(Clone, Debug)]
pub struct PartitionState<'a> {
    /// Its index.
    pub partition: Partition,
    /// Its leader, if it has one.
    pub leader: Option<BrokerId>,
    /// Its replicas, preferred leader first.
    pub replicas: &'a [BrokerId],
    /// Those that are in sync.
    pub isr: &'a [BrokerId],
}

/// Owner of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The prober. Its topics count towards the limits but not towards health, because a pinned partition is offline whenever its
    /// broker is away.
    Ours,
    /// Users, or Kafka itself.
    Others,
}

/// The sums.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partitions {
    /// Topics, ours included.
    pub topics: u64,
    /// Partitions, ours included.
    pub partitions: u64,
    /// Replicas, ours included: compared with the limit of the cluster.
    pub replicas: u64,
    /// Partitions with fewer replicas in sync than they have; ours left out, as in all that follow.
    pub under_replicated: Named,
    /// Partitions with exactly `min.insync.replicas` in sync: if one more is lost, acks=all fails.
    pub at_min_isr: Named,
    /// Partitions with fewer: acks=all is refused.
    pub under_min_isr: Named,
    /// Partitions without a leader.
    pub offline: Named,
    /// Partitions of topics whose `min.insync.replicas` is not known, which are in neither of these two.
    pub unknown_min_isr: u64,
    /// By broker, including brokers that only replica lists name.
    pub brokers: BTreeMap<BrokerId, BrokerPartitions>,
}

/// The sums of one broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerPartitions {
    /// Replicas on it, ours included: compared with the limit of a broker.
    pub replicas: u64,
    /// Partitions that it leads, ours included.
    pub leaders: u64,
    /// Partitions whose preferred leader it is, ours included.
    pub preferred: u64,
    /// Those of them that it does not lead.
    pub preferred_elsewhere: u64,
    /// Replicas on it that are not in sync; ours left out.
    pub out_of_sync: u64,
    /// Partitions that it leads with too few in sync; ours left out.
    pub under_replicated: u64,
}

impl BrokerPartitions {
    /// The share of the partitions preferring this broker that it does not lead: what Kafka compares with
    /// `leader.imbalance.per.broker.percentage`. 0 where none prefers it.
    pub fn imbalance(&self) -> f64 {
        if self.preferred == 0 { 0.0 } else { self.preferred_elsewhere as f64 / self.preferred as f64 }
    }
}

impl Partitions {
    /// Counts a topic's partitions. `min_isr` is its `min.insync.replicas`, where known.
    pub fn add<'a>(
        &mut self,
        topic: &str,
        owner: Owner,
        min_isr: Option<usize>,
        partitions: impl IntoIterator<Item = PartitionState<'a>>,
    ) {
        self.topics += 1;
        for state in partitions {
            self.partitions += 1;
            self.place(&state);
            if owner == Owner::Others {
                self.judge(topic, min_isr, &state);
            }
        }
    }

    fn place(&mut self, state: &PartitionState<'_>) {
        self.replicas += state.replicas.len() as u64;
        for replica in state.replicas {
            self.broker(*replica).replicas += 1;
        }
        if let Some(leader) = state.leader {
            self.broker(leader).leaders += 1;
        }
        if let Some(preferred) = state.replicas.first() {
            let preferring = self.broker(*preferred);
            preferring.preferred += 1;
            preferring.preferred_elsewhere += u64::from(state.leader != Some(*preferred));
        }
    }

    fn judge(&mut self, topic: &str, min_isr: Option<usize>, state: &PartitionState<'_>) {
        let name = || PartitionName { topic: Arc::from(topic), partition: state.partition };
        if state.leader.is_none() {
            self.offline.add(name);
        }
        if state.isr.len() < state.replicas.len() {
            self.under_replicated.add(name);
            if let Some(leader) = state.leader {
                self.broker(leader).under_replicated += 1;
            }
        }
        for replica in state.replicas.iter().filter(|replica| !state.isr.contains(replica)) {
            self.broker(*replica).out_of_sync += 1;
        }
        // Kafka demands at most as many as the partition has replicas.
        match min_isr.map(|min| min.min(state.replicas.len())) {
            None => self.unknown_min_isr += 1,
            Some(min) if state.isr.len() < min => self.under_min_isr.add(name),
            Some(min) if state.isr.len() == min => self.at_min_isr.add(name),
            Some(_) => {}
        }
    }

    fn broker(&mut self, id: BrokerId) -> &mut BrokerPartitions {
        self.brokers.entry(id).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: [BrokerId; 3] = [BrokerId(1), BrokerId(2), BrokerId(3)];

    fn state<'a>(leader: Option<i32>, replicas: &'a [BrokerId], isr: &'a [BrokerId]) -> PartitionState<'a> {
        PartitionState { partition: Partition(0), leader: leader.map(BrokerId), replicas, isr }
    }

    fn of(owner: Owner, min_isr: Option<usize>, state: PartitionState<'_>) -> Partitions {
        let mut sums = Partitions::default();
        sums.add("a", owner, min_isr, [state]);
        sums
    }

    fn health(sums: &Partitions) -> [u64; 4] {
        [&sums.under_replicated, &sums.at_min_isr, &sums.under_min_isr, &sums.offline].map(|named| named.count)
    }

    #[test]
    fn partitions_are_at_or_under_min_isr_by_their_in_sync_replicas() {
        for (isr, expected) in [(3, [0, 0, 0, 0]), (2, [1, 1, 0, 0]), (1, [1, 0, 1, 0])] {
            let sums = of(Owner::Others, Some(2), state(Some(1), &THREE, &THREE[..isr]));
            assert_eq!(health(&sums), expected, "{isr} of three in sync, two demanded");
        }
    }

    #[test]
    fn single_replica_is_never_under_a_min_isr_of_two() {
        let sums = of(Owner::Others, Some(2), state(Some(1), &THREE[..1], &THREE[..1]));
        assert_eq!(health(&sums), [0, 1, 0, 0]);
    }

    #[test]
    fn topics_of_the_prober_count_towards_limits_and_not_towards_health() {
        let sums = of(Owner::Ours, Some(1), state(None, &THREE[..1], &[]));
        assert_eq!(health(&sums), [0; 4]);
        assert_eq!((sums.partitions, sums.replicas, sums.brokers[&BrokerId(1)].replicas), (1, 1, 1));
        assert_eq!(sums.brokers[&BrokerId(1)].out_of_sync, 0);
    }

    #[test]
    fn unknown_min_isr_is_counted_apart() {
        let sums = of(Owner::Others, None, state(Some(1), &THREE, &THREE[..1]));
        assert_eq!(health(&sums), [1, 0, 0, 0]);
        assert_eq!(sums.unknown_min_isr, 1);
    }

    #[test]
    fn imbalance_is_the_share_of_preferred_partitions_led_elsewhere() {
        let mut sums = Partitions::default();
        sums.add("a", Owner::Others, Some(1), [1, 1, 2, 3].map(|leader| state(Some(leader), &THREE, &THREE)));
        assert_eq!(sums.brokers[&BrokerId(1)].imbalance(), 0.5);
        assert_eq!(sums.brokers[&BrokerId(2)].imbalance(), 0.0, "no partition prefers it");
    }
}
