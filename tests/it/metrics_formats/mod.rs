//! Both formats of `/metrics` as Prometheus itself reads them.

mod parser;

use std::collections::BTreeSet;
use std::time::Duration;

use prober_core::metric;

use self::parser::{ParsedPage, run_on};
use crate::harness::ports::free_port;
use crate::harness::prober::{HttpAnswer, Prober};
use crate::harness::requirements::promtool;
use crate::harness::{skip_without_prometheus, wait_for};
use crate::program::{MOCK_SETTINGS, mock, probing};

/// On a machine that is busy with the other tests.
const STARTED_WITHIN: Duration = Duration::from_secs(20);

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `/metrics` in this format, by its content type.
#[track_caller]
fn scrape(prober: &Prober, format: &str) -> HttpAnswer {
    let page = wait_for(STARTED_WITHIN, "it listens", || {
        prober.http_get_as("/metrics", format).filter(|page| page.status == 200)
    });
    assert_eq!(page.headers["content-type"], format);
    page
}

#[test]
fn promtool_accepts_the_text_format_without_a_warning() {
    if skip_without_prometheus() {
        return;
    }
    let prober = probing(&format!("127.0.0.1:{}", free_port()), &[]);
    // Series with counts, not the names alone: the outage is counted from the first second on.
    let page = wait_for(STARTED_WITHIN, "an event is on the page", || {
        let page = scrape(&prober, TEXT);
        let counted = |line: &str| line.starts_with("kafka_prober_errors_total{") && !line.ends_with(" 0");
        page.body.lines().any(counted).then_some(page)
    });
    let checked = run_on(&promtool(), &["check", "metrics"], &page.body);
    let warnings = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success() && warnings.is_empty(), "{}: {warnings}\n{}", checked.status, page.body);
}

#[test]
fn prometheus_reads_the_same_series_from_both_formats() {
    if skip_without_prometheus() {
        return;
    }
    let mock = mock();
    let prober = probing(&mock.bootstrap().join(","), &MOCK_SETTINGS);
    let parsed = |format| {
        let page = scrape(&prober, format);
        let parsed = ParsedPage::parse(format, &page.body);
        (parsed.unwrap_or_else(|refused| panic!("{refused}\n{}", page.body)), page.body)
    };
    // The two pages are of two moments, between which a series may have begun.
    let mut pages = None;
    let ((text, _), (open_metrics, page)) =
        wait_for(STARTED_WITHIN, "both pages have the same series, with latencies", || {
            let (text, open_metrics) = pages.insert((parsed(TEXT), parsed(OPEN_METRICS)));
            let latencies = text.0.names("kafka_prober_duration_seconds").len() == 3;
            (latencies && text.0.series() == open_metrics.0.series()).then(|| pages.take()).flatten()
        });
    assert_eq!(text.samples.len(), open_metrics.samples.len());
    assert!(page.ends_with("\n# EOF\n"), "{page}");

    // The text format names a counter as its samples, OpenMetrics without `_total`.
    let without_total = |name: &String| name.strip_suffix("_total").unwrap_or(name).to_owned();
    let names = |page: &ParsedPage| page.types.keys().map(without_total).collect::<BTreeSet<_>>();
    assert_eq!(names(&text), names(&open_metrics));
    assert_eq!(names(&open_metrics), open_metrics.types.keys().cloned().collect());
    for page in [&text, &open_metrics] {
        assert_eq!(page.comments, [""; 0], "a unit and the end are no comments of the text format");
        assert!(page.help.keys().eq(page.types.keys()), "every family says what it means: {:?}", page.help);
    }
    for (family, kind) in &open_metrics.types {
        let samples = match kind.as_str() {
            "counter" => vec![format!("{family}_total")],
            "gauge" => vec![family.clone()],
            "histogram" => ["_bucket", "_count", "_sum"].map(|suffix| format!("{family}{suffix}")).to_vec(),
            other => panic!("{family} is of type {other}"),
        };
        // A time of creation, `_created`, would be a series that no query uses.
        assert!(open_metrics.names(family).into_iter().eq(&samples), "{family}: {:?}", open_metrics.names(family));
    }
    assert_units(&open_metrics);
}

/// The type and unit of every family are those of the catalogue, whose units are UCUM's.
#[track_caller]
fn assert_units(page: &ParsedPage) {
    let mut units = BTreeSet::new();
    for (family, kind) in &page.types {
        let unit = page.units.get(family).map(String::as_str);
        let name =
            unit.map_or(family.as_str(), |unit| family.strip_suffix(&format!("_{unit}")).expect("it ends in its unit"));
        let metric = metric::ALL.into_iter().find(|metric| metric.name.replace('.', "_") == name);
        let metric = metric.unwrap_or_else(|| panic!("the catalogue has no metric of the family {family}"));
        let expected = match metric.unit {
            "s" => Some("seconds"),
            "By" => Some("bytes"),
            "By/s" => Some("bytes_per_second"),
            "1" => Some("ratio"),
            _ => None,
        };
        assert_eq!((unit, kind.as_str()), (expected, metric.kind.as_str()), "{family}");
        units.extend(unit);
    }
    assert!(units.contains("seconds"), "a latency has a unit: {units:?}");
}

#[test]
fn page_that_breaks_its_format_is_refused() {
    if skip_without_prometheus() {
        return;
    }
    let right =
        "# HELP up_seconds A.\n# TYPE up_seconds gauge\n# UNIT up_seconds seconds\nup_seconds{a=\"b\"} 1.0\n# EOF\n";
    let page = ParsedPage::parse(OPEN_METRICS, right).expect("this one is right");
    assert_eq!((page.samples.len(), page.units["up_seconds"].as_str()), (1, "seconds"));
    for (wrong, page) in [
        ("without an end", right.replace("# EOF\n", "")),
        ("with an end in the middle", format!("{right}{right}")),
        ("with the unit of another family", right.replace(" seconds\n", " bytes\n")),
        ("with a type that does not exist", right.replace("gauge", "gage")),
        ("with a label without quotes", right.replace("\"b\"", "b")),
        ("with a value that is no number", right.replace("1.0", "one")),
    ] {
        assert!(ParsedPage::parse(OPEN_METRICS, &page).is_err(), "{wrong}");
    }
    assert!(ParsedPage::parse(TEXT, right).is_ok_and(|page| page.samples.len() == 1 && page.comments.len() == 2));
    for wrong in ["up{a=b} 1\n", "up{a=\"b\" 1\n", "up one\n", "# TYPE up gage\n"] {
        assert!(ParsedPage::parse(TEXT, wrong).is_err(), "{wrong}");
    }
    assert!(ParsedPage::parse("application/json", right).is_err(), "Prometheus does not know this format");
}
