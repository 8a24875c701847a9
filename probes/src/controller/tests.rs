//! `controller` and its canary against the simulated controller.

use prober_core::event::Outcome;
use prober_core::ids::Phase;

use super::*;
use crate::sim::cluster::Verb;
use crate::sim::prober::{CANARY_TOPIC, SimProber};

/// Two seconds for each of two brokers.
const DEADLINE: Duration = Duration::from_secs(4);

fn prober() -> SimProber {
    SimProber::new(Probe::Controller, 3, DEADLINE)
}

fn channel_failures(prober: &SimProber) -> Vec<BrokerId> {
    let failed = prober.reported.iter().filter_map(|input| match input {
        ProbeInput::ChannelFailed { broker } => Some(*broker),
        _ => None,
    });
    failed.collect()
}

#[tokio::test(start_paused = true)]
async fn brokers_forward_in_turn_and_nothing_is_created() {
    let mut prober = prober();
    prober.until(30).await;
    let counts = prober.counts_of(Broker::Cluster);
    assert!(28 <= counts.of(Outcome::Good) && prober.failures_of(Broker::Cluster).is_empty(), "{counts:?}");
    for broker in 1..=3 {
        assert!((9..=11).contains(&prober.cluster.requests(broker, Verb::CreateTopics)));
    }
    assert!(!prober.cluster.topic_exists(CANARY_TOPIC));
}

#[tokio::test(start_paused = true)]
async fn broker_that_cannot_forward_is_reported_and_a_second_broker_is_asked() {
    let mut prober = prober();
    prober.cluster.set_forwarding(2, false);
    prober.until(30).await;
    assert!(prober.failures_of(Broker::Cluster).is_empty(), "{:?}", prober.failures_of(Broker::Cluster));
    let failures = channel_failures(&prober);
    assert!(8 <= failures.len() && failures.iter().all(|broker| *broker == BrokerId(2)), "{failures:?}");
    prober.cluster.set_forwarding(2, true);
    prober.until(34).await;
    prober.clear();
    prober.until(50).await;
    assert!(channel_failures(&prober).is_empty());
}

#[tokio::test(start_paused = true)]
async fn unresponsive_controller_is_a_failure_of_the_cluster_and_of_no_broker() {
    let mut prober = prober();
    prober.until(5).await;
    prober.cluster.set_controller_answers(false);
    prober.until(25).await;
    let failures = prober.failures_of(Broker::Cluster);
    assert!(14 <= failures.len() && failures.iter().all(|fault| *fault == Fault::Timeout), "{failures:?}");
    assert!(channel_failures(&prober).is_empty());
    prober.cluster.set_controller_answers(true);
    prober.until(30).await;
    prober.clear();
    prober.until(40).await;
    assert!(prober.failures_of(Broker::Cluster).is_empty());
}

#[tokio::test(start_paused = true)]
async fn killed_broker_causes_no_failure_while_another_forwards() {
    let mut prober = prober();
    prober.cluster.kill(1);
    prober.until(20).await;
    assert!(prober.failures_of(Broker::Cluster).is_empty());
    // There was no connection, so the request never reached the broker: that is no failed forwarding.
    assert!(channel_failures(&prober).is_empty());
}

#[tokio::test(start_paused = true)]
async fn error_that_the_topic_exists_is_good() {
    let mut prober = prober();
    (1..=3).for_each(|broker| prober.cluster.refuse(broker, Verb::CreateTopics, KafkaError::TOPIC_ALREADY_EXISTS));
    prober.until(10).await;
    assert!(prober.failures_of(Broker::Cluster).is_empty());
}

#[tokio::test(start_paused = true)]
async fn missing_permission_pauses_the_probe_and_names_the_grant_until_it_is_given() {
    let mut prober = prober();
    let denied = KafkaError::TOPIC_AUTHORIZATION_FAILED;
    (1..=3).for_each(|broker| prober.cluster.refuse(broker, Verb::CreateTopics, denied));
    prober.until(60).await;
    let failures = prober.failures_of(Broker::Cluster);
    assert!((2..=6).contains(&failures.len()) && failures.iter().all(|fault| *fault == Fault::Kafka(denied)));
    let blocked = prober.blocked().expect("a message");
    assert!(blocked.starts_with("grant CREATE on topic canary"), "{blocked}");
    (1..=3).for_each(|broker| prober.cluster.accept(broker, Verb::CreateTopics));
    prober.until(100).await;
    assert_eq!(prober.blocked(), None);
}

#[tokio::test(start_paused = true)]
async fn canary_is_created_seen_on_every_broker_and_deleted() {
    let settings = CanarySettings { interval: Duration::from_secs(10) };
    let mut prober = SimProber::with_canary(Probe::Controller, 3, DEADLINE, Some(settings));
    // The first tick deletes what a crash may have left behind.
    prober.until(25).await;
    for (phase, reports) in [(Phase::Create, 2), (Phase::Delete, 2), (Phase::Visible, 6), (Phase::Gone, 6)] {
        assert_eq!(prober.phases(phase).len(), reports, "{phase:?}");
    }
    assert!(!prober.cluster.topic_exists(CANARY_TOPIC));
    let actions = prober.reported.iter().filter_map(|input| match input {
        ProbeInput::Action { action, result } => Some((*action, *result)),
        _ => None,
    });
    assert!(actions.into_iter().all(|(_, result)| result == "done"));
}

#[tokio::test(start_paused = true)]
async fn canary_that_could_not_be_deleted_is_deleted_before_another_is_created() {
    let settings = CanarySettings { interval: Duration::from_secs(10) };
    let mut prober = SimProber::with_canary(Probe::Controller, 3, DEADLINE, Some(settings));
    prober.until(5).await;
    let refused = KafkaError(-1);
    (1..=3).for_each(|broker| prober.cluster.refuse(broker, Verb::DeleteTopics, refused));
    prober.until(15).await;
    let created = prober.phases(Phase::Create).len();
    assert_eq!(created, 1);
    prober.until(35).await;
    assert_eq!(prober.phases(Phase::Create).len(), created, "created again although the last one is left");
    (1..=3).for_each(|broker| prober.cluster.accept(broker, Verb::DeleteTopics));
    prober.until(55).await;
    assert!(created < prober.phases(Phase::Create).len());
}
