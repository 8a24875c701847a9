//! The matrix broker × probe: of each broker, what each probe has lately seen. A cell has a failing and a slow bit; rows are
//! told from each other by which of their cells are bad, and by whether the others' are, too (design §3).
//!
//! | file | holds |
//! | --- | --- |
//! | [`cell`] | one cell: its latest answers, and what they show |
//! | [`cusum`] | the failing bit |
//! | [`history`] | what is usual, against which the slow bit is told |
//! | [`roads`] | connections that wait one at a time |

pub mod baseline;
pub mod cusum;
pub mod latency_window;
pub mod single_connection_stalls;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::event::{Event, Outcome, RawOutcome};
use crate::fault::Fault;
use crate::ids::{BrokerId, ConnectionRole, Probe, Series, View};
use crate::judge::outcome;
use crate::kafka_error::KafkaError;
use crate::time::Time;

use latency_window::{LatencyWindow, WindowStats};
use single_connection_stalls::{SingleConnectionStalls, StallDetector};

/// Late this many times as often as its peers, a broker is slow by itself.
const TIMES_PEERS: f64 = 3.0;

/// What is asked, in columns. Whether a record is read back is left out: it depends on the write before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// Pinned produce: this broker's log, and nobody else's.
    Write,
    /// A known record, read again.
    Fetch,
    /// The metadata of our topics, from memory.
    Metadata,
    /// A fresh connection.
    Connect,
    /// Produce with acks=all to the partition that prefers this broker: its leader, and whoever is in sync with it.
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

    /// In sentences.
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

/// What the cells show at a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Each cell.
    pub cells: BTreeMap<(Column, BrokerId), CellFlags>,
    /// What each broker's connections waited for one at a time.
    pub single_connection_stalls: BTreeMap<BrokerId, SingleConnectionStalls>,
}

/// One cell of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellFlags {
    /// What it shows.
    pub stats: WindowStats,
    /// Late so much more often than its peers that no common load explains it.
    pub is_outlier: bool,
    /// That, and bad.
    pub is_bad_outlier: bool,
}

impl CellFlags {
    /// Whether anything is wrong.
    pub fn is_bad(&self) -> bool {
        self.stats.failing || self.stats.slow
    }
}

impl Cells {
    /// An event was counted. What is void, or somebody's fault that is no broker's, says nothing of a broker.
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

    /// A fresh connection that was opened outside the schedule has failed with this, or has not. How long it took is not asked:
    /// it was opened because something was wrong.
    pub fn on_connect_check(&mut self, broker: BrokerId, at: Time, fault: Option<Fault>) {
        let speaks_of_it = fault.is_none_or(speaks_of_a_broker);
        if speaks_of_it && let Some(cell) = self.cells.get_mut(&(Column::Connect, broker)) {
            cell.take(at, fault.map_or(Ok(Duration::ZERO), Err), false);
        }
    }

    /// What all have lately seen is explained by something else.
    pub fn reset(&mut self) {
        self.cells.values_mut().for_each(LatencyWindow::reset);
        self.connections.values_mut().for_each(StallDetector::reset);
    }

    /// Brokers that are none any more have no cells.
    pub fn retain(&mut self, is_one: impl Fn(BrokerId) -> bool) {
        self.cells.retain(|(_, broker), _| is_one(*broker));
        self.connections.retain(|broker, _| is_one(*broker));
    }

    /// The table at `now`.
    pub fn table(&mut self, now: Time) -> Table {
        let stats: BTreeMap<(Column, BrokerId), WindowStats> =
            self.cells.iter_mut().map(|(at, cell)| (*at, cell.stats(now))).collect();
        let bits = |(at, cell): (&(Column, BrokerId), &WindowStats)| {
            let is_outlier = !cell.well && 0.0 < cell.late && TIMES_PEERS * peers_late(&stats, *at) <= cell.late;
            (*at, CellFlags { stats: *cell, is_outlier, is_bad_outlier: cell.failing || cell.slow && is_outlier })
        };
        let apart = self.connections.iter().map(|(broker, connections)| (*broker, connections.stalls(now)));
        Table { cells: stats.iter().map(bits).collect(), single_connection_stalls: apart.collect() }
    }
}

impl Table {
    /// The cell of a broker, if it has seen enough.
    pub fn at(&self, column: Column, broker: BrokerId) -> Option<&CellFlags> {
        self.cells.get(&(column, broker))
    }

    /// The table without the brokers that something else is said of.
    #[must_use]
    pub fn without(&self, is_left_out: impl Fn(BrokerId) -> bool) -> Table {
        let mut table = self.clone();
        table.cells.retain(|(_, broker), _| !is_left_out(*broker));
        table.single_connection_stalls.retain(|broker, _| !is_left_out(*broker));
        table
    }
}

/// An event's latency or fault, so far as it speaks of the broker. The prober's own stall is taken off.
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
    speaks_of_a_broker(fault).then_some(Err(fault))
}

/// Whether a fault says something of how a broker does. Whoever answers no has answered: that it does not lead the partition, as
/// while it is shut down in good order, is news of the cluster. Credentials may be anybody's, and have a finding of their own.
fn speaks_of_a_broker(fault: Fault) -> bool {
    const OF_ITS_OWN: [KafkaError; 3] =
        [KafkaError::KAFKA_STORAGE_ERROR, KafkaError::REQUEST_TIMED_OUT, KafkaError::UNKNOWN_SERVER_ERROR];
    match fault {
        Fault::Kafka(error) => OF_ITS_OWN.contains(&error),
        Fault::ConnectionRefused | Fault::ConnectionReset | Fault::Unreachable => true,
        _ => fault.is_unanswered(),
    }
}

/// The share of late answers that is ordinary among the others of a column, just now.
fn peers_late(stats: &BTreeMap<(Column, BrokerId), WindowStats>, at: (Column, BrokerId)) -> f64 {
    let column = stats.range((at.0, BrokerId(i32::MIN))..=(at.0, BrokerId(i32::MAX)));
    let mut late: Vec<f64> = column.filter(|((_, id), _)| *id != at.1).map(|(_, cell)| cell.late).collect();
    late.sort_unstable_by(f64::total_cmp);
    late.get(late.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}
