use std::collections::BTreeMap;

use prober_core::event::{Outcome, VoidReason};
use prober_core::ids::Probe;
use prober_core::metric;
use prober_core::time::WallTime;

use super::prober::{heartbeat, voided};
use super::*;
use crate::exporters::fixture::{self, Security};

fn series_of(point: &Point<'_>) -> usize {
    match point.value {
        Value::Count(_) | Value::Sum(_) | Value::Gauge(_) => 1,
        // Each bucket, the sum and the count.
        Value::Durations(buckets) => buckets.iter().count() + 2,
    }
}

#[test]
fn every_metric_has_points_in_the_order_of_the_catalogue() {
    let snapshot = fixture::snapshot(2);
    let stats = ExportStats::default();
    let mut names: Vec<_> = points(&snapshot, &stats, Level::Full).map(|point| point.metric.name).collect();
    names.dedup();
    assert_eq!(names, metric::ALL.map(|metric| metric.name));
}

#[test]
fn every_point_has_a_value_for_each_attribute_and_none_repeats() {
    let snapshot = fixture::snapshot(3);
    let stats = ExportStats::default();
    let mut seen = BTreeSet::new();
    for point in points(&snapshot, &stats, Level::Full) {
        assert_eq!(point.attributes.len(), point.metric.attributes.len(), "{point:?}");
        assert!(seen.insert((point.metric.name, point.attributes.clone())), "{point:?} is there twice");
    }
}

#[test]
fn client_view_carries_the_partition_and_no_broker() {
    let snapshot = fixture::snapshot(2);
    let stats = ExportStats::default();
    let of_client = points(&snapshot, &stats, Level::Full).filter(|point| {
        point.attributes().any(|(name, value)| {
            matches!((name, value), ("view", "client") | ("lane", "replicated"))
                || name == "objective" && value.starts_with("client_")
        })
    });
    let mut names = BTreeSet::new();
    for point in of_client {
        assert!(!point.attributes().any(|(name, _)| name == "broker"), "{point:?}");
        if point.attributes().any(|(name, _)| name == "partition") {
            names.insert(point.metric.name.trim_start_matches("kafka_prober."));
        }
    }
    let expected =
        ["attempts.due", "attempts.sent", "duration", "errors", "events", "objective.events", "record.anomalies"];
    assert_eq!(names.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts are what docs/performance.md quotes")]
fn levels_keep_to_their_series_budgets() {
    let stats = ExportStats::default();
    for security in [Security::Plaintext, Security::SaslSsl] {
        let count = |brokers, level| -> usize {
            points(&fixture::secured(brokers, security), &stats, level).map(|point| series_of(&point)).sum()
        };
        for (level, budget) in [(Level::Slo, 40), (Level::Standard, 200), (Level::Full, 450)] {
            // Over all series at 3 and 100 brokers, those of the cluster and the prober included at 100; and what one more
            // broker costs.
            let (three, hundred) = (count(3, level), count(100, level));
            let one_more = (hundred - three).div_ceil(97);
            println!(
                "{security:?}, {}: {three} series at 3 brokers, {hundred} at 100, {one_more} a broker",
                level.as_str()
            );
            assert!(one_more <= budget, "{security:?}, {}: {one_more} series a broker", level.as_str());
            assert!(hundred <= 100 * budget, "{security:?}, {}: {hundred} series at 100 brokers", level.as_str());
            assert!(three <= 3 * budget + OF_THE_WHOLE, "{security:?}, {}: {three} at 3 brokers", level.as_str());
        }
    }
}

/// Series of a cluster and of the prober that do not grow with the brokers, at most.
const OF_THE_WHOLE: usize = 250;

#[test]
fn each_level_exports_what_the_one_before_it_does() {
    let snapshot = fixture::snapshot(2);
    let stats = ExportStats::default();
    let names = |level| -> BTreeSet<_> {
        points(&snapshot, &stats, level).map(|point| (point.metric.name, point.attributes.clone())).collect()
    };
    assert!(names(Level::Slo).is_subset(&names(Level::Standard)));
    assert!(names(Level::Standard).is_subset(&names(Level::Full)));
}

#[test]
fn impossible_outcome_shows_only_when_it_was_counted() {
    let mut snapshot = fixture::snapshot(1);
    let lost = |snapshot: &Snapshot| {
        let of_produce = |point: &Point<'_>| point.attributes[3] == "produce" && point.attributes[6] == "lost";
        attempts::events(snapshot).filter(of_produce).count()
    };
    assert_eq!(lost(&snapshot), 0);
    let produce = snapshot.series.iter_mut().find(|row| row.series.probe == Probe::Produce);
    produce.expect("the fixture produces").counts.outcomes[Outcome::Lost.index()] = 1;
    assert_eq!(lost(&snapshot), 1);
}

#[test]
fn void_events_are_summed_by_cluster() {
    let mut snapshot = fixture::snapshot(1);
    let mut other = snapshot.series[0].clone();
    other.series.cluster = ClusterName::new("other");
    other.counts.voided[VoidReason::Stall.index()] = 7;
    snapshot.series.push(other);
    let of = |cluster: &str| {
        let stalls = |point: &Point<'_>| point.attributes[0] == cluster && point.attributes[2] == "stall";
        voided(&snapshot).find(stalls).expect("every reason has a point").value
    };
    assert_eq!((of("main"), of("other")), (Value::Count(1), Value::Count(7)));
}

#[test]
fn heartbeat_is_absent_until_the_first() {
    let mut snapshot = fixture::snapshot(1);
    assert_eq!(heartbeat(&snapshot).count(), 1);
    snapshot.prober.heartbeat = WallTime::default();
    assert_eq!(heartbeat(&snapshot).count(), 0);
}

#[test]
fn total_of_the_prober_is_named_after_its_only_cluster_and_after_none_of_several() {
    let mut snapshot = fixture::snapshot(1);
    assert_eq!(prober_cluster(&snapshot), Some("main"));
    let mut other = snapshot.lanes[0].clone();
    other.cluster = ClusterName::new("other");
    snapshot.lanes.push(other);
    assert_eq!(prober_cluster(&snapshot), Some(""));
    let beats: BTreeMap<_, _> =
        heartbeat(&snapshot).map(|point| (point.attributes[0].to_string(), point.value)).collect();
    assert_eq!(beats.keys().collect::<Vec<_>>(), ["main", "other"]);
}
