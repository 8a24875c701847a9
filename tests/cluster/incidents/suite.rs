//! Which incidents run when: a few with every `script/test`, all of them when `script/incidents` asks.

use std::env;
use std::fs;
use std::time::Duration;

use super::report::Report;
use super::test_bed::TestBed;
use super::{
    ALL, Expect, Incident, delay, disk_full, duty_cycled, matrix, packet_loss, pauses, probe_counts, prober_stopped,
    quota, rolling_restart, runner,
};
use crate::harness::network::Network;
use crate::harness::random::Random;
use crate::harness::raw::coordination::create_internal_topics;
use crate::harness::{Cluster, shared_cluster, skip_without_kafka};
use crate::support::TOLERANCE;

/// Names of incidents with commas between them, or `all`; without it the suite has nothing to do.
const ASKED: &str = "KAFKA_PROBER_TEST_INCIDENTS";

/// How often each runs.
const REPEAT: &str = "KAFKA_PROBER_TEST_INCIDENTS_REPEAT";

/// The seed of a run that is to be had again.
const SEED: &str = "KAFKA_PROBER_TEST_INCIDENTS_SEED";

/// All of them take an hour.
const RUN_WITHIN: Duration = Duration::from_secs(4 * 3600);

#[test]
fn every_incident_is_told_apart() {
    let Some(asked) = asked() else { return };
    if skip_without_kafka() {
        return;
    }
    let test = "incidents::suite::every_incident_is_told_apart";
    let Some(network) = Network::own_for(test, RUN_WITHIN) else { return };
    let seed = env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(Random::seed);
    eprintln!("{SEED}={seed}");
    let repeat = env::var(REPEAT).ok().map(|repeat| repeat.parse().expect("a number of times"));
    let runs: Vec<&Incident> = asked.into_iter().flat_map(|incident| vec![incident; repeat.unwrap_or(1)]).collect();
    let reports = run_all(&runs, &network, Random::new(seed));
    let (name, table) = match repeat {
        Some(_) => ("repeated.md", matrix::summary(&reports)),
        None => ("matrix.md", matrix::table(&reports)),
    };
    eprintln!("\n{table}");
    fs::create_dir_all(probe_counts::folder()).expect("the target folder is writable");
    fs::write(probe_counts::folder().join(name), &table).expect("the target folder is writable");
    let violations = reports.iter().filter(|report| !report.violations(1).is_empty()).count();
    assert_eq!(violations, 0, "incidents that were not told as promised");
}

/// With every `script/test`, at three times the goals' time: what no other test of this crate has.
#[test]
fn incidents_of_brokers_and_of_the_prober_are_told_as_promised() {
    let few =
        [&duty_cycled::LONG, &rolling_restart::INCIDENT, &pauses::INCIDENT, &quota::INCIDENT, &prober_stopped::SHORT];
    let Some(cluster) = shared_cluster() else { return };
    create_internal_topics(&cluster);
    assert_all_hold(&run_in(&cluster, None, &few, &mut Random::new(Random::seed())));
}

/// The same for those that need a network and disks of their own.
#[test]
fn incidents_of_paths_and_disks_are_told_as_promised() {
    if skip_without_kafka() {
        return;
    }
    let test = "incidents::suite::incidents_of_paths_and_disks_are_told_as_promised";
    let Some(network) = Network::own(test) else { return };
    let few = [&packet_loss::MUCH, &delay::INCIDENT, &disk_full::OF_TWO];
    assert_all_hold(&run_all(&few, &network, Random::new(Random::seed())));
}

#[track_caller]
fn assert_all_hold(reports: &[Report]) {
    let violations = reports.iter().map(|report| (report.name, report.violations(TOLERANCE)));
    let violations: Vec<(&str, Vec<String>)> = violations.filter(|(_, violations)| !violations.is_empty()).collect();
    assert!(violations.is_empty(), "{violations:#?}\n{}", matrix::table(reports));
}

/// Those that the environment names.
#[track_caller]
fn asked() -> Option<Vec<&'static Incident>> {
    let names = env::var(ASKED).ok()?;
    if names == "all" {
        return Some(ALL.to_vec());
    }
    for name in names.split(',') {
        assert!(ALL.iter().any(|incident| incident.name == name), "no incident has the name {name}");
    }
    Some(ALL.into_iter().filter(|incident| names.split(',').any(|name| name == incident.name)).collect())
}

/// One after the other, on a new cluster when the cluster_kind changes.
fn run_all(asked: &[&'static Incident], network: &Network, mut random: Random) -> Vec<Report> {
    let mut reports = Vec::new();
    for of_kind in asked.chunk_by(|one, next| one.cluster_kind == next.cluster_kind) {
        let cluster_kind = of_kind[0].cluster_kind;
        if let Some(missing) = cluster_kind.missing() {
            eprintln!("left out, without {missing}: {:?}", of_kind.iter().map(|one| one.name).collect::<Vec<_>>());
            continue;
        }
        let cluster = cluster_kind.open();
        reports.extend(run_in(&cluster, Some(network), of_kind, &mut random));
    }
    reports
}

/// One after the other in one cluster, before one prober: it lives on from incident to incident, as in real life. Only what
/// was done to itself ends it.
fn run_in(
    cluster: &Cluster,
    network: Option<&Network>,
    incidents: &[&'static Incident],
    random: &mut Random,
) -> Vec<Report> {
    let mut reports = Vec::new();
    let mut open: Option<TestBed<'_>> = None;
    for incident in incidents {
        let chance = Random::new(random.next());
        let mut bed = match open.take() {
            Some(bed) => bed.for_next_incident(chance),
            None => TestBed::open(incident, cluster, network, chance),
        };
        reports.push(runner::run(incident, &mut bed));
        if matches!(incident.expect, Expect::Prober { .. }) {
            bed.probing.stop();
        } else {
            open = Some(bed);
        }
    }
    if let Some(mut bed) = open {
        bed.probing.stop();
    }
    reports
}
