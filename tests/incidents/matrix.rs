//! The reports of many incidents as a table: for each fault the findings, their delays, and the false findings.

use std::time::Duration;

use crate::incident::Expect;
use crate::report::Report;
use crate::support::FindingId;

/// A Markdown table with a row for each report.
pub(crate) fn table(reports: &[Report]) -> String {
    let heads =
        ["fault", "expected", "found", "named after", "over after", "false findings", "bad events", "as promised"];
    lines(&heads, &reports.iter().map(row).collect::<Vec<_>>())
}

/// A Markdown table with a row for each incident that ran several times.
pub(crate) fn summary(reports: &[Report]) -> String {
    let heads =
        ["fault", "runs", "as promised", "named after (median, worst)", "over after (median, worst)", "false findings"];
    let mut names: Vec<&str> = reports.iter().map(|report| report.name).collect();
    names.dedup();
    let rows = names.into_iter().map(|name| {
        let of_name: Vec<&Report> = reports.iter().filter(|report| report.name == name).collect();
        let kept = of_name.iter().filter(|report| report.violations(1).is_empty()).count();
        let wrong = of_name.iter().flat_map(|report| report.false_findings());
        [
            name.to_owned(),
            of_name.len().to_string(),
            kept.to_string(),
            spread(of_name.iter().map(|report| report.slowest())),
            spread(of_name.iter().map(|report| report.cleared)),
            list(wrong),
        ]
    });
    lines(&heads, &rows.collect::<Vec<_>>())
}

/// An aligned Markdown table.
fn lines<const N: usize>(heads: &[&str; N], rows: &[[String; N]]) -> String {
    let width = |at: usize| {
        let cells = rows.iter().map(|row| row[at].as_str()).chain([heads[at]]);
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |cells: [&str; N]| {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let rule = format!("| {} |\n", rules.join(" | "));
    let rows = rows.iter().map(|row| line(row.each_ref().map(String::as_str)));
    [line(*heads), rule].into_iter().chain(rows).collect()
}

fn row(report: &Report) -> [String; 8] {
    let beside = report.others.iter().filter(|finding| !report.is_false_finding(finding));
    let found = report.named().map(|(finding, _)| finding).chain(beside);
    let violations = report.violations(1);
    let bad = report.bad;
    let took: Vec<String> =
        report.expectations.iter().map(|one| seconds(one.named.as_ref().map(|(_, took)| *took))).collect();
    [
        report.name.to_owned(),
        expected(report),
        list(found),
        if took.is_empty() { NONE.to_owned() } else { took.join(", ") },
        if report.found { seconds(report.cleared) } else { NONE.to_owned() },
        list(report.false_findings()),
        format!("{} / {} / {} / {} / {}", bad.victims, bad.others, bad.client, bad.coordinator, bad.cluster),
        if violations.is_empty() { "yes".to_owned() } else { format!("**no**: {}", violations.join("; ")) },
    ]
}

fn expected(report: &Report) -> String {
    let findings: Vec<String> = report.expectations.iter().map(ToString::to_string).collect();
    let findings = if findings.is_empty() { "nothing".to_owned() } else { findings.join("; ") };
    match report.expected {
        Expect::Prober { .. } => format!("{findings}, no bad event"),
        _ => findings,
    }
}

/// An empty cell.
const NONE: &str = "–";

fn seconds(time: Option<Duration>) -> String {
    time.map_or(NONE.to_owned(), |time| format!("{:.1} s", time.as_secs_f64()))
}

/// Median and worst. `None` counts as the worst.
fn spread(times: impl Iterator<Item = Option<Duration>>) -> String {
    let mut times: Vec<Duration> = times.map(|time| time.unwrap_or(Duration::MAX)).collect();
    times.sort_unstable();
    let one = |time: Option<&Duration>| match time {
        Some(&Duration::MAX) => "never".to_owned(),
        time => seconds(time.copied()),
    };
    format!("{}, {}", one(times.get(times.len() / 2)), one(times.last()))
}

fn list<'a>(findings: impl IntoIterator<Item = &'a FindingId>) -> String {
    let one = |(kind, broker): &FindingId| broker.map_or(kind.clone(), |broker| format!("{kind} {broker}"));
    let all: Vec<String> = findings.into_iter().map(one).collect();
    if all.is_empty() { NONE.to_owned() } else { all.join(", ") }
}
