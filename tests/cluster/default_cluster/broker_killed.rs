//! Broker 2 is killed (SIGKILL) and started again after 20 s, during which it leaves the metadata.

use std::time::{Duration, Instant};

use crate::harness::otlp::OtlpSink;
use crate::harness::reference_writer::ReferenceWriter;
use crate::harness::shared_cluster;
use crate::support::{RunningProber, TOLERANCE, assert_export_balances, create_lane_topics, elapse};

/// Goal for the first ack after the restart, compared with the harness's own.
const RECOVERY_GOAL: Duration = Duration::from_secs(1);

#[test]
fn killed_broker_is_bad_from_first_refusal_to_first_ack() {
    let Some(cluster) = shared_cluster() else { return };
    create_lane_topics(&cluster);
    let reference = ReferenceWriter::start(&cluster, 2);
    let sink = OtlpSink::http();
    let http = [("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")];
    let mut probing = RunningProber::start(&cluster.bootstrap(), Some(&sink), &[], &http);
    probing.wait_good(&[1, 2, 3]);
    let before = probing.status();

    cluster.broker(2).kill();
    let killed_at = Instant::now();
    let first_bad = probing.wait_status(Duration::from_secs(5), "broker 2 is bad", |status| 0 < status.bad(2));
    assert!(first_bad.at.duration_since(killed_at) <= TOLERANCE * Duration::from_secs(1));
    elapse(Duration::from_secs(20).saturating_sub(killed_at.elapsed()));
    let down = probing.status();
    let due = down.due(2, "produce") - before.due(2, "produce");
    assert!(95 <= due, "attempts stay due after it left the metadata: {due} of five a second for 20 s");
    let refused = down.errors(2, "produce", "connection_refused");
    assert!(90 <= refused, "{refused}");

    cluster.broker(2).start();
    let started_at = Instant::now();
    let good = probing.wait_status(Duration::from_secs(60), "broker 2 is good again", |status| {
        ["produce", "end_to_end"].iter().all(|probe| status.good_at(2, probe).is_some_and(|at| started_at < at))
    });
    let acked = good.good_at(2, "produce").expect("wait_status waited for it");
    elapse(Duration::from_secs(6));
    let end = probing.status();

    let writable = reference.first_success_after(started_at).expect("the harness writes again");
    let behind = acked.saturating_duration_since(writable);
    assert!(behind <= TOLERANCE * RECOVERY_GOAL, "first ack {behind:?} after the harness's own");
    let good_between = down.outcome(2, "produce", "good") - before.outcome(2, "produce", "good");
    assert!(good_between <= 10, "{good_between} good events while it was dead");
    assert_eq!([1, 3].map(|broker| end.bad(broker)), [0, 0], "healthy brokers are not blamed");
    assert_eq!((end.anomaly("lost"), end.client().anomaly("lost")), (0, 0));
    assert_eq!(end.anomaly("duplicate"), 0);
    assert_eq!(end.number("/prober/imbalances"), 0.0);
    probing.assert_only_found(2, &["broker_down"]);
    probing.stop();
    assert_export_balances(&sink, &["1", "2", "3"]);
}
