//! The result of a replay, as text and as JSON.
//!
//! The shape of the JSON: `{schema_version, cluster, prober, format, complete, from, to (RFC 3339, UTC), events, evaluations,
//! skipped_lines, configuration (recorded, given), differing_evaluations (null with a given configuration), findings[{kind, broker
//! (text or null), members[], blame, confidence, since, began, ended (or null), named_after_seconds, lasted_seconds (or null),
//! summary, evidence[]}], series[{view, probe, broker, partition, outcomes{}}], objectives[{objective, target, good, bad, excluded}]}`.
//! `began` and `ended` are those of the evaluations that had the finding; `since` is when its fault began.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use prober_core::counts::SeriesCounts;
use prober_core::diagnosis::recording::timeline::Episode;
use prober_core::event::Outcome;
use prober_core::ids::BrokerId;
use prober_core::time::Time;
use serde_json::{Value, json};

use super::Report;
use crate::cli::table::Table;
use crate::recording::time::rfc3339;

/// Version of the JSON.
const SCHEMA_VERSION: u32 = 1;

/// The replay for scripts.
pub(super) fn json(report: &Report) -> Value {
    let (header, replayed) = (&report.header, &report.replayed);
    let wall = |at: Time| rfc3339(header.wall(at));
    let finding = |Episode { began, ended, finding }: &Episode| {
        json!({
            "kind": finding.kind.as_str(),
            "broker": finding.broker.map(|id| id.to_string()),
            "members": finding.members.iter().map(BrokerId::to_string).collect::<Vec<_>>(),
            "blame": finding.blame.as_str(),
            "confidence": finding.confidence.as_str(),
            "since": wall(finding.since),
            "began": wall(*began),
            "ended": ended.map(wall),
            "named_after_seconds": began.since(finding.since).as_secs_f64(),
            "lasted_seconds": ended.map(|ended| ended.since(*began).as_secs_f64()),
            "summary": finding.summary,
            "evidence": finding.evidence,
        })
    };
    let series = |row: &SeriesCounts| {
        let outcomes: BTreeMap<&str, u64> =
            Outcome::ALL.iter().map(|outcome| (outcome.as_str(), row.counts.of(*outcome))).collect();
        json!({
            "view": row.series.view.as_str(),
            "probe": row.series.probe.as_str(),
            "broker": row.series.subject.broker_label(),
            "partition": row.series.subject.partition_label(),
            "outcomes": outcomes,
        })
    };
    let objectives = objectives(report);
    let objective = |(name, target, [good, bad, excluded]): &(&str, f64, [u64; 3])| json!({"objective": name, "target": target, "good": good, "bad": bad, "excluded": excluded});
    json!({
        "schema_version": SCHEMA_VERSION,
        "cluster": header.settings.cluster.as_str(),
        "prober": header.prober,
        "format": format!("{}.{}", header.format.major, header.format.minor),
        "complete": header.is_complete,
        "from": replayed.span.map(|(from, _)| wall(from)),
        "to": replayed.span.map(|(_, to)| wall(to)),
        "events": replayed.events,
        "evaluations": replayed.evaluations,
        "skipped_lines": report.skipped,
        "configuration": if report.has_other_configuration { "given" } else { "recorded" },
        "differing_evaluations": (!report.has_other_configuration).then_some(replayed.comparison.differing),
        "findings": replayed.episodes.iter().map(finding).collect::<Vec<_>>(),
        "series": replayed.series.iter().map(series).collect::<Vec<_>>(),
        "objectives": objectives.iter().map(objective).collect::<Vec<_>>(),
    })
}

/// The replay for people.
pub(super) fn text(report: &Report) -> String {
    headline(report) + "\n" + &findings(report) + "\n" + &outcomes(report) + "\n" + &objectives_text(report)
}

fn headline(report: &Report) -> String {
    let (header, replayed) = (&report.header, &report.replayed);
    let mut text = format!("Cluster {}, recorded by kafka-prober {}", header.settings.cluster, header.prober);
    if let Some((from, to)) = replayed.span {
        let _ = write!(text, ", {} to {}", rfc3339(header.wall(from)), rfc3339(header.wall(to)));
    }
    text += ".\n";
    if !header.is_complete {
        text += "It does not go back to the start of the prober: usual latencies and earlier findings are unknown to the replay.\n";
    }
    if 0 < report.skipped {
        let _ = writeln!(text, "{} lines of a newer prober were left out.", report.skipped);
    }
    let _ = write!(text, "{} events, {} evaluations; ", replayed.events, replayed.evaluations);
    let differing = replayed.comparison.differing;
    text += &match (report.has_other_configuration, differing) {
        (true, _) => "judged by the given configuration.\n".to_owned(),
        (false, 0) => "the findings are those that were recorded.\n".to_owned(),
        (false, _) => format!("the findings of {differing} evaluations are not those that were recorded.\n"),
    };
    text
}

fn findings(report: &Report) -> String {
    let episodes = &report.replayed.episodes;
    if episodes.is_empty() {
        return "No findings.\n".to_owned();
    }
    let mut table = Table::new(&["began", "named after", "lasted", "finding", "broker", "blame", "confidence"]);
    for Episode { began, ended, finding } in episodes {
        table.row(vec![
            rfc3339(report.header.wall(*began)),
            format!("{:.1} s", began.since(finding.since).as_secs_f64()),
            ended.map_or("to the end".to_owned(), |ended| format!("{:.1} s", ended.since(*began).as_secs_f64())),
            finding.kind.as_str().to_owned(),
            finding.broker.map_or("-".to_owned(), |id| id.to_string()),
            finding.blame.as_str().to_owned(),
            finding.confidence.as_str().to_owned(),
        ]);
    }
    table.to_string()
}

/// The counts of each view and probe, summed up over brokers and partitions.
fn outcomes(report: &Report) -> String {
    let mut sums: BTreeMap<(&str, &str), [u64; Outcome::ALL.len()]> = BTreeMap::new();
    for row in &report.replayed.series {
        let sum = sums.entry((row.series.view.as_str(), row.series.probe.as_str())).or_default();
        sum.iter_mut().zip(row.counts.outcomes).for_each(|(sum, count)| *sum += count);
    }
    let head: Vec<&str> = ["view", "probe"].into_iter().chain(Outcome::ALL.map(Outcome::as_str)).collect();
    let mut table = Table::new(&head);
    for ((view, probe), counts) in sums {
        table.row(
            [view.to_owned(), probe.to_owned()].into_iter().chain(counts.map(|count| count.to_string())).collect(),
        );
    }
    table.to_string()
}

/// Name, target, and the good, bad and excluded events of each objective.
fn objectives(report: &Report) -> Vec<(&str, f64, [u64; 3])> {
    let sum = |index: usize| {
        let rows = report.replayed.objective_counts.iter().filter(move |row| row.objective == index);
        rows.fold([0; 3], |[good, bad, excluded], row| [good + row.good, bad + row.bad, excluded + row.excluded])
    };
    let objectives = report.replayed.objectives.iter().enumerate();
    objectives.map(|(index, objective)| (objective.name.as_str(), objective.target, sum(index))).collect()
}

fn objectives_text(report: &Report) -> String {
    let mut table = Table::new(&["objective", "target", "good", "bad", "excluded", "share of good"]);
    for (name, target, [good, bad, excluded]) in objectives(report) {
        let share = if good + bad == 0 { "-".to_owned() } else { format!("{:.5}", good as f64 / (good + bad) as f64) };
        table.row(vec![
            name.to_owned(),
            target.to_string(),
            good.to_string(),
            bad.to_string(),
            excluded.to_string(),
            share,
        ]);
    }
    table.to_string()
}
