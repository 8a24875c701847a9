//! What a configuration is, once it is usable. `config/default.toml` says what each key
//! means to the user; here stands what the program may rely on.
//!
//! Field names are key names: `config print` and `/config` serialize these types.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use prober_core::ids::{self, Probe, View};
use serde::{Serialize, Serializer};

use super::{Address, Certificates, Diagnosis, PrivateKey, Secret, SecretFile};

/// All that a prober needs to know before it starts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Config {
    /// Where this prober stands: 1 to 128 printable characters.
    pub vantage: String,
    /// The listener.
    pub http: Http,
    /// Clusters by name (`[a-z0-9_]+`), at least one.
    pub clusters: BTreeMap<String, Cluster>,
    /// What this prober's topics, groups and transactional ids are called.
    pub topics: Topics,
    /// The monitor topics.
    pub lanes: Lanes,
    /// Schedules and limits of the probes.
    pub probes: Probes,
    /// What is read beside the probes.
    pub observation: Observation,
    /// What the diagnosis may use besides.
    pub diagnosis: Diagnosis,
    /// What may be changed in Kafka.
    pub upkeep: Upkeep,
    /// Objectives by name (`[a-z0-9_]+`).
    pub objectives: BTreeMap<String, Objective>,
    /// How many metrics there are.
    pub metrics: Metrics,
    /// The export over OTLP.
    pub otlp: Otlp,
    /// The prober's own log.
    pub log: Log,
}

/// `[http]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Http {
    /// Port 0 means any free port.
    pub listen: SocketAddr,
}

/// `[clusters.NAME]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cluster {
    /// Servers to start from, at least one.
    pub bootstrap: Vec<Address>,
    /// How they are spoken to.
    pub security: Security,
}

/// `[clusters.NAME.security]`: what the protocol needs is there, and nothing that it has no use for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Security {
    /// What is spoken below Kafka's requests.
    pub protocol: SecurityProtocol,
    /// Trusted instead of the machine's certificates; `None` for those.
    #[serde(serialize_with = "or_empty")]
    pub ca: Option<Certificates>,
    /// Shown to a broker that asks, leaf first; there with the key or not at all.
    #[serde(serialize_with = "or_empty")]
    pub certificate: Option<Certificates>,
    /// The key of that certificate.
    #[serde(serialize_with = "or_empty")]
    pub key: Option<PrivateKey>,
    /// Whether a broker's certificate must be for its advertised host.
    pub verify_hostname: bool,
    /// How we prove who we are; there if the protocol has SASL.
    #[serde(serialize_with = "or_empty")]
    pub sasl_mechanism: Option<SaslMechanism>,
    /// Who we are; not empty if the protocol has SASL.
    pub username: String,
    /// The password, if it was given itself.
    #[serde(serialize_with = "or_empty")]
    pub password: Option<Secret>,
    /// The password, if it was given by a file.
    #[serde(serialize_with = "or_empty")]
    pub password_file: Option<SecretFile>,
}

impl Security {
    /// The password, whichever way it was given; there if the protocol has SASL.
    #[must_use]
    pub fn any_password(&self) -> Option<&Secret> {
        self.password.as_ref().or(self.password_file.as_ref().map(SecretFile::secret))
    }
}

/// Kafka's `security.protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecurityProtocol {
    /// Neither.
    Plaintext,
    /// TLS.
    Ssl,
    /// SASL, and everything can be read on the way.
    SaslPlaintext,
    /// SASL within TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// Whether it has TLS.
    #[must_use]
    pub fn has_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    /// Whether it has SASL.
    #[must_use]
    pub fn has_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

/// A SASL mechanism, by its IANA name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum SaslMechanism {
    /// RFC 4616.
    #[serde(rename = "PLAIN")]
    Plain,
    /// RFC 7677.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// The same by SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

/// `[topics]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Topics {
    /// What every name in Kafka begins with: characters of a topic name, short enough for every topic of ours.
    pub prefix: String,
}

impl Topics {
    /// The topic of a lane, such as `__kafka-prober-pinned`.
    #[must_use]
    pub fn of_lane(&self, lane: ids::Lane) -> String {
        format!("{}{}", self.prefix, lane.as_str())
    }

    /// The topic that the controller probe validates or creates.
    #[must_use]
    pub fn canary(&self) -> String {
        format!("{}canary", self.prefix)
    }
}

impl Config {
    /// What this prober's consumer groups and transactional ids begin with: `topics.prefix` and the vantage.
    #[must_use]
    pub fn namespace(&self) -> String {
        format!("{}{}", self.topics.prefix, self.vantage)
    }
}

/// `[metrics]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metrics {
    /// Which metrics both exporters have.
    pub level: MetricsLevel,
}

/// Which metrics there are; each level has those of the level before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricsLevel {
    /// Objectives, broker states, findings and info: at most 40 series a broker.
    Slo,
    /// What dashboards need: at most 200 series a broker.
    Standard,
    /// Everything, phases of connections included.
    Full,
}

/// `[lanes]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lanes {
    /// Replication factor 1: each partition on one broker and nowhere else.
    pub pinned: Lane,
    /// Replication factor min(3, brokers), through librdkafka.
    pub replicated: ReplicatedLane,
}

/// `[lanes.pinned]`, and the common part of every lane.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lane {
    /// Whether it is probed.
    pub enabled: bool,
    /// 10 ms to 1 h.
    #[serde(serialize_with = "duration")]
    pub interval: Duration,
    /// Below the deadline of `consume`, 1 ms to 30 s.
    #[serde(serialize_with = "duration")]
    pub fetch_max_wait: Duration,
    /// Bytes, 96 to 1 MiB.
    pub record_size: usize,
}

/// `[lanes.replicated]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReplicatedLane {
    /// What it has in common with the other.
    #[serde(flatten)]
    pub lane: Lane,
    /// When a write counts as done.
    pub acks: RequiredAcks,
    /// How records are compressed.
    pub compression: RecordCompression,
}

/// When a write to the replicated lane counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RequiredAcks {
    /// All in-sync replicas have it.
    All,
    /// The leader has it.
    Leader,
}

/// The compression of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordCompression {
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

/// `[probes]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Probes {
    /// Sent until acked.
    pub produce: Limits,
    /// Acked until read.
    pub consume: Limits,
    /// Sent until read.
    pub end_to_end: Limits,
    /// A known record, read once more.
    pub fetch: DirectProbe,
    /// Our topics' metadata, of each broker.
    pub metadata: DirectProbe,
    /// A fresh connection.
    pub connect: DirectProbe,
    /// An offset committed and read back.
    pub commit: DirectProbe,
    /// A transaction committed, and one aborted.
    pub transaction: DirectProbe,
    /// A topic creation validated.
    pub controller: ControllerProbe,
}

/// `[probes.KIND]` of a probe that asks directly.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DirectProbe {
    /// Whether it asks.
    pub enabled: bool,
    /// 10 ms to 1 h.
    #[serde(serialize_with = "duration")]
    pub interval: Duration,
    /// Of each attempt.
    #[serde(flatten)]
    pub limits: Limits,
}

/// `[probes.controller]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ControllerProbe {
    /// What it has in common with the others; its deadline, at most 30 s, is that of each of two brokers.
    #[serde(flatten)]
    pub probe: DirectProbe,
    /// Whether a real topic is created now and then.
    pub canary: bool,
    /// 10 s to 24 h.
    #[serde(serialize_with = "duration")]
    pub canary_interval: Duration,
}

/// `[probes.KIND]`: when an attempt is over, and when it was slow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Limits {
    /// At most 60 s.
    #[serde(serialize_with = "duration")]
    pub deadline: Duration,
    /// Below the deadline.
    #[serde(serialize_with = "duration")]
    pub threshold: Duration,
}

/// `[observation]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Observation {
    /// Whether the clusters are observed at all.
    pub enabled: bool,
    /// 1 s to 1 h.
    #[serde(serialize_with = "duration")]
    pub interval: Duration,
    /// 1 s to 1 day.
    #[serde(serialize_with = "duration")]
    pub configs_interval: Duration,
    /// At least 1.
    pub partitions_per_broker: u64,
    /// At least 1.
    pub partitions_per_cluster: u64,
}

/// `[upkeep]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Upkeep {
    /// How far it goes.
    pub mode: UpkeepMode,
}

/// How far the upkeep of the monitor topics goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UpkeepMode {
    /// Changes nothing.
    Off,
    /// Creates, grows, elects preferred leaders.
    Create,
}

/// `[objectives.NAME]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Objective {
    /// Whose events.
    pub view: View,
    /// Which probe.
    pub probe: Probe,
    /// The latency that a good event may have, or `None` for an availability objective.
    #[serde(serialize_with = "optional_duration")]
    pub threshold: Option<Duration>,
    /// The share of events that must be good, strictly between 0 and 1.
    pub target: f64,
}

/// `[otlp]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Otlp {
    /// The complete URL to export to, path included, or `None` if the export is off.
    #[serde(serialize_with = "optional_text")]
    pub endpoint: Option<String>,
    /// How to speak to it.
    pub protocol: Protocol,
    /// 100 ms to 1 h.
    #[serde(serialize_with = "duration")]
    pub interval: Duration,
    /// 1 ms to 10 min.
    #[serde(serialize_with = "duration")]
    pub timeout: Duration,
    /// How to compress.
    pub compression: Compression,
    /// What the points of counters and histograms say.
    pub temporality: Temporality,
    /// How durations are sorted.
    pub histograms: Histograms,
    /// Trusted instead of the machine's certificates; `None` for those.
    #[serde(serialize_with = "or_empty")]
    pub ca: Option<Certificates>,
    /// Shown to a collector that asks, leaf first; there with the key or not at all.
    #[serde(serialize_with = "or_empty")]
    pub client_certificate: Option<Certificates>,
    /// The key of that certificate.
    #[serde(serialize_with = "or_empty")]
    pub client_key: Option<PrivateKey>,
    /// Header names in lower case with their secret values.
    pub headers: BTreeMap<String, Secret>,
}

/// The transport of OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Protocol {
    /// gRPC.
    #[serde(rename = "grpc")]
    Grpc,
    /// Protobuf over HTTP/1.1.
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
}

/// The compression of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Compression {
    /// None.
    #[serde(rename = "")]
    None,
    /// gzip.
    #[serde(rename = "gzip")]
    Gzip,
}

/// What a point says (OpenTelemetry metrics data model, "Temporality").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Temporality {
    /// The total since the start.
    Cumulative,
    /// What came since the last export.
    Delta,
    /// Totals for counters, deltas for histograms.
    LowMemory,
}

/// The buckets of the histograms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Histograms {
    /// The documented edges and every threshold.
    ExplicitBucketHistogram,
    /// Base 2, as fine as 160 buckets allow.
    Base2ExponentialBucketHistogram,
}

/// `[log]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Log {
    /// A valid `tracing` filter.
    pub level: String,
    /// How lines look.
    pub format: LogFormat,
}

/// How lines of the log look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Text,
    /// For machines.
    Json,
}

fn duration<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_duration(*value))
}

fn optional_duration<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => duration(value, serializer),
        None => serializer.serialize_str(""),
    }
}

fn optional_text<S: Serializer>(value: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.as_deref().unwrap_or_default())
}

/// What there is by its own form (a file that is read by its path), and none as `""`.
fn or_empty<T: Serialize, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => value.serialize(serializer),
        None => serializer.serialize_str(""),
    }
}
