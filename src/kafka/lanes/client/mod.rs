//! The replicated lane through librdkafka: what an application feels, with its metadata, retries and failover.
//!
//! One producer and one consumer per route, shared by all partitions: librdkafka starts a thread per broker and client,
//! so a pair per broker would need 2·N² threads. Each has a poll thread of ours beside them that stamps.
//!
//! ```text
//!  submit ─► [`producer`] ─► librdkafka ─► broker ─► librdkafka ─► [`consumer`] ─► Read
//!                 └─ delivery ─► Acked, Failed                          ▲
//!                                             [`reading`]: from where ──┘
//! ```
//!
//! [`settings`] has what both run under; [`refusals`] asks for what librdkafka keeps to itself. The topic is looked after over our own wire, as in the pinned lane. What
//! librdkafka says of itself ([`vitals`]) gives reasons, never verdicts: deadlines are the engine's.

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
use prober_probes::port::{Lane, Outgoing, Refusal};

use crate::alarm::{Alarm, Task};

use super::topic::Context;
use super::topic::reconciler::Observer;
use super::topic::rereader::SecondLooks;
use crate::kafka::Reporter;
use consumer::Consuming;
use min_isr_refusals::Refusals;
use producer::Producing;
use read_positions::Reading;

pub use settings::{Compression, RequiredAcks, Settings};

/// The lane's port. Dropping it ends everything that it started.
pub struct ClientLane {
    clock: Clock,
    producing: Option<Producing>,
    second_looks: SecondLooks,
    _observer: Option<Task>,
}

impl ClientLane {
    /// Starts the lane; needs a tokio runtime. Reports from then on. Raises the alarm if librdkafka cannot start.
    pub fn start(settings: Settings, clock: Clock, report: Reporter, alarm: Alarm) -> ClientLane {
        let context = Context::new(&settings.topic, clock, report, alarm.clone());
        let second_looks = SecondLooks::new(context.clone());
        let started = Producing::start(&settings, &context)
            .and_then(|producing| Ok((producing, Consuming::start(&settings, &context)?)));
        let (producing, observer) = match started {
            Ok((producing, consuming)) => {
                let refusals = (settings.acks == RequiredAcks::All).then(|| Refusals::new(context.clone()));
                let reading = Reading::new(context.clone(), consuming, refusals);
                let observer = Observer::new(settings.topic, context, reading);
                (Some(producing), Some(alarm.spawn("observer", observer.run())))
            }
            Err(error) => {
                alarm.raise(format!("librdkafka cannot start: {error}"));
                (None, None)
            }
        };
        ClientLane { clock, producing, second_looks, _observer: observer }
    }
}

impl Lane for ClientLane {
    fn submit(&mut self, record: Outgoing) -> Result<Time, Refusal> {
        match &self.producing {
            Some(producing) => producing.submit(&record),
            None => Err(Refusal { at: self.clock.now(), fault: Fault::LocalResources }),
        }
    }

    fn reread(&mut self, partition: Partition, offset: i64) {
        self.second_looks.ask(partition, offset);
    }
}
