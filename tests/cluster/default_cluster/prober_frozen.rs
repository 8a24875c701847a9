//! The prober's process is stopped for 10 s while the cluster is healthy: no broker is named.

use std::time::Duration;

use crate::harness::otlp::OtlpSink;
use crate::harness::{shared_cluster, wait_for};
use crate::support::{RunningProber, Status, assert_export_balances, create_lane_topics, elapse};

#[test]
fn frozen_prober_names_no_broker() {
    let Some(cluster) = shared_cluster() else { return };
    create_lane_topics(&cluster);
    let sink = OtlpSink::grpc();
    // A hundred records a second to each broker, each in flight for about a millisecond.
    let quick = [("KAFKA_PROBER__LANES__PINNED__INTERVAL", "10ms")];
    let mut probing = RunningProber::start(&cluster.bootstrap(), Some(&sink), &[], &quick);
    probing.wait_good(&[1, 2, 3]);
    for _ in 0..2 {
        freeze(&mut probing, Duration::from_secs(10), Duration::from_secs(3));
    }
    let status = probing.status();
    for view in [&status, &status.client()] {
        assert_eq!([1, 2, 3].map(|broker| view.bad(broker)), [0, 0, 0], "{}", probing.prober.stderr());
        assert_eq!(view.anomaly("lost"), 0);
    }
    assert!(2.0 <= status.number("/prober/stalls"));
    assert!(18_000.0 <= status.number("/prober/stalled_ms"));
    let missed = status.outcome(1, "produce", "missed");
    assert!((1900..=2100).contains(&missed), "{missed} of a hundred a second for 20 s");
    let status = freeze_until_a_record_was_in_flight(&mut probing);
    probing.assert_no_broker_named();
    assert!(!probing.findings_so_far().is_empty(), "it reports its own stall");
    assert_eq!(status.number("/prober/imbalances"), 0.0);
    probing.stop();
    assert_export_balances(&sink, &["1", "2", "3"]);
}

/// Stops the prober, then lets it run.
fn freeze(probing: &mut RunningProber, stopped: Duration, awake: Duration) {
    probing.prober.freeze();
    elapse(stopped);
    probing.prober.thaw();
    elapse(awake);
}

/// Freezes the prober until a record was in flight, which is void with the reason `stall`. Whether one is in flight is random.
fn freeze_until_a_record_was_in_flight(probing: &mut RunningProber) -> Status {
    wait_for(Duration::from_secs(120), "a record in flight during a freeze is void", || {
        // Longer than the threshold; a shorter stall need not void anything.
        freeze(probing, Duration::from_millis(1500), Duration::from_millis(500));
        let status = probing.status();
        for view in [&status, &status.client()] {
            assert_eq!([1, 2, 3].map(|broker| view.bad(broker)), [0, 0, 0], "{}", probing.prober.stderr());
        }
        (0 < status.void("stall")).then_some(status)
    })
}

#[test]
fn stall_of_30_ms_voids_nothing() {
    let Some(cluster) = shared_cluster() else { return };
    create_lane_topics(&cluster);
    let mut probing = RunningProber::start(&cluster.bootstrap(), None, &[], &[]);
    probing.wait_good(&[1, 2, 3]);
    // Less than 1 s a minute, from which on the prober reports its stalls.
    for _ in 0..12 {
        freeze(&mut probing, Duration::from_millis(30), Duration::from_millis(300));
    }
    let status = probing.status();
    for view in [&status, &status.client()] {
        assert_eq!([1, 2, 3].map(|broker| view.bad(broker)), [0, 0, 0]);
        let outcome = |name: &str| [1, 2, 3].map(|broker| view.outcome(broker, "produce", name)).iter().sum::<u64>();
        assert_eq!(outcome("void"), 0);
        assert_eq!(outcome("missed"), 0);
    }
    assert_eq!(probing.findings_so_far(), []);
    probing.stop();
}
