//! A healthy cluster and a prober limited to 5 % of one processor. `script/soak MINUTES` runs it.

use std::collections::BTreeMap;
use std::env;
use std::time::{Duration, Instant};

use crate::catalog::prober_starved;
use crate::cluster_kind::ClusterKind;
use crate::harness::faults::cpu_quota::CpuQuota;
use crate::harness::random::Random;
use crate::harness::skip_without_kafka;
use crate::probe_counts::CountsSnapshot;
use crate::support::{FindingId, elapse};
use crate::test_bed::TestBed;
use crate::{report, runner};

/// Minutes to run; ten without it.
const MINUTES: &str = "KAFKA_PROBER_TEST_SOAK_MINUTES";

/// The prober's CPU limit, in percent of one processor.
const SHARE: u32 = 5;

/// How often the counts so far are printed.
const PRINT_INTERVAL: Duration = Duration::from_secs(30);

#[test]
fn starved_prober_reports_no_finding_about_a_healthy_cluster() {
    let minutes: u32 = env::var(MINUTES).map_or(10, |minutes| minutes.parse().expect("a number of minutes"));
    assert_ne!(minutes, 0, "{MINUTES}=0 would show nothing");
    if skip_without_kafka() {
        return;
    }
    let cluster = ClusterKind::ThreeBrokers.start();
    let mut bed = TestBed::start(&prober_starved::INCIDENT, &cluster, None, Random::new(Random::seed()));
    runner::wait_until_healthy(&bed);
    let before = CountsSnapshot::of(&bed);
    let quota = CpuQuota::to(bed.probing.prober.pid(), SHARE);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) * minutes {
        elapse(PRINT_INTERVAL);
        let bad = CountsSnapshot::of(&bed).bad_since(&before, &[]);
        eprintln!("after {:.0} s: {bad:?}, found {:?}", began.elapsed().as_secs_f64(), found(&bed));
    }
    eprintln!("limited by {}, throttled {:?} times", quota.mechanism(), quota.throttled());
    drop(quota);
    let after = CountsSnapshot::of(&bed);

    let wrong: Vec<FindingId> = found(&bed).into_keys().filter(|(kind, _)| !report::blames_the_prober(kind)).collect();
    assert_eq!(wrong, [], "{}", bed.probing.prober.stderr());
    assert_eq!(after.bad_since(&before, &[]), report::Bad::default(), "{}", after.changes_since(&before));
    bed.probing.stop();
}

/// Every finding that began so far, and how often.
fn found(bed: &TestBed<'_>) -> BTreeMap<FindingId, usize> {
    let mut found = BTreeMap::new();
    for finding in bed.probing.findings_so_far() {
        *found.entry(finding).or_default() += 1;
    }
    found
}
