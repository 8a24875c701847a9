//! docs/metrics.md, made of the catalogue.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use prober_core::event::{Anomaly, Outcome};
use prober_core::fault::Blame;
use prober_core::metric::{self, Level, Metric};
use prober_core::observed::parts::PartState;
use prober_core::probe::{PROBES, Probe, ProbeSpec};
use prober_core::snapshot::BrokerState;

use super::prometheus::prometheus_name;
use super::{ExportStats, fixture, points};

const INTRODUCTION: &str = "\
# Metrics

This page is generated from the catalogue in `core/src/metric/`: do not edit it (`UPDATE_DOCS=1 cargo test --lib metrics_page`
writes it again).

- **The same by both ways.** OTLP and `/metrics` export the same points under the names below.
- **Levels.** `metrics.level` selects how much is exported; each level includes those before it. `slo` has objectives, broker
  states, findings and what is needed to trust them, with at most 40 series a broker. `standard`, the default, adds every
  event and error, the main latencies and the observed state of the cluster, with at most 200 series a broker. `full` adds every
  latency, the phases of a connection, and attempts due and sent.
- **Attributes.** Every point has `vantage`, the name of the prober, and `kafka_cluster`, the cluster's name in its configuration;
  the table shows the others. Only a prober of several clusters leaves `kafka_cluster` out of what concerns itself as a whole. A
  point leaves out attributes that do not apply to it: events of the client view have `partition` and no `broker`.
- **Prometheus names** follow from the OTLP names. Dots become underscores, also in attributes (`error.type` is the label
  `error_type`). The unit becomes a suffix: `s` is `_seconds`, `By` is `_bytes`, `By/s` is `_bytes_per_second`, `1` is `_ratio`; other
  units have none. Counters end in `_total`. A histogram has the series `_bucket`, `_sum` and `_count`.
- **Queries** group by `kafka_cluster` first, or they mix clusters. They never sum over `view`, `probe` or `objective`: one record is
  an event of several probes, and one event is judged by several objectives.
";

const CLOSED_LISTS: &str = "
## Values

Some attributes have values from a closed list; findings have a section each in the [runbook](runbook.md).

| attribute | of | values |
| --- | --- | --- |
";

const OUTCOMES: &str = "
What an event is counted as:

| outcome | meaning |
| --- | --- |
";

const PROBES_AND_VIEWS: &str = "
The views in which a probe has events, and the outcomes that these can have:

| probe | views | outcomes |
| --- | --- | --- |
";

fn page() -> String {
    let metrics: String = metric::ALL.iter().map(row).collect();
    let lists: String = closed_lists().into_iter().map(|(name, of, values)| line([code([name]), of, values])).collect();
    let outcomes: String =
        Outcome::ALL.map(|outcome| line([code([outcome.as_str()]), meaning(outcome).into()])).concat();
    let probes: String = PROBES.iter().map(probe).collect();
    let head = "\n| OTLP name | Prometheus name | kind | unit | level | attributes | meaning |\n\
                | --- | --- | --- | --- | --- | --- | --- |\n";
    [INTRODUCTION, head, &metrics, CLOSED_LISTS, &lists, OUTCOMES, &outcomes, PROBES_AND_VIEWS, &probes].concat()
}

fn row(metric: &Metric) -> String {
    line([
        code([metric.name]),
        code([prometheus_name(metric)]),
        metric.kind.as_str().to_owned(),
        code([metric.unit]),
        metric.level.as_str().to_owned(),
        code(metric.attributes.iter().skip(2)),
        metric.help.to_owned(),
    ])
}

/// Each attribute, the metrics that have it, and its values.
fn closed_lists() -> Vec<(&'static str, String, String)> {
    let views: BTreeSet<_> = PROBES.iter().flat_map(|spec| spec.views).collect();
    let blames = [Blame::Cluster, Blame::Prober, Blame::Unclear, Blame::Nobody];
    let state = |metric: Metric, values| ("state", code([metric.name]), values);
    let list = |attribute: &'static str, values| {
        let metrics = metric::ALL.into_iter().filter(|metric| metric.attributes.contains(&attribute));
        (attribute, code(metrics.map(|metric| metric.name)), values)
    };
    vec![
        list("view", code(views.iter().map(|view| view.as_str()))),
        list("probe", code(Probe::ALL.map(Probe::as_str))),
        list("outcome", code(Outcome::ALL.map(Outcome::as_str))),
        list("verdict", exported(metric::OBJECTIVE_EVENTS, "verdict")),
        list("anomaly", code(Anomaly::ALL.map(Anomaly::as_str))),
        list("blame", code(blames.map(Blame::as_str))),
        state(metric::BROKER_STATE, code(BrokerState::ALL.map(BrokerState::as_str))),
        state(metric::CLUSTER_BROKERS, exported(metric::CLUSTER_BROKERS, "state")),
        state(metric::OBSERVATION_PARTS, code(PartState::ALL.map(PartState::as_str))),
        ("kind", code([metric::FINDINGS.name]), "the headings of the [runbook](runbook.md)".to_owned()),
    ]
}

/// The values that the points of a metric have, where no type lists them.
fn exported(metric: Metric, attribute: &str) -> String {
    let (snapshot, stats) = (fixture::snapshot(1), ExportStats::default());
    let mut values: Vec<String> = Vec::new();
    for point in points(&snapshot, &stats, Level::Full).filter(|point| point.metric == metric) {
        for (_, value) in point.attributes().filter(|(name, _)| *name == attribute) {
            if !values.iter().any(|known| known == value) {
                values.push(value.to_owned());
            }
        }
    }
    code(values)
}

fn meaning(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Good => "it succeeded within the probe's threshold",
        Outcome::Slow => "it succeeded, above the threshold",
        Outcome::Error => "it was refused; `kafka_prober.errors` has the cause",
        Outcome::Timeout => "there was no answer by the deadline",
        Outcome::Lost => "the record was acknowledged, and is missing from the log",
        Outcome::Corrupt => "the record has wrong bytes at its acknowledged offset",
        Outcome::Planned => "it was bad within a planned window of its broker; broker view only",
        Outcome::Void => "the prober cannot vouch for it; `kafka_prober.self.voided` has the reason",
        Outcome::Missed => "it was due, and never sent",
    }
}

fn probe(spec: &ProbeSpec) -> String {
    line([
        code([spec.name]),
        code(spec.views.iter().map(|view| view.as_str())),
        code(spec.outcomes.iter().map(|outcome| outcome.as_str())),
    ])
}

/// A row of a table.
fn line<const N: usize>(cells: [String; N]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// The words as code, with commas between them; empty words are left out.
fn code(words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let words = words.into_iter().filter(|word| !word.as_ref().is_empty());
    words.map(|word| format!("`{}`", word.as_ref())).collect::<Vec<_>>().join(", ")
}

#[test]
fn metrics_page_equals_the_catalogue() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let generated = page();
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        fs::write(&path, &generated).expect("docs/metrics.md can be written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let stale = generated.lines().find(|line| !written.lines().any(|other| other == *line));
    assert!(
        written == generated,
        "docs/metrics.md is out of date; UPDATE_DOCS=1 cargo test --lib metrics_page writes it. First new line: {stale:?}"
    );
}
