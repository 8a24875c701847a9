//! The pinned lane over the wire: one partition on each broker and nowhere else, one attempt, no retry. This is what
//! names the culprit.
//!
//! Per broker there are a write connection ([`writer`]), a read connection ([`reader`]), and short-lived ones for
//! questions; [`observer`] keeps the picture of the cluster and lays the lane out by it. Nothing that can wait on
//! replication, the controller or a long poll shares a connection with a probe that judges the broker (K3).

mod creation;
mod fault;
mod layout;
mod link;
mod metadata;
mod observer;
mod ownership;
mod position;
mod reader;
mod writer;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prober_core::fault::Fault;
use prober_core::ids::Partition;
use prober_core::placement::Mode;
use prober_core::time::Time;
use prober_probes::clock::Clock;
use prober_probes::port::{Lane, Outgoing, Refusal};
use prober_probes::record::Identity;

use crate::alarm::{Alarm, Task};

use super::Reporter;
use layout::Seat;

/// Settings of the lane.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to ask first, `host:port` each.
    pub bootstrap: Vec<String>,
    /// The topic.
    pub topic: Arc<str>,
    /// What the brokers' logs and quotas know us by.
    pub client_id: Arc<str>,
    /// How long a fetch may wait for a record.
    pub fetch_max_wait: Duration,
    /// Produce's deadline: the patience with a silent connection.
    pub deadline: Duration,
    /// Whether a missing topic is created.
    pub upkeep: Mode,
    /// Who writes.
    pub identity: Identity,
}

/// The lane's port. Dropping it ends everything that it started.
pub struct PinnedLane {
    clock: Clock,
    seats: Seats,
    _observer: Task,
}

/// Who serves each partition, shared with the observer that lays them out.
type Seats = Arc<Mutex<BTreeMap<Partition, Seat>>>;

impl PinnedLane {
    /// Starts the lane; needs a tokio runtime. Reports from then on.
    pub fn start(settings: Settings, clock: Clock, report: Reporter, alarm: Alarm) -> PinnedLane {
        let seats = Seats::default();
        let observer = observer::Observer::new(settings, clock, report, alarm.clone(), Arc::clone(&seats));
        PinnedLane { clock, seats, _observer: alarm.spawn("observer", observer.run()) }
    }
}

impl Lane for PinnedLane {
    fn submit(&mut self, record: Outgoing) -> Result<Time, Refusal> {
        let seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        match seats.get(&record.partition) {
            Some(Seat::Served { writer, .. }) => writer.submit(record),
            Some(Seat::NoAddress) => Err(Refusal { at: self.clock.now(), fault: Fault::NoAddress }),
            None => Err(Refusal { at: self.clock.now(), fault: Fault::NoPartition }),
        }
    }

    fn reread(&mut self, partition: Partition, offset: i64) {
        let seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Seat::Served { reader, .. }) = seats.get(&partition) {
            reader.reread(offset);
        }
    }
}
