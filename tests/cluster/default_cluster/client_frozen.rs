//! Broker 2 is stopped (SIGSTOP) for 30 s: only it fails in the broker view, and the client view fails for the same time as Kafka's
//! own Java producer, until another broker leads the partition.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::harness::java_producer::{JavaProducer, Sent, wall_now};
use crate::harness::otlp::OtlpSink;
use crate::harness::shared_cluster;
use crate::support::{
    REPLICATED, RunningProber, Status, TOLERANCE, assert_export_balances, create_lane_topics, elapse, read_topic,
};

const FROZEN: Duration = Duration::from_secs(30);
const INTERVAL: Duration = Duration::from_millis(500);
const DEADLINE: Duration = Duration::from_secs(5);

/// Time within which the consumer reads from the new leader.
const READ_AGAIN_WITHIN: Duration = Duration::from_secs(20);

/// Goal for the difference between the client view and the Java producer.
const DIFFERENCE_GOAL: Duration = Duration::from_secs(2);

/// When the first and the last failed record of a partition were sent, since the freeze.
type Bad = Option<(Duration, Duration)>;

#[test]
fn client_view_fails_for_the_same_time_as_kafkas_own_producer() {
    let Some(cluster) = shared_cluster() else { return };
    create_lane_topics(&cluster);
    let sink = OtlpSink::grpc();
    let java = JavaProducer::start(&cluster, INTERVAL, DEADLINE);
    let mut probing = RunningProber::start(&cluster.bootstrap(), Some(&sink), &[], &[]);
    probing.wait_good(&[1, 2, 3]);
    elapse(Duration::from_secs(5));
    let calm = probing.status();
    assert_eq!([1, 2, 3].map(|broker| calm.client().bad(broker)), [0, 0, 0]);

    cluster.broker(2).freeze();
    let (frozen_at, frozen_wall) = (Instant::now(), wall_now());
    let mut seen: BTreeMap<i32, Vec<Duration>> = BTreeMap::new();
    let mut last = [1, 2, 3].map(|broker| not_good(&calm.client(), broker));
    let mut left_at = None;
    while frozen_at.elapsed() < FROZEN {
        let status = probing.status().client();
        for (broker, last) in [1, 2, 3].into_iter().zip(&mut last) {
            let now = not_good(&status, broker);
            if *last < now {
                seen.entry(broker).or_default().push(frozen_at.elapsed());
            }
            *last = now;
        }
        let read = status.good_at(2, "consume").filter(|at| frozen_at + Duration::from_secs(2) < *at);
        left_at = left_at.or(read.map(|at| at.duration_since(frozen_at)));
        elapse(Duration::from_millis(100));
    }
    cluster.broker(2).thaw();
    elapse(Duration::from_secs(8));
    let end = probing.status();

    assert_eq!([1, 3].map(|broker| end.bad(broker)), [0, 0], "no other broker is bad in the broker view");
    assert!(0 < end.bad(2), "broker 2 is bad");
    let left_at = left_at.expect("the partition is read again while its old leader is frozen");
    assert!(left_at <= READ_AGAIN_WITHIN, "read again {left_at:?} after the freeze");
    assert_eq!(end.client().anomaly("lost"), 0);
    assert_eq!(end.anomaly("lost"), 0);
    assert_eq!(end.number("/prober/imbalances"), 0.0);

    let java = java.sent();
    for broker in [1, 2, 3] {
        let of_java_producer = of_java(&java, broker - 1, frozen_wall);
        let of_client_view = of_prober(seen.get(&broker));
        eprintln!(
            "partition led by broker {broker}: bad for Java {of_java_producer:?}, in the client view {of_client_view:?}"
        );
        // No failed record counts as zero time from the freeze on.
        let ((java_from, java_to), (from, to)) =
            (of_java_producer.unwrap_or_default(), of_client_view.unwrap_or_default());
        let allowed = TOLERANCE * DIFFERENCE_GOAL;
        assert!(from.abs_diff(java_from) <= allowed, "broker {broker}: from {from:?}, Java from {java_from:?}");
        assert!(to.abs_diff(java_to) <= allowed, "broker {broker}: to {to:?}, Java to {java_to:?}");
    }
    assert!(of_java(&java, 1, frozen_wall).is_some(), "the fault caused no failure, so that the test proves nothing");

    probing.assert_only_found(2, &["broker_stalled", "broker_frozen"]);
    probing.stop();
    assert_export_balances(&sink, &["1", "2", "3"]);
    let written = sink.sum("kafka_prober.events", &[("view", "client"), ("probe", "produce"), ("outcome", "good")]);
    let truth = read_topic(&cluster, REPLICATED);
    assert!(0.0 < written && written <= truth.distinct as f64, "the topic has every acked record");
}

/// Produce events that failed; a slow one is available.
fn not_good(client: &Status, broker: i32) -> u64 {
    ["error", "timeout"].iter().map(|outcome| client.outcome(broker, "produce", outcome)).sum()
}

/// Failed records are counted after their deadline and the settle time.
fn of_prober(counted: Option<&Vec<Duration>>) -> Bad {
    const SETTLE: Duration = Duration::from_millis(150);
    let sent = |counted: &Duration| counted.saturating_sub(DEADLINE + SETTLE);
    let counted = counted?;
    Some((sent(counted.first()?), sent(counted.last()?)))
}

fn of_java(all: &[Sent], partition: i32, from: Duration) -> Bad {
    let bad = all.iter().filter(|sent| sent.partition == partition && !sent.good && from <= sent.at + INTERVAL);
    let mut at: Vec<Duration> = bad.map(|sent| sent.at.saturating_sub(from)).collect();
    at.sort();
    Some((*at.first()?, *at.last()?))
}
