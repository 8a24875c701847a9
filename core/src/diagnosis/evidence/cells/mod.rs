//! The matrix broker × probe: a cell holds the recent latencies of one probe at one broker, and is failing, slow or well. Which cells
//! are bad, and whether the other brokers' are too, tells one failure from another (`matrix`).
//!
//! | file | holds |
//! | --- | --- |
//! | [`latency_window`] | one cell: its recent answers and their statistics |
//! | [`cusum`] | whether a cell is failing |
//! | [`baseline`] | the usual latency of a cell, against which it is slow |

pub mod baseline;
pub mod cusum;
pub mod latency_window;

#[cfg(test)]
mod boundaries;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::diagnosis::thresholds::latency;
use crate::event::{Event, Outcome, RawOutcome};
use crate::fault::Fault;
use crate::ids::{BrokerId, ConnectionRole, Probe, Series, View};
use crate::judge::outcome;
use crate::kafka_error::KafkaError;
use crate::time::Time;

use super::single_connection_stalls::{SingleConnectionStalls, StallDetector};
use latency_window::{LatencyWindow, WindowStats};

/// The columns of the matrix: one kind of request each. Reading a record back is left out, because it depends on the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// Produce in the pinned lane: depends on this broker alone.
    Write,
    /// Fetch of a known record.
    Fetch,
    /// Metadata of the monitor topics, which the broker answers from memory.
    Metadata,
    /// A fresh connection.
    Connect,
    /// Produce with acks=all to the partition that prefers this broker: depends on its leader and all in-sync replicas.
    Replicated,
}

impl Column {
    /// Every column, in the order of a table.
    pub const ALL: [Column; 5] = [Column::Write, Column::Fetch, Column::Metadata, Column::Connect, Column::Replicated];

    /// The column that a series feeds, if any.
    pub fn of(series: &Series) -> Option<Column> {
        match (series.view, series.probe) {
            (View::Broker, Probe::Produce) => Some(Column::Write),
            (View::Broker, Probe::Fetch) => Some(Column::Fetch),
            (View::Broker, Probe::Metadata) => Some(Column::Metadata),
            (View::Broker, Probe::Connect) => Some(Column::Connect),
            (View::Client, Probe::Produce) => Some(Column::Replicated),
            _ => None,
        }
    }

    /// The word in sentences of findings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Column::Write => "write",
            Column::Fetch => "fetch",
            Column::Metadata => "metadata",
            Column::Connect => "connect",
            Column::Replicated => "replicated write",
        }
    }
}

/// The cells of one cluster.
#[derive(Clone, Debug, Default)]
pub struct Cells {
    cells: BTreeMap<(Column, BrokerId), LatencyWindow>,
    connections: BTreeMap<BrokerId, StallDetector>,
}

/// The flags of all cells at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// By column and broker.
    pub cells: BTreeMap<(Column, BrokerId), CellFlags>,
    /// Connections that stalled alone, by broker.
    pub single_connection_stalls: BTreeMap<BrokerId, SingleConnectionStalls>,
}

/// Statistics of one cell, compared with the same probe at the other brokers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellFlags {
    /// Its own statistics.
    pub stats: WindowStats,
    /// Whether it is late so much more often than its peers that no common load explains it.
    pub is_outlier: bool,
    /// Whether it is failing, or slow and an outlier.
    pub is_bad_outlier: bool,
}

impl CellFlags {
    /// Whether it is failing or slow.
    pub fn is_bad(&self) -> bool {
        self.stats.failing || self.stats.slow
    }
}

impl Cells {
    /// Takes in a counted event. Void events, and faults that are not about a broker, are ignored.
    pub fn on_event(&mut self, event: &Event) {
        let (Some(broker), Some(answer)) = (event.broker.id(), answer(event)) else { return };
        let threshold = event.limits.threshold;
        let sent = event.sent.unwrap_or(event.due);
        let answered_elsewhere = ConnectionRole::of(&event.series).is_some_and(|role| {
            let limit = self.cells.get(&(Column::Write, broker)).map_or(threshold, LatencyWindow::retransmit_limit);
            let late = answer.ok().map(|latency| limit <= latency);
            self.connections.entry(broker).or_default().on_answer(role, sent, event.ended, late)
        });
        let Some(column) = Column::of(&event.series) else { return };
        let cell = self.cells.entry((column, broker)).or_insert_with(|| LatencyWindow::new(threshold));
        cell.set_threshold(threshold);
        cell.take(event.ended, answer, answered_elsewhere);
    }

    /// Takes in the result of a connect check; `None` is success. Its latency is ignored, because it was made during a failure.
    pub fn on_connect_check(&mut self, broker: BrokerId, at: Time, fault: Option<Fault>) {
        let counts = fault.is_none_or(is_about_broker);
        if counts && let Some(cell) = self.cells.get_mut(&(Column::Connect, broker)) {
            cell.take(at, fault.map_or(Ok(Duration::ZERO), Err), false);
        }
    }

    /// Drops all recent answers, because another failure explains them. Baselines stay.
    pub fn reset(&mut self) {
        self.cells.values_mut().for_each(LatencyWindow::reset);
        self.connections.values_mut().for_each(StallDetector::reset);
    }

    /// As [`Cells::reset`], for one column.
    pub fn reset_column(&mut self, column: Column) {
        let cells = self.cells.iter_mut().filter(|((of, _), _)| *of == column);
        cells.for_each(|(_, cell)| cell.reset());
    }

    /// Drops the cells of brokers that are not in the cluster any more.
    pub fn retain(&mut self, is_known: impl Fn(BrokerId) -> bool) {
        self.cells.retain(|(_, broker), _| is_known(*broker));
        self.connections.retain(|broker, _| is_known(*broker));
    }

    /// The usual latency of a broker, once it is known: of the write, or where none is probed of the fetch or the metadata.
    pub fn baseline(&self, broker: BrokerId) -> Option<Duration> {
        let columns = [Column::Write, Column::Fetch, Column::Metadata].into_iter();
        columns.filter_map(|column| self.cells.get(&(column, broker))).next()?.baseline()
    }

    /// The table at `now`.
    pub fn table(&mut self, now: Time) -> Table {
        let stats: BTreeMap<(Column, BrokerId), WindowStats> =
            self.cells.iter_mut().map(|(at, cell)| (*at, cell.stats(now))).collect();
        let peers = Peers::of(&stats);
        let bits = |(at, cell): (&(Column, BrokerId), &WindowStats)| {
            let is_outlier =
                !cell.well && 0.0 < cell.late && latency::PEERS_FACTOR.get() * peers.median(&stats, *at) <= cell.late;
            (*at, CellFlags { stats: *cell, is_outlier, is_bad_outlier: cell.failing || cell.slow && is_outlier })
        };
        let stalls = self.connections.iter().map(|(broker, connections)| (*broker, connections.stalls(now)));
        Table { cells: stats.iter().map(bits).collect(), single_connection_stalls: stalls.collect() }
    }
}

impl Table {
    /// One cell, if there is one.
    pub fn at(&self, column: Column, broker: BrokerId) -> Option<&CellFlags> {
        self.cells.get(&(column, broker))
    }

    /// The stalls of single connections to a broker.
    pub fn stalls_of(&self, broker: BrokerId) -> SingleConnectionStalls {
        self.single_connection_stalls.get(&broker).copied().unwrap_or_default()
    }

    /// Whether single connections to a broker stall so often, and those to most others so much less often, that the network path to
    /// it loses packets.
    pub fn is_path_lossy(&self, broker: BrokerId) -> bool {
        let stalls = self.stalls_of(broker);
        stalls.is_often() && latency::STALLS_PEERS_FACTOR.get() * self.peers_stalls(broker) <= stalls.stalls
    }

    /// Median of the stalls of the other brokers; of two in the middle the larger.
    fn peers_stalls(&self, broker: BrokerId) -> usize {
        let others = self.single_connection_stalls.iter().filter(|(id, _)| **id != broker);
        let mut stalls: Vec<usize> = others.map(|(_, other)| other.stalls).collect();
        stalls.sort_unstable();
        stalls.get(stalls.len() / 2).copied().unwrap_or(0)
    }

    /// The table without these cells. Of a broker whose answers are left out the connections are, too.
    #[must_use]
    pub fn without(&self, is_left_out: impl Fn(Column, BrokerId) -> bool) -> Table {
        let mut table = self.clone();
        table.cells.retain(|(column, broker), _| !is_left_out(*column, *broker));
        table.single_connection_stalls.retain(|broker, _| !is_left_out(Column::Metadata, *broker));
        table
    }
}

/// Latency of an event, less the prober's own stall, or its fault; `None` if it is not about the broker.
fn answer(event: &Event) -> Option<Result<Duration, Fault>> {
    if outcome(event) == Outcome::Void {
        return None;
    }
    let fault = match event.raw_outcome {
        RawOutcome::Success(latency) => return Some(Ok(latency.saturating_sub(event.stalled))),
        RawOutcome::Failed(fault) | RawOutcome::RefusedUntilDeadline(fault) => fault,
        RawOutcome::TimedOut => Fault::Timeout,
        RawOutcome::Lost | RawOutcome::Corrupt | RawOutcome::Void(_) | RawOutcome::Missed => return None,
    };
    is_about_broker(fault).then_some(Err(fault))
}

/// Whether a fault is about the health of the broker. A broker that refuses a request has answered; NOT_LEADER_OR_FOLLOWER, as
/// during a controlled shutdown, is about the cluster. Refused credentials have a finding of their own.
fn is_about_broker(fault: Fault) -> bool {
    const BROKER_ERRORS: [KafkaError; 3] =
        [KafkaError::KAFKA_STORAGE_ERROR, KafkaError::REQUEST_TIMED_OUT, KafkaError::UNKNOWN_SERVER_ERROR];
    match fault {
        Fault::Kafka(error) => BROKER_ERRORS.contains(&error),
        Fault::ConnectionRefused | Fault::ConnectionReset | Fault::Unreachable => true,
        _ => fault.is_unanswered(),
    }
}

/// The shares of late answers of all cells, to compare each with its peers.
struct Peers {
    /// Of each column, ascending.
    late: BTreeMap<Column, Vec<f64>>,
}

impl Peers {
    fn of(stats: &BTreeMap<(Column, BrokerId), WindowStats>) -> Peers {
        let mut late: BTreeMap<Column, Vec<f64>> = BTreeMap::new();
        stats.iter().for_each(|((column, _), cell)| late.entry(*column).or_default().push(cell.late));
        late.values_mut().for_each(|shares| shares.sort_unstable_by(f64::total_cmp));
        Peers { late }
    }

    /// Median share of late answers in the other cells of a column. A replicated write is compared with the writes that wait for one
    /// broker alone: a common load delays these too, while one slow follower delays the replicated writes of many leaders.
    fn median(&self, stats: &BTreeMap<(Column, BrokerId), WindowStats>, (column, broker): (Column, BrokerId)) -> f64 {
        let is_replicated = column == Column::Replicated && self.late.contains_key(&Column::Write);
        let column = if is_replicated { Column::Write } else { column };
        let Some(all) = self.late.get(&column) else { return 0.0 };
        // Without the broker's own cell: the place of its share, or of an equal one.
        let own = stats.get(&(column, broker));
        let own = own.map(|cell| all.partition_point(|late| late.total_cmp(&cell.late).is_lt()));
        let others = all.len() - usize::from(own.is_some());
        let middle = others.saturating_sub(1) / 2;
        let place = if own.is_some_and(|own| own <= middle) { middle + 1 } else { middle };
        all.get(place).copied().filter(|_| 0 < others).unwrap_or(0.0)
    }
}
