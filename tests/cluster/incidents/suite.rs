//! Which incidents run when: a few with every `script/test`, all of them when `script/incidents` asks.

use std::env;
use std::fs;
use std::time::Duration;

use super::account::Account;
use super::scene::Scene;
use super::stage::Stage;
use super::{
    ALL, Incident, delay, disk_full, duty_cycled, evidence, matrix, packet_loss, pauses, prober_stopped, quota,
    rolling_restart, runner,
};
use crate::harness::network::Network;
use crate::harness::random::Random;
use crate::harness::raw::coordination::make_internal_topics;
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
    let accounts = run_all(&asked, number(REPEAT).unwrap_or(1), &network, Random::new(seed));
    let repeated = number(REPEAT).is_some();
    let (name, table) = match repeated {
        true => ("repeated.md", matrix::summary(&accounts)),
        false => ("matrix.md", matrix::table(&accounts)),
    };
    eprintln!("\n{table}");
    fs::create_dir_all(evidence::folder()).expect("the target folder is writable");
    fs::write(evidence::folder().join(name), &table).expect("the target folder is writable");
    let broken = accounts.iter().filter(|account| !account.broken(1).is_empty()).count();
    assert_eq!(broken, 0, "incidents that were not told as promised");
}

/// With every `script/test`, at three times the goals' time: what no other test of this crate has.
#[track_caller]
fn holds_on_shared_cluster(incident: &Incident) {
    let Some(cluster) = shared_cluster() else { return };
    make_internal_topics(&cluster);
    let mut stage = Stage::open(incident, &cluster, None, Random::new(Random::seed()));
    let account = runner::run(incident, &mut stage);
    assert_eq!(account.broken(TOLERANCE), [""; 0], "{}", stage.probing.prober.stderr());
    stage.probing.stop();
}

#[test]
fn broker_that_stands_still_half_of_the_time_is_slow() {
    holds_on_shared_cluster(&duty_cycled::LONG);
}

#[test]
fn rolling_restart_is_no_finding() {
    holds_on_shared_cluster(&rolling_restart::INCIDENT);
}

#[test]
fn pauses_of_less_than_a_second_are_no_finding() {
    holds_on_shared_cluster(&pauses::INCIDENT);
}

#[test]
fn prober_that_stops_for_3_s_accuses_itself() {
    holds_on_shared_cluster(&prober_stopped::SHORT);
}

#[test]
fn quota_is_nobodys_fault() {
    holds_on_shared_cluster(&quota::INCIDENT);
}

/// The same for those that need a network and disks of their own.
#[test]
fn lossy_path_slow_path_and_full_disk_name_their_broker() {
    if skip_without_kafka() {
        return;
    }
    let test = "incidents::suite::lossy_path_slow_path_and_full_disk_name_their_broker";
    let Some(network) = Network::own(test) else { return };
    let few = [&packet_loss::MUCH, &delay::INCIDENT, &disk_full::OF_TWO];
    for account in run_all(&few, 1, &network, Random::new(Random::seed())) {
        assert_eq!(account.broken(TOLERANCE), [""; 0], "{}", account.name);
    }
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

fn number(name: &str) -> Option<usize> {
    env::var(name).ok()?.parse().ok()
}

/// One after the other, with a new cluster when the scene changes.
fn run_all(asked: &[&'static Incident], repeat: usize, network: &Network, mut random: Random) -> Vec<Account> {
    let mut accounts = Vec::new();
    let mut open: Option<(Scene, Cluster)> = None;
    for incident in asked.iter().flat_map(|incident| vec![*incident; repeat]) {
        if let Some(missing) = incident.scene.missing() {
            eprintln!("{} is left out, without {missing}", incident.name);
            continue;
        }
        if open.as_ref().is_none_or(|(scene, _)| *scene != incident.scene) {
            // The old one first: two would not have room beside each other.
            drop(open.take());
            open = Some((incident.scene, incident.scene.open()));
        }
        let Some((_, cluster)) = &open else { continue };
        let mut stage = Stage::open(incident, cluster, Some(network), Random::new(random.next()));
        accounts.push(runner::run(incident, &mut stage));
        stage.probing.stop();
        cluster.heal();
    }
    accounts
}
