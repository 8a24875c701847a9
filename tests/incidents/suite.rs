//! All incidents, or those that the environment names, at the goals themselves. `script/incidents` runs this.

use std::env;
use std::fs;
use std::time::Duration;

use prober_core::finding::FindingKind;

use crate::catalog::ALL;
use crate::harness::network::Network;
use crate::harness::random::Random;
use crate::harness::{Cluster, skip_without_kafka};
use crate::incident::{Expect, Incident};
use crate::report::Report;
use crate::test_bed::TestBed;
use crate::{matrix, probe_counts, record, runner};

/// Names of incidents with commas between them; all without it.
const NAMES: &str = "KAFKA_PROBER_TEST_INCIDENTS";

/// How many times each runs; once without it, and then the result is a table of single runs.
const REPEAT: &str = "KAFKA_PROBER_TEST_INCIDENTS_REPEAT";

/// The seed of an earlier run, to repeat its brokers and moments.
const SEED: &str = "KAFKA_PROBER_TEST_INCIDENTS_SEED";

/// All of them take an hour and a half; four of them twenty times, or four others ten times, an hour.
const RUN_WITHIN: Duration = Duration::from_secs(4 * 3600);

#[test]
fn every_incident_is_reported_as_promised() {
    if skip_without_kafka() {
        return;
    }
    let incidents = chosen(env::var(NAMES).ok().as_deref());
    let Some(network) = Network::own_for("suite::every_incident_is_reported_as_promised", RUN_WITHIN) else { return };
    let number = |name: &str| env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")));
    let seed = number(SEED).unwrap_or_else(Random::seed);
    eprintln!("{SEED}={seed}");
    let repeat = number(REPEAT);
    assert_ne!(repeat, Some(0), "{REPEAT}=0 would run nothing");
    let times = usize::try_from(repeat.unwrap_or(1)).expect("a number of runs");
    let runs: Vec<&Incident> = incidents.into_iter().flat_map(|incident| vec![incident; times]).collect();
    let reports = run_all(&runs, &network, Random::new(seed));
    let (name, table) = match repeat {
        Some(_) => ("repeated.md", matrix::summary(&reports)),
        None => ("matrix.md", matrix::table(&reports)),
    };
    eprintln!("\n{table}");
    fs::create_dir_all(probe_counts::folder()).expect("the target folder is writable");
    fs::write(probe_counts::folder().join(name), &table).expect("the target folder is writable");
    let violated = reports.iter().filter(|report| !report.violations(1).is_empty()).count();
    assert_eq!(violated, 0, "incidents that were not reported as promised");
}

#[test]
fn no_name_is_all_incidents_and_an_unknown_name_is_an_error() {
    assert_eq!(chosen(None).len(), ALL.len());
    assert_eq!(chosen(Some("killed,frozen")).iter().map(|one| one.name).collect::<Vec<_>>(), ["frozen", "killed"]);
    assert!(std::panic::catch_unwind(|| chosen(Some("frozen,melted"))).is_err());
    assert!(std::panic::catch_unwind(|| chosen(Some(""))).is_err());
}

#[test]
fn every_expected_kind_of_finding_exists() {
    for incident in ALL {
        for kind in incident.expect.findings().iter().flat_map(|finding| finding.kinds) {
            assert!(FindingKind::ALL.iter().any(|known| known.as_str() == *kind), "{}: {kind}", incident.name);
        }
    }
}

/// The incidents of these names, in the order of the catalogue.
#[track_caller]
fn chosen(names: Option<&str>) -> Vec<&'static Incident> {
    let Some(names) = names else { return ALL.to_vec() };
    for name in names.split(',') {
        assert!(ALL.iter().any(|incident| incident.name == name), "no incident has the name '{name}'");
    }
    ALL.into_iter().filter(|incident| names.split(',').any(|name| name == incident.name)).collect()
}

/// Runs the incidents one after the other, with a new cluster where the kind changes. A kind that this machine cannot provide is
/// a counted skip, and a failure under CI.
#[track_caller]
pub(crate) fn run_all(incidents: &[&'static Incident], network: &Network, mut random: Random) -> Vec<Report> {
    let mut reports = Vec::new();
    for of_kind in incidents.chunk_by(|one, next| one.cluster_kind == next.cluster_kind) {
        let cluster_kind = of_kind[0].cluster_kind;
        if cluster_kind.skip_if_unsupported() {
            eprintln!("left out: {:?}", of_kind.iter().map(|one| one.name).collect::<Vec<_>>());
            continue;
        }
        let cluster = cluster_kind.start();
        reports.extend(run_on(&cluster, Some(network), of_kind, &mut random));
    }
    reports
}

/// Runs the incidents one after the other on one cluster. The prober keeps running from one incident to the next, as in
/// production. A new one starts after a fault of the prober itself, where the one before does not suit the next incident, and if
/// incidents are recorded.
pub(crate) fn run_on(
    cluster: &Cluster,
    network: Option<&Network>,
    incidents: &[&'static Incident],
    random: &mut Random,
) -> Vec<Report> {
    let mut reports = Vec::new();
    let mut running: Option<TestBed<'_>> = None;
    for incident in incidents {
        let random = Random::new(random.next());
        let mut bed = match running.take() {
            Some(bed) if bed.suits(incident) => bed.for_next_incident(random),
            before => {
                before.into_iter().for_each(|mut bed| _ = bed.probing.stop());
                TestBed::start(incident, cluster, network, random)
            }
        };
        reports.push(runner::run(incident, &mut bed));
        if matches!(incident.expect, Expect::Prober { .. }) || record::folder().is_some() {
            bed.probing.stop();
        } else {
            running = Some(bed);
        }
    }
    if let Some(mut bed) = running {
        bed.probing.stop();
    }
    reports
}
