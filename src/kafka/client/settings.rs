//! What librdkafka runs under, and what applications on its defaults suffer beyond what we report (K5).

use std::time::Duration;

use rdkafka::ClientConfig;

use crate::kafka::topic::TopicSettings;

/// Settings of the lane.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its topic.
    pub topic: TopicSettings,
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
        .set("request.timeout.ms", &deadline)
        .set("retry.backoff.ms", RETRY_FIRST.as_millis().to_string())
        .set("retry.backoff.max.ms", RETRY_MAX.as_millis().to_string())
        .set("message.send.max.retries", retries_within(settings.topic.deadline).to_string());
    config
}

/// librdkafka's first pause before a retry, and a shorter longest one than its second: records wait behind the one that
/// waits longest, so that at a pause a second none would come to its last retry within the deadline.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_millis(250);

/// The pause that a record waits behind when it comes, and the last answer.
const RETRIES_LEAVE: Duration = Duration::from_millis(500);

/// As many retries as end within a deadline. A refusal that is repeated until then would come out as a time-out; after the
/// last retry it comes out by its own name, as in NOT_ENOUGH_REPLICAS. Pauses are up to a fifth shorter or longer than
/// told; a tenth is left for what is uneven in many.
fn retries_within(deadline: Duration) -> u128 {
    deadline.saturating_sub(RETRIES_LEAVE).as_millis() / (RETRY_MAX.as_millis() * 11 / 10)
}

/// The consumer: explicit offsets, nothing committed, the group never joined. librdkafka wants a group id all the same,
/// and looks for its coordinator.
pub fn consumer(settings: &Settings) -> ClientConfig {
    let mut config = both(settings);
    let max_wait = settings.fetch_max_wait.as_millis().max(1).to_string();
    config
        .set("group.id", &*settings.topic.client_id)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_retry_ends_before_the_deadline() {
        // Sixteen of 250 ms: 4 s, and half a second of patience on either side.
        assert_eq!(retries_within(Duration::from_secs(5)), 16);
        assert_eq!(retries_within(Duration::from_millis(100)), 0);
        assert_eq!(retries_within(Duration::from_secs(60)), 216);
    }
}
