//! Which probes an incident affected, at which brokers and how: the input of the diagnosis.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

use crate::findings_monitor::FindingsMonitor;
use crate::harness::Cluster;
use crate::harness::prober::Scrape;
use crate::incident::Incident;
use crate::report::{Bad, Report, Times};
use crate::support::{FindingOnPage, Status, broker_of};
use crate::test_bed::TestBed;

/// A series is listed if its p99 is above this, or if an event in it was not good.
const NOTABLE_SECONDS: f64 = 0.05;

/// Names of metrics on `/metrics`.
const DURATION: &str = "kafka_prober_duration_seconds";
const PHASE: &str = "kafka_prober_phase_duration_seconds";

/// Outcomes that count as bad.
const BAD: [&str; 5] = ["slow", "error", "timeout", "lost", "corrupt"];

/// The prober's counts at one moment.
pub(crate) struct CountsSnapshot {
    at: Instant,
    status: Status,
    metrics: Scrape,
}

/// A series: view, broker and probe.
type Series = (String, String, String);

/// Counts by name.
type Counts = BTreeMap<String, u64>;

impl CountsSnapshot {
    #[track_caller]
    pub(crate) fn of(bed: &TestBed<'_>) -> CountsSnapshot {
        let (status, metrics) = (bed.probing.status(), bed.probing.prober.metrics());
        CountsSnapshot { at: status.at, status, metrics }
    }

    /// Each due attempt is counted once or in flight.
    #[track_caller]
    pub(crate) fn assert_balances(&self) {
        self.status.assert_balances();
    }

    /// Bad events since an earlier snapshot.
    pub(crate) fn bad_since(&self, earlier: &CountsSnapshot, victims: &[i32]) -> Bad {
        let victims: Vec<String> = victims.iter().map(i32::to_string).collect();
        let mut sum = Bad::default();
        for ((view, broker, _), outcomes) in self.grown(earlier, "outcomes") {
            let at = match view.as_str() {
                "broker" if victims.contains(&broker) => &mut sum.victims,
                "broker" => &mut sum.others,
                "client" => &mut sum.client,
                "coordinator" => &mut sum.coordinator,
                _ => &mut sum.cluster,
            };
            *at += BAD.iter().filter_map(|name| outcomes.get(*name)).sum::<u64>();
        }
        sum
    }

    /// A line for every series with an event that was not good or was slow since an earlier snapshot, and one for the fresh
    /// connections to each broker.
    pub(crate) fn changes_since(&self, earlier: &CountsSnapshot) -> String {
        let since = self.metrics.since(&earlier.metrics);
        let [outcomes, errors, voids] = ["outcomes", "errors", "void"].map(|group| self.grown(earlier, group));
        let mut lines = String::new();
        for (key, counts) in &outcomes {
            let (view, broker, probe) = key;
            let (about, subject) = match view.as_str() {
                "client" => ("partition", self.partition_of(broker)),
                _ => ("broker", broker.clone()),
            };
            let labels = [("view", view.as_str()), (about, subject.as_str()), ("probe", probe)];
            let [p50, p99] = [0.5, 0.99].map(|q| since.histogram_quantile(DURATION, &labels, q).unwrap_or_default());
            if counts.keys().all(|name| name == "good") && p99 < NOTABLE_SECONDS {
                continue;
            }
            let _ = write!(lines, "  {view:<11} {broker:<7} {probe:<11} {}", list(counts));
            let _ = write!(lines, "; p50 {:.0} ms, p99 {:.0} ms", p50 * 1e3, p99 * 1e3);
            for (what, all) in [("errors", &errors), ("void", &voids)] {
                if let Some(counts) = all.get(key) {
                    let _ = write!(lines, "; {what}: {}", list(counts));
                }
            }
            lines.push('\n');
        }
        let brokers: BTreeSet<&String> = outcomes.keys().filter(|key| key.2 == "connect").map(|key| &key.1).collect();
        for broker in brokers {
            let slowest = ["connect", "api_versions"].map(|phase| {
                let worst = since.histogram_quantile(PHASE, &[("broker", broker), ("phase", phase)], 1.0);
                worst.map_or_else(|| format!("{phase} never"), |worst| format!("{phase} ≤ {:.0} ms", worst * 1e3))
            });
            let _ = writeln!(lines, "  fresh connections to {broker}: {}", slowest.join(", "));
        }
        lines
    }

    /// How much one group of counts has grown since an earlier snapshot, for the series where it has. A count that has shrunk is
    /// that of a prober which was started in between.
    fn grown(&self, earlier: &CountsSnapshot, group: &str) -> BTreeMap<Series, Counts> {
        let before = earlier.counts(group);
        let mut grown = self.counts(group);
        for (series, counts) in &mut grown {
            for (name, count) in counts.iter_mut() {
                let was = before.get(series).and_then(|was| was.get(name)).copied().unwrap_or(0);
                *count = count.checked_sub(was).unwrap_or(*count);
            }
            counts.retain(|_, count| 0 < *count);
        }
        grown.retain(|_, counts| !counts.is_empty());
        grown
    }

    /// The partition of the replicated lane that prefers a broker, as the label of a metric.
    fn partition_of(&self, broker: &str) -> String {
        let prefers = |row: &&Value| row["view"] == "client" && text(broker_of(row)) == broker;
        self.status.rows().find(prefers).map_or_else(|| "unknown".to_owned(), |row| text(&row["partition"]))
    }

    /// One group of counts of every series.
    fn counts(&self, group: &str) -> BTreeMap<Series, Counts> {
        let of = |row: &Value| {
            let counts = row[group].as_object().into_iter().flatten();
            let counts = counts.filter_map(|(name, count)| Some((name.clone(), count.as_u64()?))).collect();
            ((text(&row["view"]), text(broker_of(row)), text(&row["probe"])), counts)
        };
        self.status.rows().map(of).collect()
    }
}

/// A number or a word as text.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list(counts: &Counts) -> String {
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

/// Writes the changed counts before, during and after the fault, and every change of the findings, to stderr and a file.
pub(crate) fn keep(
    incident: &Incident,
    report: &Report,
    moments: &[&CountsSnapshot; 4],
    findings_monitor: &FindingsMonitor,
    times: &Times,
    ended: &[String],
) {
    let mut text = format!("== {}: {}", incident.name, incident.description);
    let _ = writeln!(
        text,
        "\nvictims: {:?}; processes that had ended when the faults were undone: {}",
        report.victims,
        ended.len()
    );
    ended.iter().for_each(|words| text.push_str(words));
    let began = times.faults[0];
    for fault in &times.faults[1..] {
        let _ = writeln!(text, "  at {:6.2} s the next fault", fault.duration_since(began).as_secs_f64());
    }
    for sample in findings_monitor.samples() {
        let at = sample.at.saturating_duration_since(began).as_secs_f64();
        let findings: Vec<String> = sample.findings.iter().map(one).collect();
        let _ = writeln!(text, "  at {at:6.2} s stands: {}", findings.join(" "));
    }
    let [undo, healed] = [times.undo, times.healed].map(|at| at.duration_since(began).as_secs_f64());
    let _ = writeln!(text, "  undone from {undo:.2} s to {healed:.2} s; explain exits with {:?}", report.explain);
    for (name, pair) in ["before", "during", "after"].iter().zip(moments.windows(2)) {
        let took = pair[1].at.duration_since(pair[0].at).as_secs_f64();
        let _ = write!(text, "{name} ({took:.1} s):\n{}", pair[1].changes_since(pair[0]));
    }
    let _ = writeln!(text, "violations: {:?}\n", report.violations(1));
    eprint!("{text}");
    let _ = append(&text);
}

/// A finding as `broker_stalled(2)`, with its members and the number of its episodes where it has some.
fn one(finding: &FindingOnPage) -> String {
    let (kind, broker) = &finding.id;
    let broker = broker.map_or_else(|| "-".to_owned(), |broker| broker.to_string());
    let members = if finding.members.is_empty() { String::new() } else { format!(" of {:?}", finding.members) };
    let episodes = finding.episodes.map_or_else(String::new, |count| format!(" {count} times"));
    format!("{kind}({broker}{members}{episodes})")
}

/// The last lines of the log of every broker whose process has ended.
pub(crate) fn logs_of_ended_brokers(cluster: &Cluster) -> Vec<String> {
    let ended = cluster.brokers().iter().filter(|broker| !broker.is_running());
    let words =
        ended.map(|broker| format!("broker {} ended; the end of its log:\n{}\n", broker.id(), broker.log_tail()));
    words.collect()
}

/// Appends to the file of details, beside the logs of failed tests.
fn append(text: &str) -> io::Result<()> {
    let folder = folder();
    fs::create_dir_all(&folder)?;
    let mut file = fs::OpenOptions::new().create(true).append(true).open(folder.join("details.txt"))?;
    io::Write::write_all(&mut file, text.as_bytes())
}

/// The folder of the results.
pub(crate) fn folder() -> PathBuf {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().unwrap_or(tmp).join("incidents")
}
