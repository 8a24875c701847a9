//! The answer of `check` on stdout, as text and as JSON.

use prober_core::ids::Probe;
use prober_core::snapshot::BrokerState;
use serde::Serialize;

use crate::cli::args::Output;
use crate::cli::output;
use crate::cli::table::{Table, millis};

use super::judgement::Judgement;
use super::rows::{ProbeResult, Row, Subject};

/// The JSON document. Added fields keep the version; any other change raises it.
#[derive(Serialize)]
struct Report<'a> {
    schema_version: u32,
    verdict: &'static str,
    summary: &'a str,
    /// The broker view.
    brokers: Vec<BrokerReport<'a>>,
    /// The client view: what applications experience, one entry a cluster.
    clients: Vec<ClientReport<'a>>,
}

#[derive(Serialize)]
struct BrokerReport<'a> {
    cluster: &'a str,
    /// Null if there never was any metadata.
    broker: Option<i32>,
    address: Option<&'a str>,
    state: &'static str,
    verdict: &'static str,
    probes: Vec<ProbeReport<'a>>,
}

#[derive(Serialize)]
struct ClientReport<'a> {
    cluster: &'a str,
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

pub(super) fn print(judgement: &Judgement, output: Output) {
    match output {
        Output::Text => output::print(&text(judgement)),
        Output::Json => output::print(&format!("{}\n", json(judgement))),
    }
}

fn text(judgement: &Judgement) -> String {
    let probes = Probe::OF_A_RECORD;
    let before = ["cluster", "view", "broker", "address", "verdict"];
    let header: Vec<&str> = before.into_iter().chain(probes.map(Probe::as_str)).chain(["why"]).collect();
    let mut table = Table::new(&header);
    for row in judgement.brokers.iter().chain(&judgement.applications) {
        let cell = |probe: Probe| {
            let found = row.probes.iter().find(|found| found.probe == probe);
            found.map_or_else(|| "-".to_owned(), summary)
        };
        let mut why: Vec<&str> = row.probes.iter().flat_map(|probe| probe.errors.iter().copied()).collect();
        why.dedup();
        let (view, broker) = match row.subject {
            Subject::Broker(broker) => ("broker", broker.to_string()),
            Subject::Applications => ("client", "all".to_owned()),
        };
        let before = [
            row.cluster.to_string(),
            view.to_owned(),
            broker,
            row.address.clone().unwrap_or_else(|| "-".into()),
            row.verdict.as_str().to_owned(),
        ];
        table.row(before.into_iter().chain(probes.map(cell)).chain([why.join(", ")]).collect());
    }
    format!("{table}{}: {}\n", judgement.exit.as_str(), judgement.summary)
}

/// Good of judged events, and the median, such as `3/3 1.2 ms`.
fn summary(probe: &ProbeResult) -> String {
    let judged = probe.good + probe.bad;
    if probe.good == 0 { format!("0/{judged}") } else { format!("{}/{judged} {}", probe.good, millis(probe.p50)) }
}

fn json(judgement: &Judgement) -> String {
    let report = Report {
        schema_version: 1,
        verdict: judgement.exit.as_str(),
        summary: &judgement.summary,
        brokers: judgement.brokers.iter().filter_map(broker).collect(),
        clients: judgement.applications.iter().map(client).collect(),
    };
    serde_json::to_string_pretty(&report).unwrap_or_default()
}

fn broker(row: &Row) -> Option<BrokerReport<'_>> {
    let Subject::Broker(broker) = row.subject else { return None };
    Some(BrokerReport {
        cluster: row.cluster.as_str(),
        broker: broker.id().map(|id| id.0),
        address: row.address.as_deref(),
        state: row.state.map_or("unknown", BrokerState::as_str),
        verdict: row.verdict.as_str(),
        probes: row.probes.iter().map(probe).collect(),
    })
}

fn client(row: &Row) -> ClientReport<'_> {
    let probes = row.probes.iter().map(probe).collect();
    ClientReport { cluster: row.cluster.as_str(), verdict: row.verdict.as_str(), probes }
}

fn probe(found: &ProbeResult) -> ProbeReport<'_> {
    ProbeReport {
        probe: found.probe.as_str(),
        good: found.good,
        bad: found.bad,
        void: found.void,
        p50_ms: found.p50.as_secs_f64() * 1e3,
        max_ms: found.max.as_secs_f64() * 1e3,
        errors: &found.errors,
    }
}
