//! Which probes felt an incident, at which brokers, and how: what a diagnosis has to go by.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

use super::Incident;
use super::account::{Account, Bad};
use super::stage::Stage;
use super::watch::Watch;
use crate::harness::prober::Scrape;
use crate::support::Status;

/// A series is worth a line if its p99 is above this, or if anything in it was not good.
const NOTABLE_SECONDS: f64 = 0.05;

const BAD: [&str; 5] = ["slow", "error", "timeout", "lost", "corrupt"];

/// What the prober had counted at one moment.
pub(super) struct Moment {
    at: Instant,
    status: Status,
    metrics: Scrape,
}

/// A series: view, broker and probe.
type Series = (String, String, String);

impl Moment {
    #[track_caller]
    pub(super) fn of(stage: &Stage<'_>) -> Moment {
        let (status, metrics) = (stage.probing.status(), stage.probing.prober.metrics());
        Moment { at: status.at, status, metrics }
    }

    /// What was bad between two moments.
    pub(super) fn bad_since(&self, earlier: &Moment, victim: Option<i32>) -> Bad {
        let mut sum = Bad::default();
        let before = earlier.counts("outcomes");
        for ((view, broker, probe), outcomes) in self.counts("outcomes") {
            let key = (view.clone(), broker.clone(), probe);
            let was = |name: &str| before.get(&key).and_then(|outcomes| outcomes.get(name)).copied().unwrap_or(0);
            let bad: u64 =
                BAD.iter().map(|name| outcomes.get(*name).copied().unwrap_or(0).saturating_sub(was(name))).sum();
            let at = match view.as_str() {
                "broker" if victim.is_some_and(|victim| victim.to_string() == broker) => &mut sum.victim,
                "broker" => &mut sum.others,
                "client" => &mut sum.client,
                "coordinator" => &mut sum.coordinator,
                _ => &mut sum.cluster,
            };
            *at += bad;
        }
        sum
    }

    /// Every due attempt is counted once, or on its way.
    #[track_caller]
    pub(super) fn assert_balances(&self) {
        self.status.assert_balances();
    }

    /// One group of counts of every series.
    fn counts(&self, group: &str) -> BTreeMap<Series, BTreeMap<String, u64>> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let of = |row: &Value| {
            let counts = row[group].as_object().into_iter().flatten();
            let counts = counts.filter_map(|(name, count)| Some((name.clone(), count.as_u64()?))).collect();
            ((text(&row["view"]), text(&row["broker"]), text(&row["probe"])), counts)
        };
        self.status.rows().map(of).collect()
    }

    /// A line for every series that was not plainly good since an earlier moment.
    pub(super) fn told_since(&self, earlier: &Moment) -> String {
        let mut told = String::new();
        let since = self.metrics.since(&earlier.metrics);
        let groups = ["outcomes", "errors", "void"].map(|group| (self.counts(group), earlier.counts(group)));
        for key in groups[0].0.keys() {
            let grown = |(now, before): &(BTreeMap<Series, BTreeMap<String, u64>>, _)| -> Vec<(String, u64)> {
                let before: &BTreeMap<Series, BTreeMap<String, u64>> = before;
                let was = |name: &String| before.get(key).and_then(|counts| counts.get(name)).copied().unwrap_or(0);
                let counts = now.get(key).into_iter().flatten();
                let grown = counts.map(|(name, count)| (name.clone(), count.saturating_sub(was(name))));
                grown.filter(|(_, more)| 0 < *more).collect()
            };
            let [outcomes, errors, voids] = groups.each_ref().map(grown);
            let (view, broker, probe) = key;
            let labels = [("view", view.as_str()), ("broker", broker), ("probe", probe)];
            let quantile = |q| since.histogram_quantile("kafka_prober_duration_seconds", &labels, q);
            let p99 = quantile(0.99).unwrap_or_default();
            if outcomes.iter().all(|(name, _)| name == "good") && p99 < NOTABLE_SECONDS {
                continue;
            }
            let list = |counts: &[(String, u64)]| {
                counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
            };
            let millis = |q| quantile(q).unwrap_or_default() * 1e3;
            let _ = write!(told, "  {view:<11} {broker:<7} {probe:<11} {}", list(&outcomes));
            let _ = write!(told, "; p50 {:.0} ms, p99 {:.0} ms", millis(0.5), millis(0.99));
            for (what, counts) in [("errors", &errors), ("void", &voids)] {
                if !counts.is_empty() {
                    let _ = write!(told, "; {what}: {}", list(counts));
                }
            }
            told.push('\n');
        }
        for broker in self.brokers() {
            let phases = ["connect", "api_versions"].map(|phase| {
                let labels = [("broker", broker.as_str()), ("phase", phase)];
                let name = "kafka_prober_phase_duration_seconds";
                let worst = since.histogram_quantile(name, &labels, 1.0);
                format!("{phase} {}", worst.map_or("none".to_owned(), |worst| format!("≤ {:.0} ms", worst * 1e3)))
            });
            let _ = writeln!(told, "  fresh connections to {broker}: {}", phases.join(", "));
        }
        told
    }

    fn brokers(&self) -> Vec<String> {
        let series =
            self.counts("outcomes").into_keys().filter(|(view, broker, _)| view == "broker" && broker != "unknown");
        let mut brokers: Vec<String> = series.map(|(_, broker, _)| broker).collect();
        brokers.dedup();
        brokers.sort();
        brokers.dedup();
        brokers
    }
}

/// Writes down what was felt before, during and after the fault, and which findings came and went.
pub(super) fn keep(
    incident: &Incident,
    account: &Account,
    moments: &[&Moment; 4],
    watch: &Watch,
    (began, healed): (Instant, Instant),
    survived: bool,
) {
    let mut text = format!("== {}: {}", incident.name, incident.what);
    let _ = writeln!(text, "\nvictim: {:?}; every broker process lives on: {survived}", account.victim);
    for sight in watch.sights() {
        let at = sight.at.saturating_duration_since(began).as_secs_f64();
        let findings: Vec<String> = sight.findings.iter().map(|finding| format!("{finding:?}")).collect();
        let _ = writeln!(text, "  at {at:6.2} s stands: {}", findings.join(" "));
    }
    let _ = writeln!(text, "  undone at {:.2} s", healed.duration_since(began).as_secs_f64());
    for (name, pair) in ["before", "during", "after"].iter().zip(moments.windows(2)) {
        let took = pair[1].at.duration_since(pair[0].at).as_secs_f64();
        let _ = write!(text, "{name} ({took:.1} s):\n{}", pair[1].told_since(pair[0]));
    }
    let _ = writeln!(text, "broken: {:?}\n", account.broken(1));
    eprint!("{text}");
    let _ = append(&text);
}

/// Beside the logs of failed tests.
fn append(text: &str) -> io::Result<()> {
    let folder = folder();
    fs::create_dir_all(&folder)?;
    let mut file = fs::OpenOptions::new().create(true).append(true).open(folder.join("evidence.txt"))?;
    io::Write::write_all(&mut file, text.as_bytes())
}

/// Where results are kept.
pub(super) fn folder() -> PathBuf {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().unwrap_or(tmp).join("incidents")
}
