//! `connect` against the simulated cluster.

use std::time::Duration;

use prober_core::ids::{BrokerId, Phase, Probe};
use prober_core::kafka_error::KafkaError;

use super::*;
use crate::sim::cluster::{LATENCY, Verb};
use crate::sim::prober::SimProber;

fn prober() -> SimProber {
    SimProber::new(Probe::Connect, 3, Duration::from_secs(2))
}

#[tokio::test(start_paused = true)]
async fn every_attempt_opens_a_fresh_connection_and_times_each_phase() {
    let mut prober = prober();
    prober.until(10).await;
    for broker in 1..=3 {
        prober.assert_all_good(broker, 8);
        let timed = prober.phases(Phase::ApiVersions);
        let of_broker = timed.iter().filter(|(of, _)| *of == Broker::Id(BrokerId(broker)));
        let took: Vec<Duration> = of_broker.map(|(_, took)| *took).collect();
        assert!(8 <= took.len() && took.iter().all(|took| *took == LATENCY), "{took:?}");
        assert_eq!(prober.cluster.requests(broker, Verb::Dial), took.len());
    }
}

#[tokio::test(start_paused = true)]
async fn frozen_and_killed_processes_have_different_faults() {
    let mut prober = prober();
    prober.cluster.freeze(1);
    prober.cluster.kill(2);
    prober.until(10).await;
    let (frozen, killed) = (prober.failures(1), prober.failures(2));
    // The scheduler ends the attempt at the same instant, so either may come first.
    let unanswered = |fault: &Fault| matches!(fault, Fault::NoHandshake | Fault::Timeout);
    assert!(!frozen.is_empty() && frozen.iter().all(unanswered), "{frozen:?}");
    assert!(!killed.is_empty() && killed.iter().all(|fault| *fault == Fault::ConnectionRefused), "{killed:?}");
    prober.assert_all_good(3, 8);
    prober.cluster.thaw(1);
    prober.cluster.start(2);
    prober.until(12).await;
    prober.clear();
    prober.until(20).await;
    prober.assert_all_good(1, 7);
    prober.assert_all_good(2, 7);
}

#[tokio::test(start_paused = true)]
async fn refused_password_has_the_error_name_of_kafka() {
    let refused = KafkaError(58);
    let mut prober = prober();
    prober.cluster.refuse(3, Verb::Dial, refused);
    prober.until(5).await;
    let failures = prober.failures(3);
    assert!(!failures.is_empty() && failures.iter().all(|fault| *fault == Fault::Kafka(refused)), "{failures:?}");
    assert_eq!(failures[0].error_type(), "SASL_AUTHENTICATION_FAILED");
}

#[tokio::test(start_paused = true)]
async fn connect_check_is_outside_the_schedule_and_returns_its_fault() {
    let mut healthy = prober();
    assert_eq!(healthy.connect_check(2).await, None);
    let mut frozen = prober();
    frozen.cluster.freeze(2);
    assert_eq!(frozen.connect_check(2).await, Some(Fault::NoHandshake));
}
