//! One producer for all partitions, and the thread that stamps its deliveries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use prober_core::ids::{Partition, Sequence};
use prober_core::time::Time;
use prober_probes::port::{LaneInput, Outgoing, Refusal};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, ProducerContext};

use crate::kafka::lanes::topic::Context;

use super::statistics::{Gauge, Role};
use super::{Settings, fault, settings};

/// Deliveries are served as they come; this only bounds how late the thread sees that it is to end.
const POLL: std::time::Duration = std::time::Duration::from_millis(100);

/// The producer at work; dropping it ends its thread.
pub(super) struct Producing {
    producer: Arc<BaseProducer<Deliveries>>,
    context: Context,
    stop: Arc<AtomicBool>,
}

impl Producing {
    /// # Errors
    /// librdkafka, or the operating system, has no client or thread for us.
    pub(super) fn start(settings: &Settings, context: &Context) -> Result<Producing, String> {
        let deliveries = Deliveries { context: context.clone(), gauge: Gauge::new(Role::Producer, context) };
        let config = settings::producer(settings);
        let producer: BaseProducer<Deliveries> =
            config.create_with_context(deliveries).map_err(|error| error.to_string())?;
        let (producer, stop) = (Arc::new(producer), Arc::new(AtomicBool::new(false)));
        let (polled, stopped, alarm) = (Arc::clone(&producer), Arc::clone(&stop), context.alarm.clone());
        let serve = move || {
            let _watch = alarm.watch_thread("producer");
            while !stopped.load(Ordering::Relaxed) {
                polled.poll(POLL);
            }
        };
        thread::Builder::new().name("producer".into()).spawn(serve).map_err(|error| error.to_string())?;
        Ok(Producing { producer, context: context.clone(), stop })
    }

    /// Hands a record to librdkafka, which has its own queue: this never waits.
    pub(super) fn submit(&self, record: &Outgoing) -> Result<Time, Refusal> {
        let handed = Box::new(Handed { partition: record.partition, sequence: record.sequence });
        let message = BaseRecord::<(), [u8], _>::with_opaque_to(&self.context.topic, handed)
            .partition(record.partition.0)
            .timestamp(record.due.as_millis())
            .payload(record.value.as_slice());
        let sent = self.context.clock.now();
        match self.producer.send(message) {
            Ok(()) => Ok(sent),
            Err((error, _)) => Err(Refusal { at: self.context.clock.now(), fault: fault::of(&error) }),
        }
    }
}

impl Drop for Producing {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Which record a delivery is about.
struct Handed {
    partition: Partition,
    sequence: Sequence,
}

/// Hears of deliveries, on the poll thread.
struct Deliveries {
    context: Context,
    gauge: Gauge,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.gauge.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.gauge.error(&error, reason);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.gauge.statistics(statistics);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Handed>;

    fn delivery(&self, delivered: &DeliveryResult<'_>, handed: Box<Handed>) {
        let at = self.context.clock.now();
        let Handed { partition, sequence } = *handed;
        self.context.tell(match delivered {
            Ok(message) => LaneInput::Acked { partition, sequence, at, offset: message.offset() },
            Err((error, _)) => {
                let fault = fault::of(error);
                LaneInput::Failed { partition, sequence, at, fault, written: fault::written(fault) }
            }
        });
    }
}
