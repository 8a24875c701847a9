//! Three healthy brokers, default settings: every direct probe asks every broker, and every event is good.

use std::time::Duration;

use crate::harness::otlp::OtlpSink;
use crate::harness::raw::coordination::{CoordinatorType, coordinators};
use crate::harness::{raw, shared_cluster, wait_for};
use crate::support::{CLUSTER, DIRECT, RunningProber, Status, assert_export_balances, elapse};

const MEASURED_FOR: Duration = Duration::from_secs(30);

/// Good events in that time at default intervals, less those in flight at its ends.
const LEAST: [(&str, u64); 3] = [("fetch", 28), ("metadata", 28), ("connect", 2)];

/// Three times the default thresholds: three JVMs share two cores, and an answer of a coordinator may take a second.
const LONG_THRESHOLDS: [(&str, &str); 2] =
    [("KAFKA_PROBER__PROBES__COMMIT__THRESHOLD", "3s"), ("KAFKA_PROBER__PROBES__TRANSACTION__THRESHOLD", "6s")];

#[test]
fn every_direct_probe_is_good_at_every_healthy_broker() {
    let Some(cluster) = shared_cluster() else { return };
    // The first group makes Kafka create `__consumer_offsets`, without which commits are not probed.
    wait_for(Duration::from_secs(30), "Kafka has a coordinator for a group", || {
        raw::coordinator(cluster.any_internal_address(), "harness").ok()
    });
    // A broker that an earlier test froze may lead no partition of it.
    let coordinators = coordinators(cluster.any_internal_address(), CoordinatorType::Group).expect("a broker answers");
    assert!(!coordinators.is_empty(), "__consumer_offsets has a leader");
    let sink = OtlpSink::grpc();
    let mut probing = RunningProber::start(&cluster.bootstrap(), Some(&sink), &[], &LONG_THRESHOLDS);
    probing.wait_good(&[1, 2, 3]);
    let before = probing.wait_status(Duration::from_secs(30), "every direct probe has a good event", |status| {
        let direct = |broker| DIRECT.iter().all(|probe| good(status, broker, probe));
        let commit = |broker| good(&status.coordinator(), broker, "commit");
        [1, 2, 3].iter().all(|broker| direct(*broker))
            && coordinators.iter().all(|broker| commit(*broker))
            && 0 < status.cluster().outcome(CLUSTER, "controller", "good")
    });
    elapse(MEASURED_FOR);
    let end = probing.status();

    for broker in [1, 2, 3] {
        for (probe, least) in LEAST {
            let good_events = end.outcome(broker, probe, "good") - before.outcome(broker, probe, "good");
            assert!(least <= good_events, "{probe} at broker {broker}: {good_events} in {MEASURED_FOR:?}");
            assert_eq!(end.outcome(broker, probe, "missed"), 0, "{probe} at broker {broker}");
        }
        let (before, end) = (before.coordinator(), end.coordinator());
        let rows = || end.rows().filter(|row| row["view"] == "coordinator").collect::<Vec<_>>();
        assert_eq!(end.bad(broker), 0, "broker {broker} as a coordinator: {:#?}\n{}", rows(), probing.prober.stderr());
        if !coordinators.contains(&broker) {
            continue;
        }
        let good_events = end.outcome(broker, "commit", "good") - before.outcome(broker, "commit", "good");
        assert!(13 <= good_events, "commit at broker {broker}: {good_events} in {MEASURED_FOR:?}, one every 2 s");
    }
    assert_eq!([1, 2, 3].map(|broker| end.bad(broker)), [0; 3], "{}", probing.prober.stderr());
    assert_eq!([1, 2, 3].map(|broker| end.state(broker)), [Some("ok"); 3]);
    let controller = [&before, &end].map(|status| status.cluster().outcome(CLUSTER, "controller", "good"));
    assert!(controller[0] + 2 <= controller[1], "one every 10 s: {controller:?}");
    assert_eq!(end.cluster().bad_in(CLUSTER, "controller"), 0, "{}", probing.prober.stderr());
    assert_eq!(end.blocked_probes(), [""; 0], "no probe is blocked");
    end.assert_balances();

    probing.stop();
    assert_export_balances(&sink, &["1", "2", "3"]);
}

fn good(status: &Status, broker: i32, probe: &str) -> bool {
    0 < status.outcome(broker, probe, "good")
}
