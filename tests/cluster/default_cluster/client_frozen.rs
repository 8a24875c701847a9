//! Broker 2 is stopped (SIGSTOP) for 45 s: the broker view names it alone, and the client view is bad for as long as Kafka's
//! own Java producer fails, until another broker leads the partition.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::harness::java_producer::{JavaProducer, Sent, wall_now};
use crate::harness::otlp::OtlpSink;
use crate::harness::shared_cluster;
use crate::support::{REPLICATED, RunningProber, Status, TOLERANCE, assert_export_balances, elapse, read_topic};

const FROZEN: Duration = Duration::from_secs(45);
const INTERVAL: Duration = Duration::from_millis(500);
const DEADLINE: Duration = Duration::from_secs(5);

/// The consumer reads from the new leader by then.
const LEAVES_WITHIN: Duration = Duration::from_secs(20);

/// Goal: how much the client view and the Java producer may differ.
const APART: Duration = Duration::from_secs(2);

/// When the first and the last failed record of a partition were sent, since the freeze.
type Bad = Option<(Duration, Duration)>;

#[test]
fn applications_suffer_as_long_as_kafkas_own_producer_does() {
    let Some(cluster) = shared_cluster() else { return };
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
    elapse(Duration::from_secs(12));
    let end = probing.status();

    assert_eq!([1, 3].map(|broker| end.bad(broker)), [0, 0], "in the broker view nobody else is blamed");
    assert!(0 < end.bad(2), "and broker 2 is");
    let left_at = left_at.expect("the partition is read again while its old leader is frozen");
    assert!(left_at <= LEAVES_WITHIN, "read again {left_at:?} after the freeze");
    assert_eq!(end.client().anomaly("lost"), 0);
    assert_eq!(end.anomaly("lost"), 0);
    assert_eq!(end.number("/prober/imbalances"), 0.0);

    let java = java.sent();
    for broker in [1, 2, 3] {
        let felt = of_java(&java, broker - 1, frozen_wall);
        let said = of_prober(seen.get(&broker));
        eprintln!("partition led by broker {broker}: bad for Java {felt:?}, in the client view {said:?}");
        // No failed record counts as zero time from the freeze on.
        let ((java_from, java_to), (from, to)) = (felt.unwrap_or_default(), said.unwrap_or_default());
        let allowed = TOLERANCE * APART;
        assert!(from.abs_diff(java_from) <= allowed, "broker {broker}: from {from:?}, Java from {java_from:?}");
        assert!(to.abs_diff(java_to) <= allowed, "broker {broker}: to {to:?}, Java to {java_to:?}");
    }
    assert!(of_java(&java, 1, frozen_wall).is_some(), "nothing was felt: the test shows nothing");

    probing.assert_only_found(2, &["broker_stalled", "broker_frozen"]);
    probing.stop();
    assert_export_balances(&sink, &["1", "2", "3"]);
    let written = sink.sum("kafka_prober.events", &[("view", "client"), ("probe", "produce"), ("outcome", "good")]);
    let truth = read_topic(&cluster, REPLICATED);
    assert!(written <= truth.distinct as f64, "every ack stands for a record in the topic");
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
