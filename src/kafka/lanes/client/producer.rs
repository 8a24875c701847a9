//! The producer of all partitions, and the thread that stamps its delivery reports.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use prober_core::ids::{Partition, Sequence};
use prober_core::time::Time;
use prober_probes::port::{LaneInput, RecordToSend, SendError};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, ProducerContext};

use crate::kafka::lanes::topic::LaneContext;

use super::statistics::{ClientRole, StatsCollector};
use super::{Settings, fault, settings};

/// The time-out of one poll. Deliveries are reported as they arrive; the time-out only limits how late the thread stops.
const POLL: std::time::Duration = std::time::Duration::from_millis(100);

/// The producer; dropping it stops its thread.
pub(super) struct SharedProducer {
    producer: Arc<BaseProducer<DeliveryContext>>,
    context: LaneContext,
    stop: Arc<AtomicBool>,
}

impl SharedProducer {
    /// # Errors
    /// librdkafka could not create the client, or the operating system no thread.
    pub(super) fn start(settings: &Settings, context: &LaneContext) -> Result<SharedProducer, String> {
        let delivery_context =
            DeliveryContext { context: context.clone(), stats: StatsCollector::new(ClientRole::Producer, context) };
        let config = settings::producer(settings);
        let producer: BaseProducer<DeliveryContext> =
            config.create_with_context(delivery_context).map_err(|error| error.to_string())?;
        let (producer, stop) = (Arc::new(producer), Arc::new(AtomicBool::new(false)));
        let (polled, stopped, supervisor) = (Arc::clone(&producer), Arc::clone(&stop), context.supervisor.clone());
        let serve = move || {
            let _watch = supervisor.guard_thread("producer");
            while !stopped.load(Ordering::Relaxed) {
                polled.poll(POLL);
            }
        };
        thread::Builder::new().name("producer".into()).spawn(serve).map_err(|error| error.to_string())?;
        Ok(SharedProducer { producer, context: context.clone(), stop })
    }

    /// Passes a record to librdkafka, which queues it: this never waits.
    pub(super) fn submit(&self, record: &RecordToSend) -> Result<Time, SendError> {
        let tag = Box::new(DeliveryTag { partition: record.partition, sequence: record.sequence });
        let message = BaseRecord::<(), [u8], _>::with_opaque_to(&self.context.topic, tag)
            .partition(record.partition.0)
            .timestamp(record.due.as_millis())
            .payload(record.value.as_slice());
        let sent = self.context.clock.now();
        match self.producer.send(message) {
            Ok(()) => Ok(sent),
            Err((error, _)) => Err(SendError { at: self.context.clock.now(), fault: fault::of(&error) }),
        }
    }
}

impl Drop for SharedProducer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The record that a delivery report is about.
struct DeliveryTag {
    partition: Partition,
    sequence: Sequence,
}

/// Receives delivery reports, on the poll thread.
struct DeliveryContext {
    context: LaneContext,
    stats: StatsCollector,
}

impl ClientContext for DeliveryContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.stats.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.stats.error(&error, reason);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.stats.statistics(statistics);
    }
}

impl ProducerContext for DeliveryContext {
    type DeliveryOpaque = Box<DeliveryTag>;

    fn delivery(&self, delivered: &DeliveryResult<'_>, tag: Box<DeliveryTag>) {
        let at = self.context.clock.now();
        let DeliveryTag { partition, sequence } = *tag;
        self.context.emit(match delivered {
            Ok(message) => LaneInput::Acked { partition, sequence, at, offset: message.offset() },
            Err((error, _)) => {
                let fault = fault::of(error);
                LaneInput::Failed { partition, sequence, at, fault, written: fault::written(fault) }
            }
        });
    }
}
