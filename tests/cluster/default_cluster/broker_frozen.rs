//! Broker 2 is stopped (SIGSTOP) for 30 s: its connections stay open, the kernel accepts more, and no request is answered.

use std::time::{Duration, Instant};

use crate::harness::otlp::OtlpSink;
use crate::harness::reference_writer::ReferenceWriter;
use crate::harness::{shared_cluster, wait_until};
use crate::support::{
    RunningProber, TOLERANCE, TOPIC, assert_export_balances, create_lane_topics, elapse, p99, read_topic,
};

/// Goal for `/metrics` while a broker is frozen.
const PAGE_GOAL: Duration = Duration::from_millis(10);

/// Goal for the first good event after the thaw, compared with the harness's own first write.
const RECOVERY_GOAL: Duration = Duration::from_secs(1);

/// Goals for a finding that names the broker, and for its end after the thaw.
const NAMED_GOAL: Duration = Duration::from_millis(2200);
const CLEARED_GOAL: Duration = Duration::from_secs(10);

#[test]
fn only_the_frozen_broker_is_bad_and_every_attempt_is_accounted_for() {
    let Some(cluster) = shared_cluster() else { return };
    create_lane_topics(&cluster);
    let reference = ReferenceWriter::start(&cluster, 2);
    let sink = OtlpSink::grpc();
    let mut probing = RunningProber::start(&cluster.bootstrap(), Some(&sink), &[], &[]);
    probing.wait_good(&[1, 2, 3]);
    let start = probing.prober.metrics();
    elapse(Duration::from_secs(20));
    let before = probing.prober.metrics();
    let healthy = probing.status();
    assert_eq!([1, 2, 3].map(|broker| healthy.bad(broker)), [0, 0, 0]);

    cluster.broker(2).freeze();
    let frozen_at = Instant::now();
    let (mut slowest_page, mut named_at) = (Duration::ZERO, None);
    while frozen_at.elapsed() < Duration::from_secs(30) {
        let page = probing.prober.http_get("/metrics").expect("/metrics answers throughout");
        assert_eq!(page.status, 200);
        slowest_page = slowest_page.max(page.elapsed);
        let found = !probing.findings().is_empty();
        named_at = named_at.or_else(|| found.then(|| frozen_at.elapsed()));
        elapse(Duration::from_millis(100));
    }
    let during = probing.prober.metrics();
    let frozen = probing.status();
    cluster.broker(2).thaw();
    let thawed_at = Instant::now();
    let good_again = probing.wait_status(Duration::from_secs(20), "broker 2 is good again", |status| {
        ["produce", "end_to_end"].iter().all(|probe| status.good_at(2, probe).is_some_and(|at| thawed_at < at))
    });
    let cleared = wait_until(TOLERANCE * CLEARED_GOAL, "the finding has ended", || probing.findings().is_empty());
    let recovered = ["produce", "end_to_end"].iter().filter_map(|probe| good_again.good_at(2, probe)).max();
    elapse(Duration::from_secs(7));
    let end = probing.status();

    assert_eq!([1, 3].map(|broker| end.bad(broker)), [0, 0], "healthy brokers are not blamed");
    let timed_out = frozen.outcome(2, "produce", "timeout") + frozen.outcome(2, "produce", "error");
    assert!((110..=160).contains(&timed_out), "{timed_out} of five a second for 30 s, less one deadline");
    assert_eq!(end.number("/prober/imbalances"), 0.0);
    for anomaly in ["lost", "duplicate", "corrupt", "reordered", "foreign"] {
        assert_eq!(end.anomaly(anomaly), 0, "{anomaly}");
    }
    for broker in ["1", "3"] {
        let (calm, frozen) = (p99(&before, &start, broker), p99(&during, &before, broker));
        let allowed = f64::from(TOLERANCE) * (2.0 * calm).max(calm + 0.020);
        assert!(frozen <= allowed, "broker {broker}: p99 {calm:.4} s before, {frozen:.4} s during the freeze");
    }
    assert!(slowest_page <= TOLERANCE * PAGE_GOAL, "{slowest_page:?}");
    probing.assert_only_found(2, &["broker_stalled", "broker_frozen"]);
    let named = named_at.expect("broker 2 is named");
    eprintln!("named {named:?} after the freeze, cleared {cleared:?} after it was good again");
    assert!(named <= TOLERANCE * NAMED_GOAL, "named {named:?} after the freeze");

    let writable = reference.first_success_after(thawed_at).expect("the harness writes again");
    let recovered = recovered.expect("wait_status waited for it");
    let behind = recovered.saturating_duration_since(writable);
    assert!(behind <= TOLERANCE * RECOVERY_GOAL, "good again {behind:?} after the harness's own client");

    probing.assert_replayed();
    probing.stop();
    assert_export_balances(&sink, &["1", "2", "3"]);
    let truth = read_topic(&cluster, TOPIC);
    assert_eq!(truth.records, truth.distinct, "no record is written twice, because none is retried");
    let acked = sink.sum("kafka_prober.events", &[("view", "broker"), ("probe", "produce"), ("outcome", "good")]);
    assert!(0.0 < acked && acked <= truth.records as f64, "the topic has every acked record");
}
