//! librdkafka's in-process mock cluster, which the demo and the fast tests probe and break.

use std::time::Duration;

use prober_core::kafka_error;
pub use rdkafka::error::KafkaError as MockError;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

/// The newest versions that the mock cluster may offer. Responses of newer versions contain the current leader; without one
/// the mock cluster crashes.
const PRODUCE_MAX: i16 = 9;
const FETCH_MAX: i16 = 11;

/// A cluster in this process, with brokers 1 to `brokers` and the topics of both lanes.
pub struct Mock {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Mock {
    /// Starts the cluster, and creates the topics with one partition per broker.
    ///
    /// # Errors
    /// librdkafka could not start the cluster.
    pub fn start(brokers: i32, pinned: &str, replicated: &str) -> Result<Mock, MockError> {
        Mock::with_topics(brokers, &[(pinned, brokers), (replicated, brokers)])
    }

    /// Starts the cluster with these topics and their numbers of partitions.
    ///
    /// # Errors
    /// librdkafka could not start the cluster.
    pub fn with_topics(brokers: i32, topics: &[(&str, i32)]) -> Result<Mock, MockError> {
        let cluster = MockCluster::new(brokers)?;
        cluster.apiversion(RDKafkaApiKey::Produce, Some(0), Some(PRODUCE_MAX))?;
        cluster.apiversion(RDKafkaApiKey::Fetch, Some(0), Some(FETCH_MAX))?;
        // With replication factor 1 the mock cluster puts partition i on its i-th broker. With a higher one every partition
        // would have broker 1 as its preferred leader, and nothing would be replicated.
        for (topic, partitions) in topics {
            cluster.create_topic(topic, *partitions, 1)?;
        }
        Ok(Mock { cluster })
    }

    /// The addresses of its brokers, `host:port`.
    pub fn bootstrap(&self) -> Vec<String> {
        self.cluster.bootstrap_servers().split(',').map(str::to_owned).collect()
    }

    /// Delays every response of this broker.
    ///
    /// # Errors
    /// There is no such broker.
    pub fn delay(&self, broker: i32, delay: Duration) -> Result<(), MockError> {
        self.cluster.broker_round_trip_time(broker, delay)
    }

    /// Closes this broker's connections, removes its delay and opens its listener again, as a restart does.
    ///
    /// After [`Mock::delay`] of zero alone, an open connection would still hold back the response that was delayed, and all
    /// after it, until that delay is over.
    ///
    /// # Errors
    /// There is no such broker.
    pub fn restart(&self, broker: i32) -> Result<(), MockError> {
        self.cluster.broker_down(broker)?;
        self.delay(broker, Duration::ZERO)?;
        self.cluster.broker_up(broker)
    }

    /// Makes `broker` the leader of a partition, as a controller does after the old leader has failed.
    ///
    /// # Errors
    /// There is no such topic, partition or broker.
    pub fn lead(&self, topic: &str, partition: i32, broker: i32) -> Result<(), MockError> {
        self.cluster.partition_leader(topic, partition, Some(broker))
    }

    /// Makes the brokers refuse the next `count` produce requests, on any broker, with this error. Returns false, and changes
    /// nothing, if librdkafka does not know the error.
    pub fn refuse_writes(&self, error: kafka_error::KafkaError, count: usize) -> bool {
        let known = RDKafkaRespErr::try_from(i32::from(error.0));
        known.map(|error| self.cluster.request_errors(RDKafkaApiKey::Produce, &vec![error; count])).is_ok()
    }
}
