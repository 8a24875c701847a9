//! What tests need from the machine. A test that lacks it is skipped and counted, and fails under CI.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::failure_logs::test_name;

/// The Kafka version that the tests run on; `KAFKA_PROBER_TEST_KAFKA` names another.
const DEFAULT_KAFKA: &str = "4.3.1";

/// The version of the OpenTelemetry Collector that the tests run with.
const COLLECTOR: &str = "0.160.0";

/// Prometheus, by the version of its Go module: 0.316.0 is Prometheus 3.16.0.
const PROMETHEUS: &str = "0.316.0";

/// The oldest Java that runs Kafka.
const OLDEST_JAVA: u32 = 17;

static SKIPPED: AtomicUsize = AtomicUsize::new(0);

/// What is missing to run a cluster, each with the script that installs it; empty if nothing is.
pub(crate) fn requirements() -> Vec<String> {
    let mut missing = Vec::new();
    match java_version() {
        None => missing.push(format!("Java {OLDEST_JAVA} or newer (script/bootstrap)")),
        Some(found) if found < OLDEST_JAVA => {
            missing.push(format!("Java {OLDEST_JAVA} or newer, not {found} (script/bootstrap)"));
        }
        Some(_) => {}
    }
    if !kafka_jars().is_dir() {
        let version = kafka_version();
        missing.push(format!("the jars of Kafka {version} (script/kafka-jars {version})"));
    }
    missing
}

/// Whether the calling test cannot run here and should return.
///
/// The skip is counted and printed on stderr, past the test runner's capture. With `CI` set it is a failure: a pipeline that
/// skips its cluster tests must not be green.
#[track_caller]
pub(crate) fn skip_without_kafka() -> bool {
    skip(&requirements())
}

/// As [`skip_without_kafka`], for a test that needs an OpenTelemetry Collector, and no Kafka.
#[track_caller]
pub(crate) fn skip_without_collector() -> bool {
    if collector().is_file() {
        return false;
    }
    skip(&[format!("the OpenTelemetry Collector {COLLECTOR} (script/collector {COLLECTOR}, which needs Go)")])
}

/// Counts and prints the skip if something is missing.
#[track_caller]
pub(crate) fn skip(missing: &[String]) -> bool {
    if missing.is_empty() {
        return false;
    }
    let missing = missing.join(", ");
    assert!(env::var_os("CI").is_none(), "CI is set, and this is missing: {missing}");
    let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    let line = format!("skipped ({count}): {}, missing {missing}\n", test_name());
    // A closed stderr cannot be reported anywhere.
    let _ = io::stderr().write_all(line.as_bytes());
    true
}

/// As [`skip_without_kafka`], for a test that needs promtool and `parse-metrics`, and no Kafka.
#[track_caller]
pub(crate) fn skip_without_prometheus() -> bool {
    // Built from another source, the parser prints something else.
    let built_from = fs::read(prometheus().join("parse-metrics.go")).ok();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/harness/go/parse-metrics.go");
    if built_from.is_some() && built_from == fs::read(source).ok() {
        return false;
    }
    skip(&[format!("promtool and parse-metrics (script/prometheus {PROMETHEUS}, which needs Go)")])
}

/// Where `script/prometheus` puts promtool.
pub(crate) fn promtool() -> PathBuf {
    prometheus().join("promtool")
}

/// Where `script/prometheus` puts the program around Prometheus's parser of scrapes.
pub(crate) fn parse_metrics() -> PathBuf {
    prometheus().join("parse-metrics")
}

fn prometheus() -> PathBuf {
    cache().join(format!("prometheus-{PROMETHEUS}"))
}

/// Where `script/collector` puts the collector.
pub(crate) fn collector() -> PathBuf {
    cache().join(format!("otelcol-{COLLECTOR}"))
}

/// The Kafka version under test.
pub(crate) fn kafka_version() -> String {
    env::var("KAFKA_PROBER_TEST_KAFKA").unwrap_or_else(|_| DEFAULT_KAFKA.to_owned())
}

/// Where `script/kafka-jars` puts the jars of that version.
pub(crate) fn kafka_jars() -> PathBuf {
    cache().join(format!("kafka-{}", kafka_version()))
}

/// Outside the checkout, as in the scripts that fill it.
fn cache() -> PathBuf {
    let set = |name| env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = || set("HOME").unwrap_or_default().join(".cache");
    set("KAFKA_PROBER_CACHE").unwrap_or_else(|| set("XDG_CACHE_HOME").unwrap_or_else(home).join("kafka-prober"))
}

/// The Java program: of `JAVA_HOME` when set, else the one on the path.
pub(crate) fn java() -> PathBuf {
    match env::var_os("JAVA_HOME").filter(|home| !home.is_empty()) {
        Some(home) => PathBuf::from(home).join("bin/java"),
        None => PathBuf::from("java"),
    }
}

fn java_version() -> Option<u32> {
    let output = Command::new(java()).arg("-version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let quoted = text.split('"').nth(1)?;
    quoted.split(['.', '-', '+']).next()?.parse().ok()
}
