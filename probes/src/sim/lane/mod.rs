//! A simulated lane with a fault timeline: brokers with one pinned partition each. All results are computed at
//! submission, from the timeline.

mod broker;
mod timeline;

pub use timeline::{At, Incident, Timeline};

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::{BrokerId, Partition};
use prober_core::time::Time;

use crate::clock::Clock;
use crate::port::{Lane, LaneInput, Layout, RecordToSend, SendError};

use broker::SimBroker;

/// A handle to the lane. Clones share it, so that one can be the probe's and another the test's.
#[derive(Clone, Debug)]
pub struct SimLane {
    inner: Rc<RefCell<Cluster>>,
    clock: Clock,
}

#[derive(Debug)]
struct Cluster {
    brokers: BTreeMap<BrokerId, SimBroker>,
    timeline: VecDeque<(Time, Incident)>,
    /// Reports to come, by time.
    reports: BTreeMap<(Time, u64), LaneInput>,
    reported: u64,
    up: bool,
    layout_reported: bool,
}

impl SimLane {
    /// Brokers `1..=count` with partition *i* on broker *i + 1*, which fail by `timeline`.
    pub fn new(count: i32, clock: Clock, timeline: Timeline) -> SimLane {
        let brokers = (1..=count).map(|id| (BrokerId(id), SimBroker::new(Partition(id - 1)))).collect();
        let cluster = Cluster {
            brokers,
            timeline: timeline.into_sorted(),
            reports: BTreeMap::new(),
            reported: 0,
            up: true,
            layout_reported: false,
        };
        SimLane { inner: Rc::new(RefCell::new(cluster)), clock }
    }

    /// When the next report or incident is due.
    pub fn next_wake(&self) -> Time {
        let inner = self.inner.borrow();
        let incident = inner.timeline.front().map_or(Time::NEVER, |(at, _)| *at);
        let report = inner.reports.keys().next().map_or(Time::NEVER, |(at, _)| *at);
        let layout = if inner.layout_reported || !inner.up { Time::NEVER } else { self.clock.now() };
        incident.min(report).min(layout)
    }

    /// Applies the incidents up to now, and returns the reports up to now.
    pub fn advance(&self) -> Vec<LaneInput> {
        let now = self.clock.now();
        let mut inner = self.inner.borrow_mut();
        while inner.timeline.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((at, incident)) = inner.timeline.pop_front() {
                inner.apply(at, incident);
            }
        }
        if inner.up && !inner.layout_reported {
            inner.report_layout(now);
        }
        let mut out = Vec::new();
        while let Some(entry) = inner.reports.first_entry() {
            if now < entry.key().0 {
                break;
            }
            out.push(entry.remove());
        }
        out
    }

    /// The number of records in a partition's log, to compare counts with.
    pub fn log_len(&self, broker: BrokerId) -> usize {
        self.inner.borrow().brokers.get(&broker).map_or(0, |broker| broker.log.len())
    }
}

impl Lane for SimLane {
    fn submit(&mut self, record: RecordToSend) -> Result<Time, SendError> {
        let now = self.clock.now();
        let mut inner = self.inner.borrow_mut();
        let found = inner.brokers.values_mut().find(|broker| broker.partition == record.partition);
        let Some(broker) = found else { return Err(SendError { at: now, fault: Fault::NoPartition }) };
        if broker.down {
            return Err(SendError { at: now, fault: Fault::ConnectionRefused });
        }
        let reports = broker.submit(now, &record);
        inner.report(reports);
        Ok(now)
    }

    fn reread(&mut self, partition: Partition, offset: i64) {
        let now = self.clock.now();
        let mut inner = self.inner.borrow_mut();
        let found = inner.brokers.values_mut().find(|broker| broker.partition == partition);
        let report = found.and_then(|broker| broker.reread(now, offset));
        inner.report(report);
    }
}

impl Cluster {
    fn report_layout(&mut self, now: Time) {
        self.layout_reported = true;
        let assigned = self.brokers.iter().map(|(id, broker)| (broker.partition, *id)).collect();
        let mut reports = vec![(now, LaneInput::Layout { at: now, layout: Layout::Assigned(assigned) })];
        for broker in self.brokers.values() {
            let partition = broker.partition;
            if broker.down {
                reports.push((now, LaneInput::Unreachable { partition }));
            } else if broker.answer_latency().is_some() {
                let offset = broker.end();
                reports.push((now, LaneInput::Position { partition, at: now, offset, reset: false }));
            }
        }
        self.report(reports);
    }

    fn apply(&mut self, at: Time, incident: Incident) {
        match incident {
            Incident::ClusterDown => self.up = false,
            Incident::ClusterUp => self.up = true,
            Incident::Recreate => {
                self.brokers.values_mut().for_each(SimBroker::clear_log);
                let resets = self.brokers.values().map(|broker| {
                    let partition = broker.partition;
                    (at, LaneInput::Position { partition, at, offset: 0, reset: true })
                });
                let reports: Vec<_> = [(at, LaneInput::Recreated { at })].into_iter().chain(resets).collect();
                self.report(reports);
            }
            Incident::At(id, what) => {
                let reports = self.brokers.get_mut(&id).map(|broker| broker.apply(at, what)).unwrap_or_default();
                self.report(reports);
            }
        }
    }

    fn report(&mut self, reports: impl IntoIterator<Item = (Time, LaneInput)>) {
        for (at, input) in reports {
            self.reported += 1;
            self.reports.insert((at, self.reported), input);
        }
    }
}

/// The latency of a healthy broker's ack; the record is read this much later again.
pub const ACK_LATENCY: Duration = Duration::from_millis(2);

/// Offsets of records that were acked and not stored.
type LostOffsets = BTreeSet<i64>;
