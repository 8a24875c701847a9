//! A simulated cluster with a fault timeline: brokers with one pinned partition each, on the prober's own (usually
//! paused) clock. Deterministic: what happens when is decided at submission, from the timeline alone.

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

/// A handle to the cluster; clones share it, so that one can be a lane and another the test's own eye.
#[derive(Clone, Debug)]
pub struct Sim {
    inner: Rc<RefCell<Cluster>>,
    clock: Clock,
}

#[derive(Debug)]
struct Cluster {
    brokers: BTreeMap<BrokerId, SimBroker>,
    timeline: VecDeque<(Time, Incident)>,
    /// What will be reported, by when.
    reports: BTreeMap<(Time, u64), LaneInput>,
    reported: u64,
    up: bool,
    laid_out: bool,
}

impl Sim {
    /// A cluster of brokers `1..=count`, partition *i* on broker *i + 1*, that lives through `timeline`.
    pub fn new(count: i32, clock: Clock, timeline: Timeline) -> Sim {
        let brokers = (1..=count).map(|id| (BrokerId(id), SimBroker::new(Partition(id - 1)))).collect();
        let cluster = Cluster {
            brokers,
            timeline: timeline.into_sorted(),
            reports: BTreeMap::new(),
            reported: 0,
            up: true,
            laid_out: false,
        };
        Sim { inner: Rc::new(RefCell::new(cluster)), clock }
    }

    /// When something happens next.
    pub fn next_wake(&self) -> Time {
        let inner = self.inner.borrow();
        let incident = inner.timeline.front().map_or(Time::NEVER, |(at, _)| *at);
        let report = inner.reports.keys().next().map_or(Time::NEVER, |(at, _)| *at);
        let layout = if inner.laid_out || !inner.up { Time::NEVER } else { self.clock.now() };
        incident.min(report).min(layout)
    }

    /// Lets everything happen that is to happen by now, and hands out what is reported of it.
    pub fn advance(&self) -> Vec<LaneInput> {
        let now = self.clock.now();
        let mut inner = self.inner.borrow_mut();
        while inner.timeline.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((at, incident)) = inner.timeline.pop_front() {
                inner.strike(at, incident);
            }
        }
        if inner.up && !inner.laid_out {
            inner.lay_out(now);
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

    /// How many records stand in a partition's log: the truth to hold counts against.
    pub fn log_len(&self, broker: BrokerId) -> usize {
        self.inner.borrow().brokers.get(&broker).map_or(0, |broker| broker.log.len())
    }
}

impl Lane for Sim {
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
    fn lay_out(&mut self, now: Time) {
        self.laid_out = true;
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

    fn strike(&mut self, at: Time, incident: Incident) {
        match incident {
            Incident::ClusterDown => self.up = false,
            Incident::ClusterUp => self.up = true,
            Incident::Recreate => {
                self.brokers.values_mut().for_each(SimBroker::forget_log);
                let resets = self.brokers.values().map(|broker| {
                    let partition = broker.partition;
                    (at, LaneInput::Position { partition, at, offset: 0, reset: true })
                });
                let reports: Vec<_> = [(at, LaneInput::Recreated { at })].into_iter().chain(resets).collect();
                self.report(reports);
            }
            Incident::At(id, what) => {
                let reports = self.brokers.get_mut(&id).map(|broker| broker.strike(at, what)).unwrap_or_default();
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

/// The latency of a healthy simulated broker's ack; its read comes as long again after it.
pub const ACK_LATENCY: Duration = Duration::from_millis(2);

/// The offsets at which a broker swallowed a record: acked, and never stored.
type Swallowed = BTreeSet<i64>;
