//! The likelihood by itself, on tables written down by hand; stories of whole incidents are in `scenarios`.

use std::time::Duration;

use super::*;
use crate::diagnosis::evidence::cells::latency_window::WindowStats;
use crate::diagnosis::evidence::single_connection_stalls::SingleConnectionStalls;
use crate::diagnosis::thresholds::hypotheses;
use proptest::prelude::*;

const WELL: WindowStats = WindowStats {
    answers: 16,
    late: 0.0,
    very_late: 0.0,
    limit: Duration::from_millis(50),
    median: None,
    answered_elsewhere: 0,
    slow: false,
    well: true,
    failing: false,
    fault: None,
};

fn bits(slow: bool) -> CellFlags {
    let stats = if slow { WindowStats { late: 0.5, slow, well: false, ..WELL } } else { WELL };
    CellFlags { stats, is_outlier: slow, is_bad_outlier: slow }
}

/// Three brokers; these cells are slow.
fn table(slow: &[(Column, i32)]) -> Table {
    let cells = (1..=3).flat_map(|id| Column::ALL.map(|column| (column, id)));
    let cells = cells.map(|at| ((at.0, BrokerId(at.1)), bits(slow.contains(&at))));
    Table { cells: cells.collect(), ..Table::default() }
}

/// All three in sync everywhere, each leading its own.
fn replicated() -> BTreeMap<BrokerId, ReplicaState> {
    let in_sync: Vec<BrokerId> = (1..=3).map(BrokerId).collect();
    in_sync
        .iter()
        .map(|id| (*id, ReplicaState { leader: Some(*id), replicas: in_sync.clone(), in_sync: in_sync.clone() }))
        .collect()
}

fn best(slow: &[(Column, i32)]) -> Option<Ranked> {
    let explanations = explain(&table(slow), &replicated());
    assert!(explanations.len() <= 1, "{explanations:?}");
    explanations.first().map(|one| one.best).filter(|best| hypotheses::NAMED_FROM.get() <= best.probability)
}

const FAR: [(Column, i32); 4] =
    [(Column::Write, 2), (Column::Fetch, 2), (Column::Metadata, 2), (Column::Replicated, 2)];

#[test]
fn signature_of_a_way_is_told_from_that_of_a_broker_by_who_else_waits() {
    assert_eq!(best(&FAR).map(|best| best.hypothesis), Some(Hypothesis::PathDegraded(BrokerId(2))));
    let slow = [&FAR[..], &[(Column::Replicated, 1), (Column::Replicated, 3)]].concat();
    assert_eq!(best(&slow).map(|best| best.hypothesis), Some(Hypothesis::BrokerSlow(BrokerId(2))));
}

#[test]
fn way_that_loses_packets_is_no_slow_broker_even_where_writes_of_other_leaders_are_late() {
    let mut table = table(&[&FAR[..3], &[(Column::Replicated, 1)]].concat());
    let found = |table: &Table| explain(table, &replicated()).remove(0).best.hypothesis;
    assert_eq!(found(&table), Hypothesis::BrokerSlow(BrokerId(2)));
    let stalls = SingleConnectionStalls { stalls: 12, connections: 3, is_ongoing: false };
    table.single_connection_stalls.insert(BrokerId(2), stalls);
    assert_eq!(found(&table), Hypothesis::PathDegraded(BrokerId(2)));
    for other in [1, 3] {
        table.single_connection_stalls.insert(BrokerId(other), SingleConnectionStalls { stalls: 4, ..stalls });
    }
    assert_eq!(found(&table), Hypothesis::BrokerSlow(BrokerId(2)), "connections to most others stall as well");
}

#[test]
fn runner_up_of_a_way_is_the_broker() {
    let Explanation { best, others } = explain(&table(&FAR), &replicated()).remove(0);
    assert_eq!(others[0].hypothesis, Hypothesis::BrokerSlow(BrokerId(2)));
    assert!(others[0].probability < best.probability / 10.0);
}

#[test]
fn single_slow_cell_is_no_finding() {
    for column in Column::ALL {
        assert_eq!(best(&[(column, 2)]), None, "{column:?}");
    }
}

#[test]
fn client_view_of_a_leader_alone_accuses_nobody() {
    assert_eq!(best(&[(Column::Replicated, 1), (Column::Replicated, 2), (Column::Replicated, 3)]), None);
}

proptest! {
    /// Whatever the cells show, the probabilities are some, and together no more than one.
    #[test]
    fn probabilities_add_up(cells in prop::collection::vec((0usize..5, 1i32..4), 0..15)) {
        let slow: Vec<(Column, i32)> = cells.into_iter().map(|(column, id)| (Column::ALL[column], id)).collect();
        for Explanation { best, others } in explain(&table(&slow), &replicated()) {
            let ranked: Vec<Ranked> = [best].into_iter().chain(others).collect();
            let total: f64 = ranked.iter().map(|one| one.probability).sum();
            prop_assert!(ranked.iter().all(|one| (0.0..=1.0).contains(&one.probability)));
            prop_assert!(total <= 1.0 + 1e-9, "{}", total);
        }
    }
}

#[test]
fn who_is_certain_before_what_it_is_while_the_others_are_well() {
    let tied = |broker| {
        let one = |hypothesis| Ranked { hypothesis, probability: 0.45 };
        [one(Hypothesis::BrokerSlow(broker)), one(Hypothesis::PathDegraded(broker)), one(Hypothesis::ClusterOverloaded)]
    };
    let [best, others @ ..] = tied(BrokerId(2));
    let explanation = Explanation { best, others: others.to_vec() };
    let mut table = Table::default();
    assert!((confidence(&table, std::slice::from_ref(&explanation), &explanation) - 0.9).abs() < 1e-9);
    table
        .single_connection_stalls
        .insert(BrokerId(2), SingleConnectionStalls { stalls: 5, connections: 2, is_ongoing: true });
    assert!(
        (confidence(&table, std::slice::from_ref(&explanation), &explanation) - 0.9).abs() < 1e-9,
        "its own connections are no others"
    );
    table
        .single_connection_stalls
        .insert(BrokerId(1), SingleConnectionStalls { stalls: 1, connections: 1, is_ongoing: true });
    assert!((confidence(&table, std::slice::from_ref(&explanation), &explanation) - 0.45).abs() < 1e-9);
}

/// Five brokers, three replicas each on the next brokers; the rows of these are slow, and so is each write that waits for them.
fn found_of_five(slow: &[i32]) -> Vec<Option<BrokerId>> {
    let replicas = |id: i32| (0..3).map(move |next| BrokerId((id - 1 + next) % 5 + 1));
    let replicated: BTreeMap<BrokerId, ReplicaState> = (1..=5)
        .map(|id| {
            (
                BrokerId(id),
                ReplicaState {
                    leader: Some(BrokerId(id)),
                    replicas: replicas(id).collect(),
                    in_sync: replicas(id).collect(),
                },
            )
        })
        .collect();
    let is_slow = |column: Column, id: i32| match column {
        Column::Replicated => replicas(id).any(|replica| slow.contains(&replica.0)),
        _ => slow.contains(&id),
    };
    let cells = (1..=5).flat_map(|id| Column::ALL.map(|column| (column, id)));
    // With most of them slow none is an outlier.
    let is_outlier = slow.len() < 3;
    let flags = |slow| CellFlags {
        stats: WindowStats { very_late: bits(slow).stats.late, ..bits(slow).stats },
        is_outlier: slow && is_outlier,
        is_bad_outlier: slow && is_outlier,
    };
    let cells = cells.map(|(column, id)| ((column, BrokerId(id)), flags(is_slow(column, id))));
    let table = Table { cells: cells.collect(), ..Table::default() };
    let set = explain(&table, &replicated);
    let sure = set.iter().filter(|one| hypotheses::NAMED_FROM.get() <= confidence(&table, &set, one));
    sure.map(|one| one.best.hypothesis.broker()).collect()
}

#[test]
fn two_slow_brokers_are_two_hypotheses_and_neither_hides_the_other() {
    for (one, two) in [(1, 2), (1, 3), (2, 4), (3, 4), (4, 5)] {
        assert_eq!(found_of_five(&[one, two]), [Some(BrokerId(one)), Some(BrokerId(two))]);
    }
}

#[test]
fn most_brokers_slow_are_one_load_and_name_nobody() {
    assert_eq!(found_of_five(&[1, 2, 3, 4, 5]), [None]);
}

#[test]
fn cells_that_are_neither_well_nor_slow_decide_where_the_others_nearly_do() {
    let named = |half: &[Column]| {
        let mut table = table(&[(Column::Write, 2)]);
        for column in half {
            let cell = table.cells.get_mut(&(*column, BrokerId(2))).expect("a cell");
            cell.stats = WindowStats { late: 0.15, well: false, ..WELL };
        }
        // Of no other write it is known whether it waits.
        table.cells.retain(|(column, _), _| *column != Column::Replicated);
        let set = explain(&table, &replicated());
        set.iter().map(|one| one.best.probability).sum::<f64>()
    };
    assert!(named(&[]) < 0.01);
    assert!(
        (0.3..0.4).contains(&named(&[Column::Fetch, Column::Metadata])),
        "{}",
        named(&[Column::Fetch, Column::Metadata])
    );
}

#[test]
fn disk_is_suspected_once_the_broker_answered_something_else_during_two_late_writes() {
    for (answered_elsewhere, is_suspected) in [(1, false), (2, true)] {
        let mut table = table(&[(Column::Write, 2)]);
        table.cells.get_mut(&(Column::Write, BrokerId(2))).expect("a cell").stats.answered_elsewhere =
            answered_elsewhere;
        let disk = is_plausible(Hypothesis::DiskSlow(BrokerId(2)), &table, &placed(&table, &replicated()));
        assert_eq!(disk, is_suspected, "{answered_elsewhere}");
    }
}

#[test]
fn one_slow_broker_is_no_overload_of_a_cluster_of_one() {
    let mut table = table(&[(Column::Write, 1)]);
    table.cells.retain(|(_, broker), _| *broker == BrokerId(1));
    table.cells.get_mut(&(Column::Write, BrokerId(1))).expect("a cell").stats.very_late = 0.5;
    assert!(!is_plausible(Hypothesis::ClusterOverloaded, &table, &placed(&table, &replicated())));
}
