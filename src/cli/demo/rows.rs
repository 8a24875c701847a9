//! A snapshot as the demo shows it: in the broker view a row for each broker, in the client view one for each partition.

use std::time::Duration;

use prober_core::counts::SeriesCounts;
use prober_core::event::Outcome;
use prober_core::ids::{Broker, BrokerId, Partition, Probe, Subject, View};
use prober_core::snapshot::{BrokerState, SUSPECT_AFTER, Snapshot};

/// The condition of a row, from best to worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Condition {
    /// Nothing was judged yet.
    #[default]
    Unknown,
    /// Its newest events are good.
    Healthy,
    /// An attempt has waited longer than is healthy.
    Waiting,
    /// Its newest events are bad.
    Failing,
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) view: View,
    /// In the broker view the broker itself; in the client view the preferred leader of the partition.
    pub(super) broker: BrokerId,
    /// In the client view, the partition.
    pub(super) partition: Option<Partition>,
    pub(super) condition: Condition,
    /// The name of its condition.
    pub(super) word: &'static str,
    /// How long its oldest unacked record has waited.
    pub(super) waiting: Option<Duration>,
    /// Good events of all its probes.
    pub(super) good: u64,
    pub(super) bad: u64,
    /// Median round trip since the start.
    pub(super) median: Option<Duration>,
}

impl Row {
    /// The broker, or in the client view the partition.
    pub(super) fn name(&self) -> String {
        let kind = if self.view == View::Client { "partition" } else { "broker" };
        format!("{kind} {}", self.number())
    }

    /// The number of the broker or partition; `-` for a partition that is not known.
    pub(super) fn number(&self) -> String {
        match self.view {
            View::Client => self.partition.map_or_else(|| "-".to_owned(), |partition| partition.0.to_string()),
            _ => self.broker.to_string(),
        }
    }
}

/// Rows of one view, in the order of their brokers.
pub(super) fn rows(snapshot: &Snapshot, view: View) -> Vec<Row> {
    let mut ids: Vec<BrokerId> = snapshot.brokers.iter().map(|status| status.broker).collect();
    ids.sort_unstable();
    ids.into_iter().map(|broker| row(snapshot, view, broker)).collect()
}

fn row(snapshot: &Snapshot, view: View, broker: BrokerId) -> Row {
    let of_row = |row: &&SeriesCounts| row.series.view == view && row.broker == Broker::Id(broker);
    let round_trips = snapshot.series.iter().filter(of_row).find(|row| row.series.probe == Probe::EndToEnd);
    let waiting = snapshot
        .lanes
        .iter()
        .filter(|lane| lane.lane.view() == view)
        .filter_map(|lane| lane.waiting.get(&broker).copied())
        .max();
    let (condition, word) = match view {
        View::Broker => of_broker(snapshot, broker),
        _ => of_partition(snapshot.series.iter().filter(of_row), waiting),
    };
    let partition = snapshot.series.iter().find(of_row).and_then(|row| match row.series.subject {
        Subject::Partition(partition) => partition,
        Subject::Broker(_) => None,
    });
    Row {
        view,
        broker,
        partition,
        condition,
        word,
        waiting,
        good: total(snapshot, of_row, |row| row.counts.of(Outcome::Good)),
        bad: total(snapshot, of_row, bad),
        median: round_trips.filter(|row| 0 < row.quantiles.count).map(|row| row.quantiles.p50),
    }
}

fn of_broker(snapshot: &Snapshot, broker: BrokerId) -> (Condition, &'static str) {
    let state = snapshot.brokers.iter().find(|status| status.broker == broker).and_then(|status| status.state);
    let condition = match state {
        None => Condition::Unknown,
        Some(BrokerState::Ok) => Condition::Healthy,
        Some(BrokerState::Suspect | BrokerState::Planned) => Condition::Waiting,
        Some(BrokerState::Failing | BrokerState::Absent) => Condition::Failing,
    };
    (condition, state.map_or("-", BrokerState::as_str))
}

/// By the newest judged events of the partition, whoever leads it.
fn of_partition<'a>(
    series: impl Iterator<Item = &'a SeriesCounts>,
    waiting: Option<Duration>,
) -> (Condition, &'static str) {
    let newest: Vec<Outcome> = series.filter_map(|row| row.latest).map(|latest| latest.outcome).collect();
    if newest.iter().any(|outcome| !matches!(outcome, Outcome::Good | Outcome::Slow)) {
        (Condition::Failing, "failing")
    } else if waiting.is_some_and(|waiting| SUSPECT_AFTER <= waiting) {
        (Condition::Waiting, "waiting")
    } else if newest.is_empty() {
        (Condition::Unknown, "-")
    } else {
        (Condition::Healthy, "ok")
    }
}

/// Bad events of this series.
pub(super) fn bad(row: &SeriesCounts) -> u64 {
    use Outcome::{Corrupt, Error, Lost, Slow, Timeout};
    [Slow, Error, Timeout, Lost, Corrupt].into_iter().map(|outcome| row.counts.of(outcome)).sum()
}

/// The sum of a count over some series.
pub(super) fn total(
    snapshot: &Snapshot,
    is_wanted: impl Fn(&&SeriesCounts) -> bool,
    count: impl Fn(&SeriesCounts) -> u64,
) -> u64 {
    snapshot.series.iter().filter(is_wanted).map(count).sum()
}
