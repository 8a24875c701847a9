//! Settle and ledger as one: everything that is said about attempts goes in, and each event comes to be counted once.

use std::sync::Arc;
use std::time::Duration;

use crate::buckets::Edges;
use crate::event::Event;
use crate::ids::{Broker, BrokerId, ClusterName, Phase, Probe, Series, Target};
use crate::ledger::Ledger;
use crate::objective::Objective;
use crate::settle::{Settle, Stall};
use crate::time::Time;
use crate::track::Output;

/// The books.
#[derive(Debug)]
pub struct Counting {
    settle: Settle,
    ledger: Ledger,
}

impl Counting {
    /// Empty books that judge by these objectives; `edges` are those of the duration histograms.
    pub fn new(objectives: Arc<[Objective]>, edges: Edges) -> Counting {
        Counting { settle: Settle::new(), ledger: Ledger::new(objectives, edges) }
    }

    /// Opens a target's series at zero.
    pub fn discover(&mut self, target: &Target) {
        self.ledger.discover(target);
    }

    /// Takes in what was said about a target. Rereads are the driver's to carry out.
    pub fn on_output(&mut self, target: &Target, output: Output) {
        match output {
            Output::Event(event) => self.settle.push(event),
            other => self.ledger.on_output(target, &other),
        }
    }

    /// Opens a series of a direct probe at zero.
    pub fn open(&mut self, series: &Series) {
        self.ledger.open(series.clone());
    }

    /// A direct probe's attempt came due, and its question was put.
    pub fn on_sent(&mut self, series: &Series) {
        self.ledger.due(series);
        self.ledger.sent(series);
    }

    /// So many attempts of a direct probe came due and were never put.
    pub fn missed(&mut self, series: &Series, count: u64) {
        self.ledger.missed(series, count);
    }

    /// A direct probe's attempt ended.
    pub fn ended(&mut self, event: Event) {
        self.settle.push(event);
    }

    /// A phase of a direct probe was passed.
    pub fn phase(&mut self, cluster: &ClusterName, broker: Broker, phase: Phase, took: Duration) {
        self.ledger.phase(cluster, broker, phase, took);
    }

    /// A broker left a request to the controller unanswered that another had answered.
    pub fn channel_failed(&mut self, cluster: &ClusterName, broker: BrokerId) {
        self.ledger.channel_failed(cluster, broker);
    }

    /// Takes a heartbeat in; returns the stall that it tells of.
    pub fn beat(&mut self, expected: Time, at: Time) -> Option<Stall> {
        self.settle.beat(expected, at)
    }

    /// The container's CPU limit held us back for as long.
    pub fn on_throttled(&mut self, stretch: Stall) {
        self.settle.on_throttled(stretch);
    }

    /// The machine was suspended, and is awake again.
    pub fn on_resume(&mut self) {
        self.settle.on_resume();
    }

    /// Counts every event that has settled by `now`, and hands it on.
    pub fn settle(&mut self, now: Time, mut counted: impl FnMut(&Event)) {
        let ledger = &mut self.ledger;
        self.settle.ready(now, |event| {
            ledger.record(&event);
            counted(&event);
        });
    }

    /// Counts every event, settled or not, at the shutdown.
    pub fn close(&mut self) {
        let ledger = &mut self.ledger;
        self.settle.flush(|event| _ = ledger.record(&event));
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The ledger, to read its percentiles.
    pub fn ledger_mut(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// Whether the ledger's attempts in flight are exactly those that the tracks hold open plus those that settle.
    pub fn balance(&self, open_in_tracks: usize) -> bool {
        self.ledger.in_flight() == (open_in_tracks + self.settle.len()) as u64
    }

    /// Attempts of one probe at one target that are due and not counted.
    pub fn in_flight(&self, target: &Target, probe: Probe) -> u64 {
        self.ledger.counts(&target.series(probe)).in_flight()
    }
}
