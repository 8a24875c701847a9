//! From merged values to a [`Config`]: every value parsed, every rule between two checked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use prober_core::ids::{Probe, View};

use super::text::{self, choice, duration_between};
use super::values::Values;
use super::{
    Address, Certificates, Cluster, Compression, Config, ConfigError, ControllerProbe, DirectProbe, Histograms, Http,
    Lane, Lanes, Limits, Log, LogFormat, Metrics, MetricsLevel, Objective, Observation, Origin, Otlp, PrivateKey,
    Probes, Protocol, RecordCompression, ReplicatedLane, RequiredAcks, Secret, Temporality, Topics, Upkeep, UpkeepMode,
    diagnosis, otel, security,
};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const LONGEST_DEADLINE: Duration = Duration::from_secs(60);
const LONGEST_FETCH_WAIT: Duration = Duration::from_secs(30);
/// The longest time-out of an export.
pub(crate) const LONGEST_EXPORT: Duration = Duration::from_secs(600);
/// Bytes: what the record's identity needs, to Kafka's default limit of a message.
const RECORD_SIZES: std::ops::RangeInclusive<i64> = 96..=1 << 20;

/// Parses everything.
pub(crate) fn config(values: &Values) -> Result<Config, ConfigError> {
    let probes = probes(values)?;
    Ok(Config {
        vantage: values.text("vantage", "a name", text::vantage)?,
        http: Http { listen: listen(values)? },
        clusters: clusters(values)?,
        topics: Topics { prefix: values.text("topics.prefix", "a prefix of topic names", text::topic_prefix)? },
        lanes: lanes(values, &probes.consume)?,
        probes,
        observation: observation(values)?,
        diagnosis: diagnosis::parse(values)?,
        upkeep: Upkeep {
            mode: one_of(values, "upkeep.mode", "a mode", &[("off", UpkeepMode::Off), ("create", UpkeepMode::Create)])?,
        },
        objectives: objectives(values)?,
        metrics: Metrics {
            level: one_of(
                values,
                "metrics.level",
                "a level",
                &[("slo", MetricsLevel::Slo), ("standard", MetricsLevel::Standard), ("full", MetricsLevel::Full)],
            )?,
        },
        otlp: otlp(values)?,
        log: log(values)?,
    })
}

/// The listener alone.
pub(crate) fn listen(values: &Values) -> Result<SocketAddr, ConfigError> {
    values.text("http.listen", "an IP address and port", text::listen)
}

fn clusters(values: &Values) -> Result<BTreeMap<String, Cluster>, ConfigError> {
    let mut clusters = BTreeMap::new();
    for name in values.names("clusters") {
        let key = format!("clusters.{name}.bootstrap");
        let servers = values.list(&key);
        if servers.iter().all(|server| server.trim().is_empty()) {
            return Err(ConfigError::EmptyBootstrap { origin: values.origin_nearby(&key).cloned(), name });
        }
        let bootstrap: Result<_, _> = servers.iter().map(|s| Address::parse(s.trim())).collect();
        let bootstrap = bootstrap.map_err(|problem| values.problem(&key, problem))?;
        let security = security::parse(values, &format!("clusters.{name}.security"))?;
        clusters.insert(name, Cluster { bootstrap, security });
    }
    if clusters.is_empty() {
        return Err(ConfigError::NoCluster);
    }
    Ok(clusters)
}

fn lanes(values: &Values, consume: &Limits) -> Result<Lanes, ConfigError> {
    let pinned = lane(values, "pinned", consume)?;
    let replicated = ReplicatedLane {
        lane: lane(values, "replicated", consume)?,
        acks: one_of(
            values,
            "lanes.replicated.acks",
            "\"all\" or \"leader\"",
            &[("all", RequiredAcks::All), ("leader", RequiredAcks::Leader)],
        )?,
        compression: one_of(
            values,
            "lanes.replicated.compression",
            "a compression",
            &[
                ("none", RecordCompression::None),
                ("gzip", RecordCompression::Gzip),
                ("snappy", RecordCompression::Snappy),
                ("lz4", RecordCompression::Lz4),
                ("zstd", RecordCompression::Zstd),
            ],
        )?,
    };
    Ok(Lanes { pinned, replicated })
}

fn lane(values: &Values, name: &str, consume: &Limits) -> Result<Lane, ConfigError> {
    let key = |key: &str| format!("lanes.{name}.{key}");
    let size_key = key("record_size");
    let record_size = values.integer(&size_key)?;
    let record_size =
        usize::try_from(record_size).ok().filter(|_| RECORD_SIZES.contains(&record_size)).ok_or_else(|| {
            let (min, max) = RECORD_SIZES.into_inner();
            values.problem(&size_key, format!("{record_size} is out of range; use {min} to {max} bytes"))
        })?;
    let wait_key = key("fetch_max_wait");
    let fetch_max_wait = duration(values, &wait_key, MILLISECOND, LONGEST_FETCH_WAIT)?;
    below(values, (&wait_key, fetch_max_wait), ("probes.consume.deadline", consume.deadline))?;
    Ok(Lane {
        enabled: values.flag(&key("enabled"))?,
        interval: duration(values, &key("interval"), 10 * MILLISECOND, HOUR)?,
        fetch_max_wait,
        record_size,
    })
}

fn probes(values: &Values) -> Result<Probes, ConfigError> {
    Ok(Probes {
        produce: limits(values, "produce")?,
        consume: limits(values, "consume")?,
        end_to_end: limits(values, "end_to_end")?,
        fetch: direct(values, "fetch", LONGEST_DEADLINE)?,
        metadata: direct(values, "metadata", LONGEST_DEADLINE)?,
        connect: direct(values, "connect", LONGEST_DEADLINE)?,
        commit: direct(values, "commit", LONGEST_DEADLINE)?,
        transaction: direct(values, "transaction", LONGEST_DEADLINE)?,
        controller: ControllerProbe {
            probe: direct(values, "controller", LONGEST_DEADLINE / 2)?,
            canary: values.flag("probes.controller.canary")?,
            canary_interval: duration(values, "probes.controller.canary_interval", 10 * SECOND, 24 * HOUR)?,
        },
    })
}

fn direct(values: &Values, probe: &str, longest: Duration) -> Result<DirectProbe, ConfigError> {
    Ok(DirectProbe {
        enabled: values.flag(&format!("probes.{probe}.enabled"))?,
        interval: duration(values, &format!("probes.{probe}.interval"), 10 * MILLISECOND, HOUR)?,
        limits: limits_within(values, probe, longest)?,
    })
}

fn limits(values: &Values, probe: &str) -> Result<Limits, ConfigError> {
    limits_within(values, probe, LONGEST_DEADLINE)
}

fn limits_within(values: &Values, probe: &str, longest: Duration) -> Result<Limits, ConfigError> {
    let deadline_key = format!("probes.{probe}.deadline");
    let threshold_key = format!("probes.{probe}.threshold");
    let deadline = duration(values, &deadline_key, MILLISECOND, longest)?;
    let threshold = duration(values, &threshold_key, MILLISECOND, LONGEST_DEADLINE)?;
    below(values, (&threshold_key, threshold), (&deadline_key, deadline))?;
    Ok(Limits { deadline, threshold })
}

fn observation(values: &Values) -> Result<Observation, ConfigError> {
    Ok(Observation {
        enabled: values.flag("observation.enabled")?,
        interval: duration(values, "observation.interval", SECOND, HOUR)?,
        configs_interval: duration(values, "observation.configs_interval", SECOND, DAY)?,
        partitions_per_broker: partitions(values, "observation.partitions_per_broker")?,
        partitions_per_cluster: partitions(values, "observation.partitions_per_cluster")?,
    })
}

fn partitions(values: &Values, key: &str) -> Result<u64, ConfigError> {
    let number = values.integer(key)?;
    let positive = u64::try_from(number).ok().filter(|number| 0 < *number);
    positive.ok_or_else(|| values.problem(key, format!("{number} is out of range; use 1 or more")))
}

fn objectives(values: &Values) -> Result<BTreeMap<String, Objective>, ConfigError> {
    let names = values.names("objectives").into_iter();
    names
        .map(|name| {
            let objective = objective(values, &name)?;
            Ok((name, objective))
        })
        .collect()
}

fn objective(values: &Values, name: &str) -> Result<Objective, ConfigError> {
    let key = |key: &str| format!("objectives.{name}.{key}");
    let target_key = key("target");
    let target = values.number(&target_key)?;
    if !(target > 0.0 && target < 1.0) {
        let problem = format!("{target} is out of range; use a share between 0 and 1, such as 0.999");
        return Err(values.problem(&target_key, problem));
    }
    let threshold = |text: &str| match text {
        "" => Ok(None),
        text => duration_between(MILLISECOND, LONGEST_DEADLINE)(text).map(Some),
    };
    let view = one_of(
        values,
        &key("view"),
        "\"broker\", \"client\", \"coordinator\" or \"cluster\"",
        &[
            ("broker", View::Broker),
            ("client", View::Client),
            ("coordinator", View::Coordinator),
            ("cluster", View::Cluster),
        ],
    )?;
    let probe = one_of(values, &key("probe"), "\"produce\", \"consume\" or another probe", &PROBES)?;
    if !speaks_for(probe, view) {
        let problem = "no event of this probe stands in that view; see the metrics in the README".to_owned();
        return Err(values.problem(&key("probe"), problem));
    }
    Ok(Objective {
        view,
        probe,
        threshold: values.text(&key("threshold"), "a duration, or \"\" for none", threshold)?,
        target,
    })
}

const PROBES: [(&str, Probe); 9] = [
    ("produce", Probe::Produce),
    ("consume", Probe::Consume),
    ("end_to_end", Probe::EndToEnd),
    ("fetch", Probe::Fetch),
    ("metadata", Probe::Metadata),
    ("connect", Probe::Connect),
    ("commit", Probe::Commit),
    ("transaction", Probe::Transaction),
    ("controller", Probe::Controller),
];

/// Whether events of the probe stand in the view: an objective over none would never be met or missed.
fn speaks_for(probe: Probe, view: View) -> bool {
    match probe {
        Probe::Produce | Probe::Consume | Probe::EndToEnd => matches!(view, View::Broker | View::Client),
        Probe::Fetch | Probe::Metadata | Probe::Connect => view == View::Broker,
        Probe::Commit | Probe::Transaction => view == View::Coordinator,
        Probe::Controller => view == View::Cluster,
    }
}

fn otlp(values: &Values) -> Result<Otlp, ConfigError> {
    let protocol = one_of(
        values,
        "otlp.protocol",
        "a protocol",
        &[("grpc", Protocol::Grpc), ("http/protobuf", Protocol::HttpProtobuf)],
    )?;
    let origin = values.origin("otlp.endpoint");
    let mut headers = BTreeMap::new();
    for (name, value) in values.texts("otlp.headers") {
        let problem = |problem| values.problem(&format!("otlp.headers.{name}"), problem);
        text::header(&name, &value).map_err(problem)?;
        headers.insert(name, Secret::new(value));
    }
    let (client_certificate, client_key) = client_identity(values, "otlp.client_certificate", "otlp.client_key")?;
    Ok(Otlp {
        endpoint: values.text("otlp.endpoint", "a URL", |url| otel::endpoint(url, protocol, origin))?,
        protocol,
        interval: duration(values, "otlp.interval", 100 * MILLISECOND, HOUR)?,
        timeout: duration(values, "otlp.timeout", MILLISECOND, LONGEST_EXPORT)?,
        compression: one_of(
            values,
            "otlp.compression",
            "a compression",
            &[("", Compression::None), ("gzip", Compression::Gzip)],
        )?,
        temporality: one_of(
            values,
            "otlp.temporality",
            "a temporality",
            &[
                ("cumulative", Temporality::Cumulative),
                ("delta", Temporality::Delta),
                ("lowmemory", Temporality::LowMemory),
            ],
        )?,
        histograms: one_of(
            values,
            "otlp.histograms",
            "an aggregation",
            &[
                ("explicit_bucket_histogram", Histograms::ExplicitBucketHistogram),
                ("base2_exponential_bucket_histogram", Histograms::Base2ExponentialBucketHistogram),
            ],
        )?,
        ca: values.text("otlp.ca", "the path of a PEM file, or \"\" for none", Certificates::read)?,
        client_certificate,
        client_key,
        headers,
    })
}

/// Certificate and key by these keys, or neither.
pub(crate) fn client_identity(
    values: &Values,
    certificate_key: &str,
    key_key: &str,
) -> Result<(Option<Certificates>, Option<PrivateKey>), ConfigError> {
    let expected = "the path of a PEM file, or \"\" for none";
    let certificate = values.text(certificate_key, expected, Certificates::read)?;
    let key = values.text(key_key, expected, PrivateKey::read)?;
    let alone = |there: &str, missing: &str| {
        let problem = format!("is of no use without {missing}; give both or neither");
        Err(values.problem(there, problem))
    };
    match (&certificate, &key) {
        (Some(_), None) => alone(certificate_key, key_key),
        (None, Some(_)) => alone(key_key, certificate_key),
        _ => Ok((certificate, key)),
    }
}

fn log(values: &Values) -> Result<Log, ConfigError> {
    Ok(Log {
        level: values.text("log.level", "a log filter", text::log_filter)?,
        format: one_of(
            values,
            "log.format",
            "a format",
            &[("auto", LogFormat::Auto), ("text", LogFormat::Text), ("json", LogFormat::Json)],
        )?,
    })
}

fn duration(values: &Values, key: &str, min: Duration, max: Duration) -> Result<Duration, ConfigError> {
    values.text(key, "a duration, such as \"5s\"", duration_between(min, max))
}

pub(crate) fn one_of<T: Copy>(
    values: &Values,
    key: &str,
    expected: &'static str,
    choices: &'static [(&'static str, T)],
) -> Result<T, ConfigError> {
    values.text(key, expected, choice(choices))
}

/// Demands that the first duration is below the second, and blames the one that a user set.
fn below(
    values: &Values,
    (low_key, low): (&str, Duration),
    (high_key, high): (&str, Duration),
) -> Result<(), ConfigError> {
    if low < high {
        return Ok(());
    }
    let (low, high) = (humantime::format_duration(low), humantime::format_duration(high));
    if values.origin(low_key) == Some(&Origin::Default) {
        let problem = format!("{high} must be above {low_key}, which is {low}; raise it or lower that");
        return Err(values.problem(high_key, problem));
    }
    let problem = format!("{low} must be below {high_key}, which is {high}; lower it or raise that");
    Err(values.problem(low_key, problem))
}
