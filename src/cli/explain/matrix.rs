//! The newest judged outcome of each probe at each broker as a table, with its age. One table for each view, since views must
//! not be mixed: partitions of healthy leaders fail in the client view too.

use std::collections::BTreeSet;
use std::time::Duration;

use console::{Style, measure_text_width};
use prober_core::ids::{Probe, View};
use serde_json::Value;

use crate::cli::table::Table;

use super::pages::{Cluster, Latest, Pages, Series, text};
use super::text::{ago, wrapped};

/// A view: its title, and the kind of its rows.
struct Section {
    view: View,
    row: &'static str,
    title: &'static str,
}

const SECTIONS: [Section; 4] = [
    Section {
        view: View::Broker,
        row: "broker",
        title: "Broker view: one broker, one attempt, no retry; a failure names the broker.",
    },
    Section {
        view: View::Client,
        row: "partition",
        title: "Client view: what applications experience, by partition, with its preferred and its actual leader. A failure \
                names no broker: partitions of healthy leaders fail too.",
    },
    Section {
        view: View::Coordinator,
        row: "broker",
        title: "Coordinator view: by leader of the internal partition. Its replicas may be the cause as well.",
    },
    Section {
        view: View::Cluster,
        row: "",
        title: "Cluster view: the controller, through one broker after the other.",
    },
];

/// Every view of every cluster, in lines no wider than `width` as far as names allow.
pub(super) fn matrix(pages: &Pages, width: usize) -> String {
    let mut text = String::new();
    for cluster in &pages.status.clusters {
        let title = format!("Cluster {}: the newest outcome of each probe, and how long ago it was", cluster.name);
        text += &Style::new().bold().apply_to(title).to_string();
        text.push('\n');
        for section in &SECTIONS {
            text += &table_of(cluster, section, width);
        }
    }
    text
}

fn table_of(cluster: &Cluster, section: &Section, width: usize) -> String {
    let view = section.view.as_str();
    let rows = rows(cluster, view);
    let of_view = |series: &&Series| series.view == view;
    let was_due = |probe: &&str| cluster.series.iter().filter(of_view).any(|series| series.probe == *probe);
    let probes: Vec<&str> = Probe::of_view(section.view).map(Probe::as_str).filter(was_due).collect();
    if probes.is_empty() || rows.is_empty() {
        return String::new();
    }
    let cells = |name: &str| -> Vec<Option<&Series>> {
        let at = |probe: &&str| {
            let mut of_row = cluster.series.iter().filter(of_view).filter(|series| series.row() == name);
            of_row.find(|series| series.probe == **probe)
        };
        probes.iter().map(at).collect()
    };
    let mut marks = Marks::default();
    let whole = draw(cluster, section, &probes, &rows, &cells, &mut |name| name.to_owned());
    let fits = whole.lines().all(|line| measure_text_width(line) <= width);
    let table = match fits {
        true => whole,
        // Names that are too long are replaced by marks, which a legend below the table explains.
        false => draw(cluster, section, &probes, &rows, &cells, &mut |name| marks.mark(name)),
    };
    format!("\n{}{table}{}", wrapped(section.title, 0, width), marks.legend(width))
}

fn draw<'a>(
    cluster: &Cluster,
    section: &Section,
    probes: &[&str],
    rows: &[String],
    cells: &dyn Fn(&str) -> Vec<Option<&'a Series>>,
    name: &mut dyn FnMut(&str) -> String,
) -> String {
    let about: &[&str] = match section.view {
        View::Broker => &["state"],
        View::Client => &["preferred", "leader"],
        View::Coordinator | View::Cluster => &[],
    };
    let first = [section.row].into_iter().chain(about.iter().copied());
    let mut table = Table::new(&first.chain(probes.iter().copied()).collect::<Vec<_>>());
    for row in rows {
        let cells = cells(row);
        let state = || {
            let broker = cluster.brokers.iter().find(|broker| broker.id.to_string() == *row);
            broker.and_then(|broker| broker.state.clone()).unwrap_or_else(|| "-".to_owned())
        };
        let leader = |of: fn(&Series) -> &Value| {
            let leader = cells.iter().flatten().next().map(|series| text(of(series)));
            leader.filter(|leader| !leader.is_empty()).unwrap_or_else(|| "-".to_owned())
        };
        let about = match section.view {
            View::Broker => vec![state()],
            View::Client => vec![leader(|series| &series.preferred_leader), leader(|series| &series.leader)],
            View::Coordinator | View::Cluster => Vec::new(),
        };
        let first = [row.clone()].into_iter().chain(about);
        let cells = cells.into_iter().map(|series| series.map_or_else(|| "-".to_owned(), |at| cell(at, name)));
        table.row(first.chain(cells).collect());
    }
    table.to_string()
}

/// Outcome and age; `void` if all events were void, `-` if there were none.
fn cell(series: &Series, name: &mut dyn FnMut(&str) -> String) -> String {
    let Some(latest) = &series.latest else {
        let voids: u64 = series.void.values().sum();
        return if 0 < voids { Style::new().dim().apply_to("void").to_string() } else { "-".to_owned() };
    };
    let age = ago(Duration::from_secs_f64((latest.ended_ms_ago / 1e3).max(0.0)));
    let style = match latest.outcome.as_str() {
        "good" => Style::new().green(),
        "slow" | "planned" => Style::new().yellow(),
        _ => Style::new().red(),
    };
    format!("{} {age}", style.apply_to(word(latest, name)))
}

/// The outcome; for an error its name.
fn word(latest: &Latest, name: &mut dyn FnMut(&str) -> String) -> String {
    match (latest.outcome.as_str(), &latest.error_type) {
        ("error", Some(error)) => name(error),
        (outcome, _) => outcome.to_owned(),
    }
}

/// The brokers with a series in this view, those listed first; the cluster view has one row without a name, and the
/// client view one for each partition that prefers a listed broker.
fn rows(cluster: &Cluster, view: &str) -> Vec<String> {
    if view == "client" {
        let is_listed = |series: &&Series| {
            let listed = cluster.brokers.iter().any(|broker| series.preferred_leader == broker.id);
            series.view == view && (listed || series.preferred_leader.is_string())
        };
        let of_view = cluster.series.iter().filter(is_listed);
        // Numbers in their order, "unknown" before them.
        let partitions: BTreeSet<_> = of_view.map(|series| (series.partition.as_i64(), series.row())).collect();
        return partitions.into_iter().map(|(_, name)| name).collect();
    }
    let listed: Vec<String> = cluster.brokers.iter().map(|broker| broker.id.to_string()).collect();
    let of_view = cluster.series.iter().filter(|series| series.view == view);
    let counted: BTreeSet<String> = of_view.map(Series::row).collect();
    let known = listed.into_iter().filter(|id| counted.contains(id));
    known.chain(counted.iter().filter(|name| name.parse::<i32>().is_err()).cloned()).collect()
}

/// Names of errors that are too long for a table.
#[derive(Default)]
struct Marks {
    names: Vec<String>,
}

impl Marks {
    /// The mark that stands for a name: `E1`, `E2` and so on.
    fn mark(&mut self, name: &str) -> String {
        let known = self.names.iter().position(|known| known == name);
        let place = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        format!("E{}", place + 1)
    }

    fn legend(&self, width: usize) -> String {
        if self.names.is_empty() {
            return String::new();
        }
        let names: Vec<String> = (1..).zip(&self.names).map(|(number, name)| format!("E{number} {name}")).collect();
        wrapped(&names.join(", "), 0, width)
    }
}

#[cfg(test)]
mod tests {
    use console::strip_ansi_codes;
    use serde_json::json;

    use super::super::pages::tests::{pages, status};
    use super::super::pages::{Filter, document};
    use super::*;

    fn drawn(width: usize) -> String {
        strip_ansi_codes(&matrix(&pages(&[], &Filter::default()), width)).into_owned()
    }

    #[test]
    fn each_view_has_a_table_and_the_client_view_names_no_broker() {
        let text = drawn(300);
        let titles = ["Broker view: ", "Client view: ", "Coordinator view: ", "Cluster view: "];
        let places: Vec<usize> = titles.iter().filter_map(|title| text.find(title)).collect();
        assert!(places.len() == 4 && places.is_sorted(), "{text}");
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert!(lines.contains(&"broker state produce consume end_to_end fetch metadata connect".split(' ').collect()));
        assert!(lines.contains(&"partition preferred leader produce".split(' ').collect()));
        assert!(lines.contains(&"0 1 2 timeout 61s".split(' ').collect()), "{text}");
        assert!(lines.contains(&"1 2 none good 0.1s".split(' ').collect()), "{text}");
        assert!(text.contains("A failure names no broker: partitions of healthy leaders fail too."), "{text}");
    }

    #[test]
    fn errors_are_named_in_the_table_or_below_it() {
        let wide = drawn(300);
        assert!(wide.contains("2       failing  connection_refused 0.3s  connection_refused 0.3s"), "{wide}");
        let narrow = drawn(100);
        assert!(narrow.contains("2       failing  E1 0.3s    E1 0.3s    E1 0.3s"), "{narrow}");
        assert!(narrow.contains("\nE1 connection_refused\n"), "{narrow}");
        assert!(narrow.lines().all(|line| line.chars().count() <= 100), "{narrow}");
    }

    #[test]
    fn row_with_only_void_events_shows_void_and_one_without_events_a_dash() {
        let mut status = status();
        for row in status["clusters"][0]["series"].as_array_mut().into_iter().flatten() {
            row["latest"] = Value::Null;
            row["void"]["stall"] = u64::from(row["broker"] == json!(2)).into();
        }
        let pages = Pages::of(document(json!([]), status), &Filter::default()).expect("it is the output of a prober");
        let text = strip_ansi_codes(&matrix(&pages, 100)).into_owned();
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert!(lines.contains(&"1 ok - - - - - -".split(' ').collect()), "{text}");
        assert!(lines.contains(&"2 failing void void void void void void".split(' ').collect()), "{text}");
    }

    #[test]
    fn rows_are_filtered_by_broker() {
        let filter = Filter { broker: Some(2), ..Filter::default() };
        let text = matrix(&pages(&[], &filter), 300);
        let of_broker_1 = |line: &str| line.starts_with("1       ok") || line.starts_with("0          1 ");
        let whole = matrix(&pages(&[], &Filter::default()), 300);
        assert_eq!(strip_ansi_codes(&whole).lines().filter(|line| of_broker_1(line)).count(), 2, "{whole}");
        assert!(!strip_ansi_codes(&text).lines().any(of_broker_1), "{text}");
    }
}
