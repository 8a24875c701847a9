//! The answer of `check` on stdout, for people and for scripts.

use serde::Serialize;

use crate::cli::args::Output;
use crate::cli::table::{Table, millis};

use super::judgement::{BrokerResult, Judgement, ProbeResult};

/// What scripts get. Additions keep the version; anything else raises it.
#[derive(Serialize)]
struct Report<'a> {
    schema_version: u32,
    verdict: &'static str,
    summary: &'a str,
    brokers: Vec<BrokerReport<'a>>,
}

#[derive(Serialize)]
struct BrokerReport<'a> {
    cluster: &'a str,
    /// Null where no metadata ever came.
    broker: Option<i32>,
    address: Option<&'a str>,
    state: &'static str,
    verdict: &'static str,
    probes: Vec<ProbeReport<'a>>,
}

#[derive(Serialize)]
struct ProbeReport<'a> {
    probe: &'static str,
    good: u64,
    bad: u64,
    void: u64,
    p50_ms: f64,
    max_ms: f64,
    errors: &'a [&'static str],
}

#[expect(clippy::print_stdout, reason = "the answer is the data asked for")]
pub(super) fn print(judgement: &Judgement, output: Output) {
    match output {
        Output::Text => print!("{}", text(judgement)),
        Output::Json => println!("{}", json(judgement)),
    }
}

fn text(judgement: &Judgement) -> String {
    let mut table = Table::new(&["cluster", "broker", "address", "verdict", "produce", "consume", "end_to_end", "why"]);
    for result in &judgement.brokers {
        let cell = |name: &str| {
            let found = result.probes.iter().find(|probe| probe.probe.as_str() == name);
            found.map_or_else(|| "-".to_owned(), summary)
        };
        let mut why: Vec<&str> = result.probes.iter().flat_map(|probe| probe.errors.iter().copied()).collect();
        why.dedup();
        table.row(vec![
            result.cluster.to_string(),
            result.broker.to_string(),
            result.address.clone().unwrap_or_else(|| "-".into()),
            result.verdict.as_str().to_owned(),
            cell("produce"),
            cell("consume"),
            cell("end_to_end"),
            why.join(", "),
        ]);
    }
    format!("{table}{}: {}\n", judgement.exit.as_str(), judgement.summary)
}

/// As in `3/3 1.2 ms`: good of judged, and the median.
fn summary(probe: &ProbeResult) -> String {
    let judged = probe.good + probe.bad;
    if probe.good == 0 { format!("0/{judged}") } else { format!("{}/{judged} {}", probe.good, millis(probe.p50)) }
}

fn json(judgement: &Judgement) -> String {
    let report = Report {
        schema_version: 1,
        verdict: judgement.exit.as_str(),
        summary: &judgement.summary,
        brokers: judgement.brokers.iter().map(broker).collect(),
    };
    serde_json::to_string_pretty(&report).unwrap_or_default()
}

fn broker(result: &BrokerResult) -> BrokerReport<'_> {
    let probe = |probe: &'_ ProbeResult| (probe.p50.as_secs_f64() * 1e3, probe.max.as_secs_f64() * 1e3);
    BrokerReport {
        cluster: result.cluster.as_str(),
        broker: result.broker.id().map(|id| id.0),
        address: result.address.as_deref(),
        state: result.state,
        verdict: result.verdict.as_str(),
        probes: result
            .probes
            .iter()
            .map(|found| {
                let (p50_ms, max_ms) = probe(found);
                ProbeReport {
                    probe: found.probe.as_str(),
                    good: found.good,
                    bad: found.bad,
                    void: found.void,
                    p50_ms,
                    max_ms,
                    errors: &found.errors,
                }
            })
            .collect(),
    }
}
