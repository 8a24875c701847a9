//! `transaction` against the simulated coordinators and partitions.

use prober_core::event::Outcome;
use prober_core::ids::Probe;

use super::*;
use crate::sim::cluster::Verb;
use crate::sim::prober::SimProber;

const DEADLINE: Duration = Duration::from_secs(4);

fn prober() -> SimProber {
    SimProber::new(Probe::Transaction, 3, DEADLINE)
}

fn only(failures: &[Fault], fault: Fault) -> bool {
    !failures.is_empty() && failures.iter().all(|failure| *failure == fault)
}

#[tokio::test(start_paused = true)]
async fn every_coordinator_is_good_and_a_producer_is_requested_once_for_each_id() {
    let mut prober = prober();
    prober.until(20).await;
    for broker in 1..=3 {
        prober.assert_all_good(broker, 18);
        // Two transactional ids on each broker.
        assert_eq!(prober.cluster.requests(broker, Verb::InitProducerId), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn aborted_record_shown_to_readers_is_a_fault_of_its_own() {
    let mut prober = prober();
    prober.until(5).await;
    prober.cluster.set_show_aborted(true);
    prober.until(10).await;
    assert!(only(&prober.failures(2), Fault::AbortedSeen), "{:?}", prober.failures(2));
    prober.cluster.set_show_aborted(false);
    prober.until(11).await;
    prober.clear();
    prober.until(20).await;
    assert!(prober.failures(2).is_empty());
}

#[tokio::test(start_paused = true)]
async fn only_the_frozen_broker_times_out_and_it_leaves_no_transaction_open() {
    let mut prober = prober();
    prober.until(5).await;
    prober.cluster.freeze(2);
    prober.until(20).await;
    assert!(only(&prober.failures(2), Fault::Timeout), "{:?}", prober.failures(2));
    prober.cluster.thaw(2);
    prober.until(30).await;
    assert_eq!(prober.duplicate_vantages(), 0, "the probe's own requests fenced it");
    prober.clear();
    prober.until(40).await;
    assert!(prober.failures(2).is_empty(), "{:?}", prober.failures(2));
    assert_eq!(prober.cluster.open_transactions(), 0);
    prober.assert_all_good(1, 38);
    prober.assert_all_good(3, 38);
}

#[tokio::test(start_paused = true)]
async fn refused_write_has_the_error_name_of_kafka_and_its_transaction_is_aborted() {
    let mut prober = prober();
    let refused = KafkaError::NOT_LEADER_OR_FOLLOWER;
    prober.until(3).await;
    prober.cluster.refuse(3, Verb::Produce, refused);
    prober.until(10).await;
    assert!(only(&prober.failures(3), Fault::Kafka(refused)), "{:?}", prober.failures(3));
    prober.cluster.accept(3, Verb::Produce);
    prober.until(12).await;
    assert_eq!(prober.cluster.open_transactions(), 0);
    prober.clear();
    prober.until(20).await;
    assert!(prober.failures(3).is_empty());
}

#[tokio::test(start_paused = true)]
async fn id_that_another_process_fenced_is_reported_and_not_used_for_a_minute() {
    let mut prober = prober();
    prober.until(5).await;
    prober.cluster.fence_transactional_ids();
    prober.until(60).await;
    // Each of the six ids is fenced once and then pauses, so that the two processes do not fence each other.
    assert_eq!(prober.duplicate_vantages(), 6);
    let failures = prober.failures(1);
    let fenced = |fault: &Fault| matches!(fault, Fault::Kafka(error) if error.is_fencing());
    assert!(!failures.is_empty() && failures.iter().all(fenced), "{failures:?}");
    assert_eq!(prober.cluster.requests(1, Verb::InitProducerId), 2);
    // After a minute the ids are taken back.
    prober.until(70).await;
    prober.clear();
    prober.until(80).await;
    assert!(prober.failures(1).is_empty());
}

#[tokio::test(start_paused = true)]
async fn moved_coordinator_is_probed_at_its_new_broker() {
    let mut prober = prober();
    prober.until(5).await;
    prober.cluster.move_coordinator(0, 2);
    prober.until(20).await;
    let failures = prober.failures(1);
    assert!(only(&failures, Fault::Kafka(KafkaError::NOT_COORDINATOR)) && failures.len() <= 2, "{failures:?}");
    prober.clear();
    prober.until(30).await;
    (1..=3).for_each(|broker| assert!(prober.failures(broker).is_empty(), "broker {broker}"));
}

#[tokio::test(start_paused = true)]
async fn missing_permission_pauses_the_probe_and_names_the_grant() {
    let mut prober = prober();
    // TRANSACTIONAL_ID_AUTHORIZATION_FAILED.
    let denied = KafkaError(53);
    (1..=3).for_each(|broker| prober.cluster.refuse(broker, Verb::InitProducerId, denied));
    prober.until(60).await;
    let blocked = prober.blocked().expect("a message");
    assert!(blocked.starts_with("grant WRITE on transactional ids that begin with kafka-prober-sim"), "{blocked}");
    let requests = prober.cluster.requests(1, Verb::InitProducerId);
    assert!((2..=10).contains(&requests), "{requests} requests");
    (1..=3).for_each(|broker| prober.cluster.accept(broker, Verb::InitProducerId));
    prober.until(100).await;
    assert_eq!(prober.blocked(), None);
    assert_ne!(prober.counts(1).of(Outcome::Good), 0);
}
