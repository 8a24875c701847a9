//! The pinned lane over the wire: one partition with one replica on each broker, one attempt per record, no retry. Its results
//! depend on a single broker, so they show which broker fails.
//!
//! Each broker has a produce connection ([`writer`]), a fetch connection ([`reader`]), and short-lived connections for other
//! requests; [`workers`] starts and stops them. No request that can wait for replication, the controller or a long poll shares
//! a connection with a probe that judges the broker: a broker serves one request per connection at a time
//! (docs/kafka-facts.md K3).

mod reader;
mod workers;
mod writer;

use std::time::Duration;

use prober_core::ids::Partition;
use prober_core::time::Time;
use prober_probes::clock::Clock;
use prober_probes::port::{Lane, RecordToSend, SendError};

use crate::supervisor::{Supervisor, Task};

use super::topic::reconciler::Reconciler;
use super::topic::rereader::Rereader;
use super::topic::{LaneContext, TopicSettings};
use crate::kafka::Reporter;
use workers::{WorkerAssigner, WorkerTable};

/// Settings of the lane.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The topic.
    pub topic: TopicSettings,
    /// How long a fetch may wait for a record.
    pub fetch_max_wait: Duration,
}

/// The pinned lane. Dropping it stops all its tasks and closes its connections.
pub struct PinnedLane {
    workers: WorkerTable,
    rereader: Rereader,
    _reconciler: Task,
}

impl PinnedLane {
    /// Starts the lane on the current tokio runtime; it reports from then on.
    pub fn start(settings: Settings, clock: Clock, report: Reporter, supervisor: Supervisor) -> PinnedLane {
        let context = LaneContext::new(&settings.topic, clock, report, supervisor.clone());
        let workers = WorkerTable::new(clock);
        let rereader = Rereader::new(context.clone());
        let assigner = WorkerAssigner::new(workers.clone(), context.clone(), settings.fetch_max_wait);
        let reconciler = Reconciler::new(settings.topic, context, assigner);
        PinnedLane { workers, rereader, _reconciler: supervisor.spawn("reconciler", reconciler.run()) }
    }
}

impl Lane for PinnedLane {
    fn submit(&mut self, record: RecordToSend) -> Result<Time, SendError> {
        self.workers.submit(record)
    }

    fn reread(&mut self, partition: Partition, offset: i64) {
        self.rereader.request(partition, offset);
    }
}
