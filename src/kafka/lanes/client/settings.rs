//! What librdkafka runs under, and what applications on its defaults suffer beyond what we report (K5).

use std::sync::Arc;
use std::time::Duration;

use rdkafka::ClientConfig;

use crate::kafka::lanes::topic::TopicSettings;

/// Settings of the lane.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its topic.
    pub topic: TopicSettings,
    /// The consumer's `group.id`, which is never joined.
    pub group: Arc<str>,
    /// How long a fetch may wait for a record.
    pub fetch_max_wait: Duration,
    /// When a write counts as done.
    pub acks: RequiredAcks,
    /// How records are compressed.
    pub compression: Compression,
}

/// When a write counts as done: Kafka's `acks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequiredAcks {
    /// All in-sync replicas have it.
    All,
    /// The leader has it.
    Leader,
}

/// Kafka's `compression.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// None.
    None,
    /// gzip.
    Gzip,
    /// Snappy.
    Snappy,
    /// LZ4.
    Lz4,
    /// Zstandard.
    Zstd,
}

/// librdkafka's own numbers, this often.
const STATISTICS_EVERY: Duration = Duration::from_secs(10);

/// Both clients.
///
/// On librdkafka's defaults a consumer stays on a frozen leader for up to a minute (`socket.timeout.ms` 60 s, metadata
/// every 5 minutes); ours leaves it after 12–15 s. Reconnects back off to 10 s there, to 1 s here.
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

/// The producer: not idempotent, so that what retries do to an ordinary application is seen; nothing lingers.
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

/// The consumer: explicit offsets, nothing committed, the group never joined. librdkafka wants a group id all the same,
/// and looks for its coordinator.
pub fn consumer(settings: &Settings) -> ClientConfig {
    let mut config = both(settings);
    let max_wait = settings.fetch_max_wait.as_millis().max(1).to_string();
    config
        .set("group.id", &*settings.group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // Says that a fetch was answered although there was nothing to read.
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "error")
        .set("isolation.level", "read_uncommitted")
        .set("fetch.wait.max.ms", max_wait)
        .set("fetch.error.backoff.ms", "50")
        // Damaged bytes are ours to see, not librdkafka's to skip.
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

impl Compression {
    fn as_str(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Snappy => "snappy",
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
        }
    }
}
