//! The settings of librdkafka, and what applications on its defaults experience beyond what the lane reports
//! (docs/kafka-facts.md K5).

use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;

use crate::config::{RecordCompression, RequiredAcks};
use crate::kafka::lanes::topic::TopicSettings;

/// Settings of the lane.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The topic.
    pub topic: TopicSettings,
    /// The consumer's `group.id`, which is never joined.
    pub group: Arc<str>,
    /// How long a fetch may wait for a record.
    pub fetch_max_wait: Duration,
    /// Which replicas must have a record before it is acked.
    pub acks: RequiredAcks,
    /// How records are compressed.
    pub compression: RecordCompression,
}

/// How often librdkafka reports its statistics.
const STATISTICS_EVERY: Duration = Duration::from_secs(10);

/// Settings of both clients.
///
/// With librdkafka's defaults a consumer waits for a frozen leader for up to a minute (`socket.timeout.ms` 60 s, metadata every
/// 5 minutes); with these settings it follows the new leader after 12 to 15 s. Reconnects back off to at most 1 s instead of
/// 10 s.
fn both(settings: &Settings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", settings.topic.bootstrap.join(","))
        .set("client.id", &*settings.topic.client_id)
        .set("topic.metadata.refresh.interval.ms", "5000")
        .set("socket.timeout.ms", "10000")
        .set("socket.connection.setup.timeout.ms", "5000")
        .set("socket.nagle.disable", "true")
        .set("reconnect.backoff.ms", "100")
        .set("reconnect.backoff.max.ms", "1000")
        .set("allow.auto.create.topics", "false")
        .set("statistics.interval.ms", STATISTICS_EVERY.as_millis().to_string())
        .set("log.connection.close", "false");
    for (name, value) in settings.topic.security.for_librdkafka() {
        config.set(name, value);
    }
    config
}

/// Settings of the producer. It is not idempotent, so that duplicates by retries are seen; `linger.ms` is 0.
pub fn producer(settings: &Settings) -> ClientConfig {
    let mut config = both(settings);
    let deadline = settings.topic.deadline.as_millis().max(1).to_string();
    config
        .set("acks", settings.acks.as_str())
        .set("compression.type", settings.compression.as_str())
        .set("enable.idempotence", "false")
        .set("linger.ms", "0")
        .set("message.timeout.ms", &deadline)
        .set("request.timeout.ms", &deadline);
    config
}

/// Settings of the consumer: explicit offsets, no commits, no group membership. librdkafka requires a group id nevertheless, and
/// looks up its coordinator.
pub fn consumer(settings: &Settings) -> ClientConfig {
    let mut config = both(settings);
    let max_wait = settings.fetch_max_wait.as_millis().max(1).to_string();
    config
        .set("group.id", &*settings.group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // An event at the end of the log shows that a fetch was answered, even without records.
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "error")
        .set("isolation.level", "read_uncommitted")
        .set("fetch.wait.max.ms", max_wait)
        .set("fetch.error.backoff.ms", "50")
        // Damaged records are reported as corrupt; librdkafka would skip them.
        .set("check.crcs", "false");
    config
}

impl RequiredAcks {
    fn as_str(self) -> &'static str {
        match self {
            RequiredAcks::All => "all",
            RequiredAcks::Leader => "1",
        }
    }
}

impl RecordCompression {
    fn as_str(self) -> &'static str {
        match self {
            RecordCompression::None => "none",
            RecordCompression::Gzip => "gzip",
            RecordCompression::Snappy => "snappy",
            RecordCompression::Lz4 => "lz4",
            RecordCompression::Zstd => "zstd",
        }
    }
}
