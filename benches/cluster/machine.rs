//! The machine, and whether it was busy.

use std::env;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::SystemTime;

use crate::harness::requirements::{java, kafka_version};
use crate::report::Table;

/// Set to 1, the bench measures on a busy machine as well, and the report mentions it.
pub(crate) const ANYWAY: &str = "BENCH_ANYWAY";

/// Load average per core above which the machine counts as busy.
const QUIET_PER_CORE: f64 = 0.5;

/// Whether the machine is quiet enough, or a busy one is allowed; the error has its load.
pub(crate) fn quiet() -> Result<(), String> {
    match loaded() {
        Some(load) if env::var_os(ANYWAY).is_none_or(|value| value != "1") => Err(load),
        _ => Ok(()),
    }
}

/// Prints the heading of the report.
pub(crate) fn describe() {
    let date = humantime::format_rfc3339_seconds(SystemTime::now());
    println!("# kafka-prober, measured {date}\n");
    if let Some(load) = loaded() {
        println!("**{load}**: measured all the same, so take every number for an upper bound.\n");
    }
    let mut table = Table::new(&["where", ""]);
    table.row(&["processor", &format!("{}, {} cores", processor(), cores())]);
    table.row(&["memory", &memory()]);
    table.row(&["kernel", &format!("Linux {}", read("/proc/sys/kernel/osrelease").trim())]);
    table.row(&["load average at the start", read("/proc/loadavg").trim()]);
    table.row(&["Kafka", &format!("{}, on {}", kafka_version(), java_version())]);
    table.row(&["prober", &prober()]);
    table.print();
}

/// Prints the load average at the end, the bench's own load included.
pub(crate) fn describe_end() {
    println!("Load average at the end, with our own: {}.", read("/proc/loadavg").trim());
}

/// The load, if the machine is busy.
fn loaded() -> Option<String> {
    let load: f64 = read("/proc/loadavg").split(' ').next()?.parse().ok()?;
    let limit = QUIET_PER_CORE * f64::from(u32::try_from(cores()).ok()?);
    (limit < load).then(|| format!("the machine is busy: 1-minute load average {load}, quiet is up to {limit}"))
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn processor() -> String {
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| "unknown".to_owned(), |(_, name)| name.to_owned())
}

fn memory() -> String {
    let info = read("/proc/meminfo");
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"));
    let kib: f64 = total.and_then(|kib| kib.trim().parse().ok()).unwrap_or_default();
    format!("{:.1} GiB", kib / f64::from(1 << 20))
}

fn java_version() -> String {
    let text = Command::new(java()).arg("-version").output();
    let text = text.map(|output| String::from_utf8_lossy(&output.stderr).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("no Java").to_owned()
}

fn prober() -> String {
    let version = output(Command::new(env!("CARGO_BIN_EXE_kafka-prober")).arg("--version"));
    let git = ["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty=, with uncommitted changes"];
    format!("{version}, commit {}", output(Command::new("git").args(git)))
}

fn output(command: &mut Command) -> String {
    let output = command.output().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    output.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
