//! The pinned lane over the wire: one partition on each broker and nowhere else, one attempt, no retry. This is what
//! names the culprit.
//!
//! Per broker there are a write connection ([`writer`]), a read connection ([`reader`]), and short-lived ones for
//! questions; [`seats`] says who serves which partition. Nothing that can wait on replication, the controller or a long
//! poll shares a connection with a probe that judges the broker (K3).

mod reader;
mod workers;
mod writer;

use std::time::Duration;

use prober_core::ids::Partition;
use prober_core::time::Time;
use prober_probes::clock::Clock;
use prober_probes::port::{Lane, Outgoing, Refusal};

use crate::alarm::{Alarm, Task};

use super::topic::reconciler::Observer;
use super::topic::rereader::SecondLooks;
use super::topic::{Context, TopicSettings};
use crate::kafka::Reporter;
use workers::{Seating, Seats};

/// Settings of the lane.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its topic.
    pub topic: TopicSettings,
    /// How long a fetch may wait for a record.
    pub fetch_max_wait: Duration,
}

/// The lane's port. Dropping it ends everything that it started.
pub struct PinnedLane {
    seats: Seats,
    second_looks: SecondLooks,
    _observer: Task,
}

impl PinnedLane {
    /// Starts the lane; needs a tokio runtime. Reports from then on.
    pub fn start(settings: Settings, clock: Clock, report: Reporter, alarm: Alarm) -> PinnedLane {
        let context = Context::new(&settings.topic, clock, report, alarm.clone());
        let seats = Seats::new(clock);
        let second_looks = SecondLooks::new(context.clone());
        let seating = Seating::new(seats.clone(), context.clone(), settings.fetch_max_wait);
        let observer = Observer::new(settings.topic, context, seating);
        PinnedLane { seats, second_looks, _observer: alarm.spawn("observer", observer.run()) }
    }
}

impl Lane for PinnedLane {
    fn submit(&mut self, record: Outgoing) -> Result<Time, Refusal> {
        self.seats.submit(record)
    }

    fn reread(&mut self, partition: Partition, offset: i64) {
        self.second_looks.ask(partition, offset);
    }
}
