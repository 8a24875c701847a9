//! Findings as text, in lines no wider than the terminal.

use std::fmt::Write as _;
use std::time::Duration;

use console::{Style, measure_text_width};

use super::pages::{Cluster, Explained, Finding, Pages, Recurrence};
use super::runbook::section;

/// What is not known to be good, every finding asked for in the order of the page, and what cannot be told.
pub(super) fn findings(pages: &Pages, width: usize) -> String {
    let status = &pages.status;
    let mut text = String::new();
    for gap in &pages.gaps {
        text += &wrapped(gap, 0, width);
    }
    text += &wrapped(&headline(pages), 0, width);
    for sentence in unfindable(pages) {
        text += &wrapped(&sentence, 0, width);
    }
    for finding in &pages.findings {
        text.push('\n');
        text += &one(finding, &status.time, width);
    }
    for unknown in &pages.unknowns {
        text.push('\n');
        text += &wrapped(unknown, 0, width);
    }
    text.push('\n');
    text
}

/// What cannot be found, because a part of the prober is off: one sentence for each part.
fn unfindable(pages: &Pages) -> Vec<String> {
    let of_cluster = |cluster: &Cluster| -> Vec<String> {
        let name = &cluster.name;
        cluster.unfindable.iter().map(|one| format!("In cluster {name}, {}.", one.message)).collect()
    };
    pages.status.clusters.iter().flat_map(of_cluster).collect()
}

fn headline(pages: &Pages) -> String {
    let findings = match pages.findings.len() {
        0 if pages.gaps.is_empty() && pages.others == 0 => {
            "Every enabled probe succeeds; no active findings".to_owned()
        }
        0 => "No active findings".to_owned(),
        1 => "1 active finding".to_owned(),
        count => format!("{count} active findings"),
    };
    let others = match pages.others {
        0 => String::new(),
        others => format!(" among those asked for; {others} more not shown"),
    };
    format!("{findings}{others} (vantage {}, {}).", pages.status.vantage, pages.status.time)
}

fn one(finding: &Finding, now: &str, width: usize) -> String {
    let subject = match &finding.broker {
        Some(broker) => format!("broker {broker}, cluster {}", finding.cluster),
        None => format!("cluster {}", finding.cluster),
    };
    let style = match finding.blame.as_str() {
        "cluster" => Style::new().red().bold(),
        "nobody" => Style::new().bold(),
        _ => Style::new().yellow().bold(),
    };
    let since = match age(&finding.since, now) {
        Some(age) => format!("{} ({} ago)", finding.since, ago(age)),
        None => finding.since.clone(),
    };
    let mut text = String::new();
    let _ = writeln!(text, "{}  {subject}", style.apply_to(&finding.kind));
    text += &wrapped(&finding.summary, 2, width);
    text += &wrapped(&format!("blame: {}; {}; since: {since}", finding.blame, finding.confidence), 2, width);
    if let Some(Recurrence { count, began, between }) = &finding.recurrence {
        let began = began.iter().filter_map(|began| age(began, now)).map(ago).collect::<Vec<_>>().join(", ");
        let now = if *between { "; at this moment it is well" } else { "" };
        text += &wrapped(&format!("recurring: {count} times in ten minutes, most recently {began} ago{now}"), 2, width);
    }
    text += &wrapped("evidence:", 2, width);
    for line in &finding.evidence {
        text += &wrapped(&format!("- {line}"), 4, width);
    }
    if let Some(runner_up) = &finding.runner_up {
        text += &wrapped(&format!("less likely, and possible: {runner_up}"), 2, width);
    }
    for Explained { kind, broker } in &finding.explains {
        let subject = broker.as_ref().map(|broker| format!(" at broker {broker}")).unwrap_or_default();
        text += &wrapped(&format!("explains: {kind}{subject}"), 2, width);
    }
    if let Some(section) = section(&finding.kind, 4, width) {
        text += &wrapped("from the runbook:", 2, width);
        text += &section;
    }
    text
}

/// Time from `since` to `now`, both in the pages' format.
fn age(since: &str, now: &str) -> Option<Duration> {
    let [since, now] = [since, now].map(|time| humantime::parse_rfc3339(time).ok());
    now?.duration_since(since?).ok()
}

/// As in `0.3s`, `14s`, `5m`, `3h`: short, for a table.
pub(super) fn ago(age: Duration) -> String {
    match age.as_secs_f64() {
        seconds @ 0.0..9.95 => format!("{seconds:.1}s"),
        seconds @ 9.95..99.5 => format!("{seconds:.0}s"),
        seconds @ 99.5..5_970.0 => format!("{:.0}m", seconds / 60.0),
        seconds => format!("{:.0}h", seconds / 3600.0),
    }
}

/// Words on lines no wider than `width`, the first one indented and the others by two more. A word is never cut.
pub(super) fn wrapped(words: &str, indent: usize, width: usize) -> String {
    let mut text = String::new();
    let mut line = " ".repeat(indent);
    let mut is_empty = true;
    for word in words.split_whitespace() {
        let needs = usize::from(!is_empty) + measure_text_width(word);
        if !is_empty && width < measure_text_width(&line) + needs {
            text += &line;
            text.push('\n');
            line = " ".repeat(indent + 2);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line += word;
        is_empty = false;
    }
    text + &line + "\n"
}

#[cfg(test)]
mod tests {
    use console::strip_ansi_codes;

    use serde_json::json;

    use super::super::pages::tests::{finding, pages, status};
    use super::super::pages::{Filter, document};
    use super::*;

    fn headline_and_gaps(found: &[serde_json::Value]) -> String {
        strip_ansi_codes(&findings(&pages(found, &Filter::default()), 100)).into_owned()
    }

    #[test]
    fn finding_is_printed_with_all_its_evidence_and_its_runbook_section() {
        let text = headline_and_gaps(&[finding("broker_down", Some("2"), "cluster")]);
        let expected = "\
1 active finding (vantage west, 2026-03-01T12:00:00.000Z).

broker_down  broker 2, cluster main
  it is so
  blame: cluster; certain; since: 2026-03-01T11:59:45.500Z (14s ago)
  recurring: 3 times in ten minutes, most recently 5m, 3m, 15s ago; at this moment it is well
  evidence:
    - one saw it
    - another saw it
  explains: new_connections_failing at broker 2
  from the runbook:
    - Means: ";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains("\n    - Do: start it; "), "{text}");
    }

    #[test]
    fn headline_is_green_only_without_a_gap() {
        let gap = "Broker 2 of cluster main is failing, and no finding explains it.";
        let text = headline_and_gaps(&[]);
        assert!(text.starts_with(gap), "{text}");
        assert!(text.contains("\nNo active findings (vantage west, 2026-03-01T12:00:00.000Z).\n"), "{text}");
        let mut good = pages(&[], &Filter::default());
        good.gaps = Vec::new();
        let text = findings(&good, 100);
        assert_eq!(
            text,
            "Every enabled probe succeeds; no active findings (vantage west, 2026-03-01T12:00:00.000Z).\n\n"
        );
    }

    #[test]
    fn findings_that_cannot_be_made_are_listed_once_and_are_no_gap() {
        let mut status = status();
        let message = "without lane pinned these findings cannot be made: disk_slow, storage_failed";
        status["clusters"][0]["unfindable"] = json!([{"off": ["lane pinned"], "kinds": [], "message": message}]);
        let mut pages =
            Pages::of(document(json!([]), status), &Filter::default()).expect("it is the output of a prober");
        pages.gaps = Vec::new();
        let text = findings(&pages, 200);
        assert_eq!(text.matches(&format!("\nIn cluster main, {message}.\n")).count(), 1, "{text}");
        assert!(text.starts_with("Every enabled probe succeeds"), "{text}");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_no_word_is_lost() {
        let long = "a sentence of many words that say what was seen ".repeat(6);
        for width in [40, 80, 100] {
            let text = wrapped(&long, 4, width);
            assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
            assert_eq!(text.split_whitespace().collect::<Vec<_>>(), long.split_whitespace().collect::<Vec<_>>());
        }
    }

    #[test]
    fn ages_are_short() {
        let of = |seconds: f64| ago(Duration::from_secs_f64(seconds));
        assert_eq!([0.04, 9.94, 9.96, 61.0, 120.0, 7200.0].map(of), ["0.0s", "9.9s", "10s", "61s", "2m", "2h"]);
    }
}
