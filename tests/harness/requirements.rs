//! What the cluster tests need from the machine, and what becomes of a test without it.

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::failure_logs::test_name;

/// The newest Kafka the tests are written against; `KAFKA_PROBER_TEST_KAFKA` names another.
const DEFAULT_KAFKA: &str = "4.3.1";

/// The OpenTelemetry Collector the tests are written against.
const COLLECTOR: &str = "0.160.0";

/// The oldest Java that runs it.
const OLDEST_JAVA: u32 = 17;

static SKIPPED: AtomicUsize = AtomicUsize::new(0);

/// What is missing for a real cluster, each with what brings it; empty when tests can run.
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

/// True when the calling test cannot run here and should return.
///
/// The skip is counted and said on stderr past the test runner's capture. With `CI` set it is a
/// failure: a pipeline without its cluster tests must not be green.
#[track_caller]
pub(crate) fn skip_without_kafka() -> bool {
    skip(&requirements())
}

/// The same for a test that needs a real OpenTelemetry Collector, and no Kafka.
#[track_caller]
pub(crate) fn skip_without_collector() -> bool {
    if collector().is_file() {
        return false;
    }
    skip(&[format!("the OpenTelemetry Collector {COLLECTOR} (script/collector {COLLECTOR}, which needs Go)")])
}

#[track_caller]
pub(crate) fn skip(missing: &[String]) -> bool {
    if missing.is_empty() {
        return false;
    }
    let missing = missing.join(", ");
    assert!(env::var_os("CI").is_none(), "needed for the cluster tests: {missing}");
    let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    let line = format!("skipped ({count}): {}, missing {missing}\n", test_name());
    // Nothing to do about a closed stderr.
    let _ = io::stderr().write_all(line.as_bytes());
    true
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
