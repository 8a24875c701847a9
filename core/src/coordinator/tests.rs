//! Hashes and partitions as Kafka's own classes compute them, and properties of every id.

use proptest::prelude::*;

use super::*;

/// Printed by Kafka 4.3.1's own classes; its first lines describe how.
const OF_KAFKA: &str = include_str!("of_kafka.txt");

/// One line of the table: an id as UTF-16 code units in hexadecimal, its hash, and its partition for each count.
fn row(line: &str) -> (String, i32, Vec<(i32, i32)>) {
    let mut words = line.split(' ');
    let units = words.next().expect("an id");
    let units = units.strip_prefix("u:").expect("code units").split_terminator(',');
    let units: Vec<u16> = units.map(|unit| u16::from_str_radix(unit, 16).expect("a code unit")).collect();
    let hash = words.next().expect("a hash").parse().expect("a number");
    let placed = words.map(|word| {
        let (count, partition) = word.split_once(':').expect("count and partition");
        (count.parse().expect("a count"), partition.parse().expect("a partition"))
    });
    (String::from_utf16(&units).expect("whole characters"), hash, placed.collect())
}

#[test]
fn hash_and_partition_are_kafkas_own() {
    let rows: Vec<_> = OF_KAFKA.lines().filter(|line| !line.starts_with('#')).map(row).collect();
    assert!(20 < rows.len());
    for (id, hash, placed) in rows {
        assert_eq!(java_hash(&id), hash, "{id:?}");
        assert!(!placed.is_empty());
        for (count, partition) in placed {
            assert_eq!(partition_of(&id, count), Some(Partition(partition)), "{id:?} of {count}");
        }
    }
}

#[test]
fn hash_without_an_absolute_value_is_in_the_table() {
    assert!(OF_KAFKA.lines().any(|line| line.contains(&format!(" {} ", i32::MIN))));
}

#[test]
fn topic_without_partitions_coordinates_nothing() {
    assert_eq!(partition_of("group", 0), None);
    assert_eq!(Prefix::of_groups("v").id_for(Partition(0), 0), None);
    assert_eq!(Prefix::of_groups("v").id_for(Partition(3), 3), None);
    assert_eq!(Prefix::of_groups("v").id_for(Partition(-1), 3), None);
}

#[test]
fn ids_of_the_default_vantage_never_change() {
    let groups = Prefix::of_groups("__kafka-prober-default");
    let ids: Vec<_> = (0..3).filter_map(|partition| groups.id_for(Partition(partition), 50)).collect();
    // The groups of these ids exist in clusters: changing an id would leave its group behind.
    assert_eq!(ids, IDS_OF_FIFTY);
    let transactions = Prefix::of_transactions("__kafka-prober-default");
    assert_eq!(transactions.id_for(Partition(0), 1), Some("__kafka-prober-default-txn-0".into()));
}

const IDS_OF_FIFTY: [&str; 3] =
    ["__kafka-prober-default-0.28", "__kafka-prober-default-1.44", "__kafka-prober-default-2.15"];

#[test]
fn count_that_shares_a_factor_with_the_hash_leaves_no_partition_without_an_id() {
    for count in [31, 62, 1829, 1922] {
        for partition in (0..count).step_by(37).map(Partition) {
            let id = Prefix::of_groups("default").id_for(partition, count).expect("there is one");
            assert_eq!(partition_of(&id, count), Some(partition));
        }
    }
}

#[test]
fn partitions_are_asked_round_robin_and_a_leader_move_changes_no_turn() {
    let mut rotation = Rotation::default();
    let mut turns = |led: &[i32], count: usize| -> Vec<i32> {
        let led = led.iter().copied().map(Partition);
        (0..count).filter_map(|_| rotation.next(led.clone())).map(|partition| partition.0).collect()
    };
    assert_eq!(turns(&[0, 3, 6], 4), [0, 3, 6, 0]);
    // 9 has never been asked; 3 was asked longest ago of the others.
    assert_eq!(turns(&[0, 3, 9], 4), [9, 3, 0, 9]);
    assert_eq!(turns(&[], 1), [0; 0]);
}

#[test]
fn partition_that_failed_has_every_second_turn_until_it_has_failed_three_times() {
    let mut rotation = Rotation::default();
    let mut turns = Vec::new();
    for _ in 0..12 {
        let partition = rotation.next((0..4).map(Partition)).expect("there are four");
        rotation.on_end(partition, partition != Partition(1));
        turns.push(partition.0);
    }
    assert_eq!(turns, [0, 1, 2, 1, 3, 1, 0, 2, 3, 1, 0, 2]);
}

#[test]
fn partition_that_succeeds_after_a_failure_waits_for_its_turn_again() {
    let mut rotation = Rotation::default();
    let mut turns = Vec::new();
    for turn in 0..9 {
        let partition = rotation.next((0..4).map(Partition)).expect("there are four");
        rotation.on_end(partition, turn != 1);
        turns.push(partition.0);
    }
    assert_eq!(turns, [0, 1, 2, 1, 3, 0, 2, 1, 3]);
}

#[test]
fn loading_lasts_from_its_first_answer_to_another_answer() {
    let at = |seconds| Time::ORIGIN + Duration::from_secs(seconds);
    let mut loading = Loading::default();
    assert_eq!(loading.observe(Partition(1), at(1), false), None);
    assert_eq!(loading.observe(Partition(1), at(2), true), Some(LoadingChange::Began));
    assert_eq!(loading.observe(Partition(1), at(4), true), None);
    assert_eq!(loading.now().collect::<Vec<_>>(), [(Partition(1), at(2))]);
    assert_eq!(loading.observe(Partition(1), at(9), false), Some(LoadingChange::Ended(Duration::from_secs(7))));
    assert_eq!(loading.now().count(), 0);
}

proptest! {
    #[test]
    fn id_hashes_to_its_partition_and_stays_the_same(
        vantage in "\\PC{0,20}",
        (partition, count) in (1_i32..2000).prop_flat_map(|count| (0..count, Just(count))),
    ) {
        for prefix in [Prefix::of_groups(&vantage), Prefix::of_transactions(&vantage)] {
            let id = prefix.id_for(Partition(partition), count).expect("there is one");
            prop_assert_eq!(partition_of(&id, count), Some(Partition(partition)));
            prop_assert!(id.starts_with(&prefix.0));
            prop_assert_eq!(prefix.id_for(Partition(partition), count), Some(id));
        }
    }

    #[test]
    fn ids_of_two_partitions_or_vantages_are_never_equal(
        (one, other) in ("[a-z0-9.-]{0,6}", "[a-z0-9.-]{0,6}"),
        (left, right) in (0_i32..50, 0_i32..50),
    ) {
        prop_assume!((&one, left) != (&other, right));
        let id = |vantage: &str, partition| Prefix::of_groups(vantage).id_for(Partition(partition), 50);
        prop_assert_ne!(id(&one, left), id(&other, right));
    }

    #[test]
    fn hash_of_the_whole_is_the_hash_of_its_parts(one in "\\PC{0,20}", other in "\\PC{0,20}") {
        prop_assert_eq!(java_hash(&format!("{one}{other}")), continued(java_hash(&one), &other));
    }

    #[test]
    fn every_id_has_a_partition(id in any::<String>(), count in 1..i32::MAX) {
        let partition = partition_of(&id, count).expect("there is one");
        prop_assert!((0..count).contains(&partition.0));
    }

    #[test]
    fn every_partition_is_asked_within_one_round(led in prop::collection::btree_set(0_i32..50, 1..20)) {
        let led: Vec<Partition> = led.into_iter().map(Partition).collect();
        let mut rotation = Rotation::default();
        for _ in 0..3 {
            let mut round: Vec<_> = led.iter().filter_map(|_| rotation.next(led.iter().copied())).collect();
            round.sort_unstable();
            prop_assert_eq!(&round, &led);
        }
    }

    #[test]
    fn nobody_waits_longer_than_two_rounds_whatever_fails(
        count in 1_i32..20,
        failing in prop::collection::btree_set(0_i32..20, 0..20),
        successes in prop::collection::vec(any::<bool>(), 200),
    ) {
        let mut rotation = Rotation::default();
        let mut last = vec![0; usize::try_from(count).expect("few")];
        for (turn, success) in (1..).zip(successes) {
            let partition = rotation.next((0..count).map(Partition)).expect("there is one");
            rotation.on_end(partition, success || !failing.contains(&partition.0));
            last[usize::try_from(partition.0).expect("small")] = turn;
            prop_assert!(last.iter().all(|last| turn - last <= 2 * count), "{last:?} at {turn}");
        }
    }
}
