//! The PromQL in the documents: every query can be parsed, selects series that exist, and groups by cluster.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use promql_parser::parser::{self, Expr, LabelModifier, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn documents() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).expect("docs/ is readable");
    let pages = docs.map(|entry| entry.expect("docs/ is readable").path());
    let pages = pages.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.chain(["README.md", "config/README.md"].map(|path| root().join(path))).collect()
}

/// The blocks of PromQL, and the code within sentences that is more than the name of a series.
fn queries(text: &str) -> Vec<String> {
    let (mut found, mut prose) = (Vec::new(), String::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.trim_start().strip_prefix("```") else {
            prose.extend([line, "\n"]);
            continue;
        };
        let block = lines.by_ref().take_while(|line| !line.trim_start().starts_with("```"));
        let block = block.collect::<Vec<_>>().join(" ");
        if language.trim() == "promql" {
            found.push(block);
        }
    }
    for paragraph in prose.split("\n\n") {
        let code = paragraph.split('`').skip(1).step_by(2);
        let code = code.filter(|code| code.contains("kafka_prober_") && code.contains(['(', '{', '[']));
        found.extend(code.map(|code| code.replace('\n', " ")));
    }
    found
}

/// The names of all series in Prometheus, as docs/metrics.md has them. A unit test compares that page with the catalogue.
fn series() -> BTreeSet<String> {
    let page = text(&root().join("docs/metrics.md"));
    let mut names = BTreeSet::new();
    for line in page.lines().filter(|line| line.starts_with("| `kafka_prober.")) {
        let mut cells = line.split('|').map(str::trim).skip(2);
        let name = cells.next().expect("the second column has the Prometheus name").trim_matches('`');
        let suffixes: &[&str] = if cells.next() == Some("histogram") { &["_bucket", "_count", "_sum"] } else { &[""] };
        names.extend(suffixes.iter().map(|suffix| format!("{name}{suffix}")));
    }
    names
}

/// What is wrong with a query.
struct Review<'a> {
    series: &'a BTreeSet<String>,
    problems: Vec<String>,
}

impl Review<'_> {
    fn selector(&mut self, selector: &VectorSelector) {
        let name = selector.name.as_deref().unwrap_or_default();
        if !self.series.contains(name) {
            self.problems.push(format!("there is no series '{name}'"));
        }
    }
}

impl ExprVisitor for Review<'_> {
    type Error = String;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, String> {
        match expression {
            Expr::VectorSelector(selector) => self.selector(selector),
            Expr::MatrixSelector(range) => self.selector(&range.vs),
            Expr::Aggregate(aggregation) => {
                let by_cluster = matches!(&aggregation.modifier, Some(LabelModifier::Include(by))
                    if by.labels.iter().any(|label| label == "kafka_cluster"));
                if !by_cluster {
                    self.problems
                        .push("an aggregation is not `by (kafka_cluster, ...)`, so it mixes clusters".to_owned());
                }
            }
            _ => {}
        }
        Ok(true)
    }
}

fn problems(query: &str, series: &BTreeSet<String>) -> Vec<String> {
    let mut review = Review { series, problems: Vec::new() };
    let walked = parser::parse(query).and_then(|expression| walk_expr(&mut review, &expression));
    review.problems.extend(walked.err());
    review.problems
}

#[test]
fn queries_in_documents_select_existing_series_and_group_by_cluster() {
    let series = series();
    assert!(
        series.contains("kafka_prober_duration_seconds_bucket"),
        "docs/metrics.md has no table of names: {series:?}"
    );
    let (mut count, mut found) = (0, Vec::new());
    for path in documents() {
        for query in queries(&text(&path)) {
            count += 1;
            let problems = problems(&query, &series);
            found.extend(problems.iter().map(|problem| format!("{}: {query}: {problem}", path.display())));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(0 < count, "no document has a query");
}

#[test]
fn wrong_queries_are_found() {
    let series = BTreeSet::from(["kafka_prober_findings".to_owned()]);
    for right in ["kafka_prober_findings{broker=\"1\"} > 0", "sum by (kafka_cluster) (kafka_prober_findings)"] {
        assert!(problems(right, &series).is_empty(), "{right}");
    }
    for wrong in [
        "kafka_prober_finding > 0",
        "rate(kafka_prober_finding[5m])",
        "sum(kafka_prober_findings)",
        "sum by (broker) (kafka_prober_findings)",
        "sum without (kafka_cluster) (kafka_prober_findings)",
        "sum by (kafka_cluster) (kafka_prober_findings",
    ] {
        assert_eq!(problems(wrong, &series).len(), 1, "{wrong}");
    }
}

#[test]
fn queries_are_found_in_blocks_and_in_sentences() {
    let text = "See `kafka_prober_a`, or `kafka_prober_b\n> f(1)`.\n\n```promql\nsum(c)\n/ d\n```\n\n```toml\na = \"`\"\n```\n`e[5m]`\n";
    assert_eq!(queries(text), ["sum(c) / d", "kafka_prober_b > f(1)"]);
}
