//! librdkafka's in-process mock cluster, as a place for the demo to probe and to break.

use std::time::Duration;

use prober_core::kafka_error;
pub use rdkafka::error::KafkaError as MockError;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

/// Newer versions carry the current leader in their answers, which the mock does not survive without one.
const PRODUCE_MAX: i16 = 9;
const FETCH_MAX: i16 = 11;

/// A cluster in this process, with brokers `1..=count` and the topics of both lanes.
pub struct Mock {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Mock {
    /// Starts it.
    ///
    /// # Errors
    /// librdkafka could not start it.
    pub fn start(brokers: i32, pinned: &str, replicated: &str) -> Result<Mock, MockError> {
        let cluster = MockCluster::new(brokers)?;
        cluster.apiversion(RDKafkaApiKey::Produce, Some(0), Some(PRODUCE_MAX))?;
        cluster.apiversion(RDKafkaApiKey::Fetch, Some(0), Some(FETCH_MAX))?;
        // Without replication the mock puts partition i on its i-th broker. With it every partition would name broker 1
        // first, and nothing would be replicated all the same.
        for topic in [pinned, replicated] {
            cluster.create_topic(topic, brokers, 1)?;
        }
        Ok(Mock { cluster })
    }

    /// Where its brokers listen, `host:port` each.
    pub fn bootstrap(&self) -> Vec<String> {
        self.cluster.bootstrap_servers().split(',').map(str::to_owned).collect()
    }

    /// Lets every answer of this broker take so long.
    ///
    /// # Errors
    /// There is no such broker.
    pub fn delay(&self, broker: i32, answers: Duration) -> Result<(), MockError> {
        self.cluster.broker_round_trip_time(broker, answers)
    }

    /// Closes this broker's connections and opens its listener again; then it answers at once, as after a restart.
    ///
    /// It heals more than [`Mock::delay`] of zero does: there a connection that was open under a delay holds its next
    /// delayed answer, which each fetch is, until that delay is over.
    ///
    /// # Errors
    /// There is no such broker.
    pub fn restart(&self, broker: i32) -> Result<(), MockError> {
        self.cluster.broker_down(broker)?;
        self.delay(broker, Duration::ZERO)?;
        self.cluster.broker_up(broker)
    }

    /// Makes `broker` the leader of a partition, as a controller does when the old one is gone.
    ///
    /// # Errors
    /// There is no such topic, partition or broker.
    pub fn lead(&self, topic: &str, partition: i32, broker: i32) -> Result<(), MockError> {
        self.cluster.partition_leader(topic, partition, Some(broker))
    }

    /// Refuses the next `count` writes with this error, whichever of the brokers they reach. False, and nothing is
    /// refused, if librdkafka does not know the error.
    pub fn refuse_writes(&self, error: kafka_error::KafkaError, count: usize) -> bool {
        let known = RDKafkaRespErr::try_from(i32::from(error.0));
        known.map(|error| self.cluster.request_errors(RDKafkaApiKey::Produce, &vec![error; count])).is_ok()
    }
}
