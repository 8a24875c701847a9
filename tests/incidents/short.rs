//! Eight short incidents that every run of `script/test` has, at three times the goals' time: faults that no test of
//! `tests/cluster` injects.

use crate::catalog::{delay, disk_full, duty_cycled, packet_loss, pauses, prober_stopped, quota, rolling_restart};
use crate::harness::network::Network;
use crate::harness::random::Random;
use crate::harness::raw::coordination::create_internal_topics;
use crate::harness::{shared_cluster, skip_without_kafka};
use crate::matrix;
use crate::report::Report;
use crate::suite::{run_all, run_on};
use crate::support::TOLERANCE;

#[test]
fn incidents_of_brokers_and_of_the_prober_are_reported_as_promised() {
    let incidents =
        [&duty_cycled::LONG, &rolling_restart::INCIDENT, &pauses::INCIDENT, &quota::INCIDENT, &prober_stopped::SHORT];
    let Some(cluster) = shared_cluster() else { return };
    create_internal_topics(&cluster);
    assert_as_promised(&run_on(&cluster, None, &incidents, &mut Random::new(Random::seed())));
}

/// The incidents that need a network namespace and disks.
#[test]
fn incidents_of_networks_and_disks_are_reported_as_promised() {
    if skip_without_kafka() {
        return;
    }
    let Some(network) = Network::own("short::incidents_of_networks_and_disks_are_reported_as_promised") else { return };
    let incidents = [&packet_loss::MUCH, &delay::INCIDENT, &disk_full::OF_TWO];
    assert_as_promised(&run_all(&incidents, &network, Random::new(Random::seed())));
}

#[track_caller]
fn assert_as_promised(reports: &[Report]) {
    let violations = reports.iter().map(|report| (report.name, report.violations(TOLERANCE)));
    let violations: Vec<(&str, Vec<String>)> = violations.filter(|(_, violations)| !violations.is_empty()).collect();
    assert!(violations.is_empty(), "{violations:#?}\n{}", matrix::table(reports));
}
