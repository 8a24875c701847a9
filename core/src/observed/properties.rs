//! Properties that hold for every cluster.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::partitions::{Owner, PartitionState, Partitions};
use super::sizes::{LogDir, Measures, growth};
use super::*;
use crate::time::Time;

#[derive(Clone, Debug)]
struct Topic {
    ours: bool,
    min_isr: Option<usize>,
    /// Leader by its place in the replicas, replicas, and how many are in sync.
    partitions: Vec<(Option<usize>, Vec<BrokerId>, usize)>,
}

fn topic() -> impl Strategy<Value = Topic> {
    let replicas = Just((1..=6).map(BrokerId).collect::<Vec<_>>()).prop_shuffle();
    let partition = (prop::option::of(0_usize..3), replicas, 1_usize..4, 0_usize..4).prop_map(
        |(leader, mut replicas, factor, in_sync)| {
            replicas.truncate(factor);
            (leader.map(|place| place % factor), replicas, in_sync.min(factor))
        },
    );
    (any::<bool>(), prop::option::of(1_usize..4), prop::collection::vec(partition, 0..8))
        .prop_map(|(ours, min_isr, partitions)| Topic { ours, min_isr, partitions })
}

fn add_up(topics: &[Topic]) -> Partitions {
    let mut sums = Partitions::default();
    for topic in topics {
        let owner = if topic.ours { Owner::Ours } else { Owner::Others };
        let states = (0..).zip(&topic.partitions).map(|(index, (leader, replicas, in_sync))| PartitionState {
            partition: Partition(index),
            leader: leader.map(|place| replicas[place]),
            replicas,
            isr: &replicas[..*in_sync],
        });
        sums.add("t", owner, topic.min_isr, states);
    }
    sums
}

proptest! {
    #[test]
    fn sums_over_brokers_equal_the_sums_of_the_cluster(topics in prop::collection::vec(topic(), 0..12)) {
        let sums = add_up(&topics);
        let over = |of: fn(&partitions::BrokerPartitions) -> u64| sums.brokers.values().map(of).sum::<u64>();
        let leaderless = topics.iter().flat_map(|topic| &topic.partitions).filter(|(leader, ..)| leader.is_none()).count();
        prop_assert_eq!(over(|broker| broker.replicas), sums.replicas);
        prop_assert_eq!(over(|broker| broker.leaders) + leaderless as u64, sums.partitions);
        prop_assert_eq!(over(|broker| broker.preferred), sums.partitions);
        let others = topics.iter().filter(|topic| !topic.ours).flat_map(|topic| &topic.partitions);
        let missing: usize = others.map(|(_, replicas, in_sync)| replicas.len() - in_sync).sum();
        prop_assert_eq!(over(|broker| broker.out_of_sync), missing as u64);
        prop_assert!(over(|broker| broker.under_replicated) <= sums.under_replicated.count);
        prop_assert!(sums.brokers.values().all(|broker| (0.0..=1.0).contains(&broker.imbalance())));
    }

    #[test]
    fn topics_of_the_prober_alone_count_as_healthy(topics in prop::collection::vec(topic(), 0..12)) {
        let ours: Vec<Topic> = topics.into_iter().map(|topic| Topic { ours: true, ..topic }).collect();
        let sums = add_up(&ours);
        let health = [&sums.offline, &sums.under_replicated, &sums.at_min_isr, &sums.under_min_isr];
        prop_assert!(health.iter().all(|named| named.count == 0));
    }

    #[test]
    fn growth_is_never_negative_and_absent_after_a_decrease(
        sizes in prop::collection::vec((1_u64..1000, 0_u64..1 << 40), 2..20),
    ) {
        let mut measures = Measures::default();
        let (mut at, mut before) = (Time::ORIGIN, None);
        for (seconds, bytes) in sizes {
            at = at + Duration::from_secs(seconds);
            let name = PartitionName { topic: Arc::from("__consumer_offsets"), partition: Partition(0) };
            let directory = LogDir { partitions: vec![(name, bytes)], ..LogDir::default() };
            let taken = measures.take(vec![(BrokerId(1), at, vec![directory])], |_| true);
            let measured = taken.brokers[&BrokerId(1)].topics["__consumer_offsets"].growth;
            prop_assert_eq!(measured, before.and_then(|before| growth(before, (at, bytes))));
            prop_assert_eq!(measured.is_some(), before.is_some_and(|(_, old)| old <= bytes));
            prop_assert!(measured.is_none_or(|growth| 0.0 <= growth));
            before = Some((at, bytes));
        }
    }

    #[test]
    fn colliding_names_are_those_that_become_equal(names in prop::collection::btree_set("[ab._]{1,4}", 0..40)) {
        let collisions = Collisions::among(names.iter().map(String::as_str));
        let normal = |name: &String| name.replace('.', "_");
        let distinct: BTreeSet<String> = names.iter().map(normal).collect();
        let groups = distinct.iter().filter(|one| 1 < names.iter().filter(|name| normal(name) == **one).count());
        prop_assert_eq!(collisions.count, groups.count() as u64);
        prop_assert!(collisions.first.len() <= NAMED_MAX);
    }
}
