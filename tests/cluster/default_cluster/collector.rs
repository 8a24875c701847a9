//! The OTLP receiver is down for a minute, or hangs: probing is not affected, and the totals are exact afterwards.

use std::time::Duration;

use crate::harness::otlp::{Mode, OtlpSink};
use crate::harness::{shared_cluster, wait_until};
use crate::support::{RunningProber, TOPIC, assert_export_balances, elapse, read_topic};

#[test]
fn totals_are_exact_after_a_minute_without_collector_and_after_a_hanging_one() {
    let Some(cluster) = shared_cluster() else { return };
    let sink = OtlpSink::grpc();
    let quick = [("KAFKA_PROBER__OTLP__INTERVAL", "2s"), ("KAFKA_PROBER__OTLP__TIMEOUT", "3s")];
    let mut probing = RunningProber::start(&cluster.bootstrap(), Some(&sink), &[], &quick);
    probing.wait_good(&[1, 2, 3]);
    sink.set_mode(Mode::Down);
    elapse(Duration::from_secs(60));
    let down = probing.status();
    assert!(1.0 <= down.number("/prober/exports/failure") + down.number("/prober/exports/timeout"));
    sink.set_mode(Mode::Up);
    let before = sink.exports();
    wait_until(Duration::from_secs(20), "exports arrive again", || before + 2 <= sink.exports());
    let status = probing.status();
    assert_eq!([1, 2, 3].map(|broker| status.bad(broker)), [0, 0, 0], "probing does not depend on the collector");

    // Hung: it accepts, reads, and never answers.
    sink.set_mode(Mode::Hung);
    elapse(Duration::from_secs(8));
    let hung = probing.status();
    assert_eq!([1, 2, 3].map(|broker| hung.bad(broker)), [0, 0, 0]);
    assert!(35 <= hung.outcome(1, "end_to_end", "good") - status.outcome(1, "end_to_end", "good"));
    assert!(1.0 <= hung.number("/prober/exports/timeout"));

    sink.set_mode(Mode::Up);
    let before = sink.exports();
    wait_until(Duration::from_secs(20), "exports arrive again", || before + 2 <= sink.exports());
    probing.stop();
    assert_export_balances(&sink, &["1", "2", "3"]);
    let sent = sink.sum("kafka_prober.attempts.sent", &[("view", "broker"), ("probe", "produce")]);
    assert_eq!(read_topic(&cluster, TOPIC).records as f64, sent);
}

#[test]
fn hanging_collector_does_not_delay_the_end() {
    let Some(cluster) = shared_cluster() else { return };
    for sink in [OtlpSink::grpc(), OtlpSink::http()] {
        sink.set_mode(Mode::Hung);
        let protocol = if sink.is_grpc() { "grpc" } else { "http/protobuf" };
        let env = [("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)];
        let mut probing = RunningProber::start(&cluster.bootstrap(), Some(&sink), &[], &env);
        probing.wait_good(&[1, 2, 3]);
        probing.stop();
    }
}
