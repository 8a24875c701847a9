//! The replicated lane through librdkafka: what applications experience, with metadata refresh, retries and failover.
//!
//! One producer and one consumer per route, shared by all partitions: librdkafka starts one thread per broker and client, so a
//! pair per broker would need 2·N² threads. Each of the two has a poll thread of the prober, which stamps deliveries and
//! records.
//!
//! ```text
//!  submit ─► [`producer`] ─► librdkafka ─► broker ─► librdkafka ─► [`consumer`] ─► Read
//!                 └─ delivery ─► Acked, Failed                          ▲
//!                                            [`read_positions`]: from ──┘
//! ```
//!
//! [`settings`] has the configuration of both; [`min_isr_refusals`] finds refusals that librdkafka does not report. The topic
//! is managed over our own wire, as in the pinned lane. librdkafka's [`statistics`] explain failures and never decide an
//! attempt: deadlines are the engine's.

mod consumer;
mod fault;
mod min_isr_refusals;
mod producer;
mod read_positions;
pub mod settings;
mod statistics;

use prober_core::fault::Fault;
use prober_core::ids::Partition;
use prober_core::time::Time;
use prober_probes::clock::Clock;
use prober_probes::port::{Lane, RecordToSend, SendError};

use crate::config::RequiredAcks;
use crate::supervisor::{Supervisor, Task};

use super::topic::LaneContext;
use super::topic::reconciler::Reconciler;
use super::topic::rereader::Rereader;
use crate::kafka::Reporter;
use consumer::SharedConsumer;
use min_isr_refusals::MinIsrRefusals;
use producer::SharedProducer;
use read_positions::ReadPositions;

pub use settings::Settings;

/// The replicated lane. Dropping it stops all its tasks and clients.
pub struct ClientLane {
    clock: Clock,
    producer: Option<SharedProducer>,
    rereader: Rereader,
    _reconciler: Option<Task>,
}

impl ClientLane {
    /// Starts the lane on the current tokio runtime; it reports from then on. If librdkafka cannot start, the supervisor reports
    /// the prober as unhealthy.
    pub fn start(settings: Settings, clock: Clock, report: Reporter, supervisor: Supervisor) -> ClientLane {
        let context = LaneContext::new(&settings.topic, clock, report, supervisor.clone());
        let rereader = Rereader::new(context.clone());
        let started = SharedProducer::start(&settings, &context)
            .and_then(|producer| Ok((producer, SharedConsumer::start(&settings, &context)?)));
        let (producer, reconciler) = match started {
            Ok((producer, consumer)) => {
                let refusals = (settings.acks == RequiredAcks::All).then(|| MinIsrRefusals::new(context.clone()));
                let reading = ReadPositions::new(context.clone(), consumer, refusals);
                let reconciler = Reconciler::new(settings.topic, context, reading);
                (Some(producer), Some(supervisor.spawn("reconciler", reconciler.run())))
            }
            Err(error) => {
                supervisor.report_failure(format!("librdkafka cannot start: {error}"));
                (None, None)
            }
        };
        ClientLane { clock, producer, rereader, _reconciler: reconciler }
    }
}

impl Lane for ClientLane {
    fn submit(&mut self, record: RecordToSend) -> Result<Time, SendError> {
        match &self.producer {
            Some(producer) => producer.submit(&record),
            None => Err(SendError { at: self.clock.now(), fault: Fault::LocalResources }),
        }
    }

    fn reread(&mut self, partition: Partition, offset: i64) {
        self.rereader.request(partition, offset);
    }
}
