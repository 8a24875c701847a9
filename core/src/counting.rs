//! The counting front: takes what is reported about attempts, holds each event until it has settled, and counts it once.

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

/// Settle and ledger together.
#[derive(Debug)]
pub struct Counting {
    settle: Settle,
    ledger: Ledger,
}

impl Counting {
    /// Nothing counted yet. `edges` are those of the duration histograms.
    pub fn new(objectives: Arc<[Objective]>, edges: Edges) -> Counting {
        Counting { settle: Settle::new(), ledger: Ledger::new(objectives, edges) }
    }

    /// Starts the series of a target at zero.
    pub fn discover(&mut self, target: &Target) {
        self.ledger.discover(target);
    }

    /// Takes in one output of a track. The caller carries out rereads.
    pub fn on_output(&mut self, target: &Target, output: Output) {
        match output {
            Output::Event(event) => self.settle.push(event),
            other => self.ledger.on_output(target, &other),
        }
    }

    /// Starts a series of a direct probe at zero.
    pub fn open(&mut self, series: &Series) {
        self.ledger.open(series.clone());
    }

    /// An attempt of a direct probe came due and its request was sent.
    pub fn on_sent(&mut self, series: &Series) {
        self.ledger.due(series);
        self.ledger.sent(series);
    }

    /// `count` attempts of a direct probe came due and were never sent.
    pub fn missed(&mut self, series: &Series, count: u64) {
        self.ledger.missed(series, count);
    }

    /// An attempt of a direct probe ended.
    pub fn ended(&mut self, event: Event) {
        self.settle.push(event);
    }

    /// A phase of a direct probe was completed.
    pub fn phase(&mut self, cluster: &ClusterName, broker: Broker, phase: Phase, took: Duration) {
        self.ledger.phase(cluster, broker, phase, took);
    }

    /// A broker did not answer a controller request that another broker did (K17).
    pub fn channel_failed(&mut self, cluster: &ClusterName, broker: BrokerId) {
        self.ledger.channel_failed(cluster, broker);
    }

    /// Takes in a heartbeat; returns the stall that it shows, if any.
    pub fn beat(&mut self, expected: Time, at: Time) -> Option<Stall> {
        self.settle.beat(expected, at)
    }

    /// The CPU limit of the container throttled the prober during `stretch`.
    pub fn on_throttled(&mut self, stretch: Stall) {
        self.settle.on_throttled(stretch);
    }

    /// The host resumed after a suspend.
    pub fn on_resume(&mut self) {
        self.settle.on_resume();
    }

    /// Counts every event that has settled by `now`, and hands it on.
    pub fn settle(&mut self, now: Time, mut counted: impl FnMut(Event)) {
        let ledger = &mut self.ledger;
        self.settle.ready(now, |event| {
            ledger.record(&event);
            counted(event);
        });
    }

    /// Counts every event, settled or not, before the process ends.
    pub fn close(&mut self) {
        let ledger = &mut self.ledger;
        self.settle.flush(|event| ledger.record(&event));
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The ledger, to read its percentiles.
    pub fn ledger_mut(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// The accounting invariant: the attempts in flight of the ledger are those open in tracks plus those that wait to settle.
    pub fn balance(&self, open_in_tracks: usize) -> bool {
        self.ledger.in_flight() == (open_in_tracks + self.settle.len()) as u64
    }

    /// Attempts of one probe at one target that are due and not counted.
    pub fn in_flight(&self, target: &Target, probe: Probe) -> u64 {
        self.ledger.counts(&target.series(probe)).in_flight()
    }
}
