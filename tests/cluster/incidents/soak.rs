//! For as long as it is let: a healthy cluster, and a prober that hardly gets a processor. Minutes of it with
//! `script/soak`; it has nothing to do without.

use std::collections::BTreeMap;
use std::env;
use std::time::{Duration, Instant};

use super::cluster_kind::ClusterKind;
use super::probe_counts::CountsSnapshot;
use super::runner;
use super::test_bed::TestBed;
use super::{prober_starved, report};
use crate::harness::faults::cpu_quota::CpuQuota;
use crate::harness::random::Random;
use crate::harness::skip_without_kafka;
use crate::support::{FindingId, elapse};

/// For how many minutes.
const MINUTES: &str = "KAFKA_PROBER_TEST_SOAK_MINUTES";

/// Percent of one processor.
const SHARE: u32 = 5;

/// How often it says how it goes.
const SAID_EVERY: Duration = Duration::from_secs(30);

#[test]
fn starving_prober_says_nothing_of_a_healthy_cluster() {
    let Some(minutes) = env::var(MINUTES).ok().and_then(|minutes| minutes.parse().ok()) else { return };
    if skip_without_kafka() {
        return;
    }
    let cluster = ClusterKind::ThreeBrokers.open();
    let mut bed = TestBed::open(&prober_starved::INCIDENT, &cluster, None, Random::new(Random::seed()));
    runner::wait_until_healthy(&bed);
    let before = CountsSnapshot::of(&bed);
    let quota = CpuQuota::to(bed.probing.prober.pid(), SHARE);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) * minutes {
        elapse(SAID_EVERY);
        let bad = CountsSnapshot::of(&bed).bad_since(&before, None);
        eprintln!("after {:.0} s: {bad:?}, found {:?}", began.elapsed().as_secs_f64(), found(&bed));
    }
    eprintln!("starved by {}, held back {:?} times", quota.mechanism(), quota.throttled());
    drop(quota);
    let after = CountsSnapshot::of(&bed);

    let wrong: Vec<FindingId> = found(&bed).into_keys().filter(|(kind, _)| !report::blames_the_prober(kind)).collect();
    assert_eq!(wrong, [], "{}", bed.probing.prober.stderr());
    assert_eq!(after.bad_since(&before, None), report::Bad::default(), "{}", after.changes_since(&before));
    bed.probing.stop();
}

/// What was ever found, and how often.
fn found(bed: &TestBed<'_>) -> BTreeMap<FindingId, usize> {
    let mut found = BTreeMap::new();
    for finding in bed.probing.findings_so_far() {
        *found.entry(finding).or_default() += 1;
    }
    found
}
