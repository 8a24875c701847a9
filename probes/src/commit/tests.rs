//! `commit` against the simulated coordinators.

use prober_core::event::{Event, Outcome, RawOutcome};
use prober_core::ids::{Phase, Probe};
use prober_core::kafka_error::KafkaError;

use super::*;
use crate::port::OFFSETS_TOPIC;
use crate::sim::cluster::Verb;
use crate::sim::prober::SimProber;

const DEADLINE: Duration = Duration::from_secs(4);

fn prober() -> SimProber {
    SimProber::new(Probe::Commit, 3, DEADLINE)
}

fn only(failures: &[Fault], fault: Fault) -> bool {
    !failures.is_empty() && failures.iter().all(|failure| *failure == fault)
}

#[tokio::test(start_paused = true)]
async fn every_coordinator_is_good_and_every_partition_is_probed() {
    let mut prober = prober();
    prober.until(20).await;
    (1..=3).for_each(|broker| prober.assert_all_good(broker, 18));
    // Two partitions on each of three brokers.
    assert_eq!(prober.cluster.groups(), 6);
}

/// The partitions of a broker's events in order, each with whether it is good.
fn partitions(prober: &SimProber, broker: i32) -> Vec<(i32, bool)> {
    let of_broker = prober.events.iter().filter(|event| event.broker == Broker::Id(BrokerId(broker)));
    let one = |event: &Event| {
        let id = event.internal_partition?;
        assert_eq!(id.topic, InternalTopic::ConsumerOffsets);
        Some((id.partition.0, matches!(event.raw_outcome, RawOutcome::Success(_))))
    };
    of_broker.map(|event| one(event).expect("each event has a partition")).collect()
}

#[tokio::test(start_paused = true)]
async fn each_event_has_its_partition_also_without_an_answer() {
    let mut prober = prober();
    prober.until(8).await;
    let good = partitions(&prober, 1);
    assert!(6 <= good.len() && good.iter().all(|(_, is_good)| *is_good), "{good:?}");
    let asked: BTreeSet<i32> = good.iter().map(|(partition, _)| *partition).collect();
    assert_eq!(asked, BTreeSet::from([0, 3]), "both partitions that broker 1 leads");
    prober.cluster.freeze(1);
    prober.clear();
    prober.until(20).await;
    let silent = partitions(&prober, 1);
    assert!(6 <= silent.len() && silent.iter().all(|(_, is_good)| !is_good), "{silent:?}");
}

#[tokio::test(start_paused = true)]
async fn partition_that_fails_is_asked_again_soon_and_then_in_its_ordinary_turn() {
    let mut prober = SimProber::new(Probe::Commit, 1, DEADLINE);
    prober.cluster.set_coordinated(10);
    prober.until(15).await;
    prober.clear();
    prober.cluster.set_loading(7, true);
    prober.until(60).await;
    let asked = partitions(&prober, 1);
    assert!(asked.iter().all(|(partition, is_good)| *is_good != (*partition == 7)), "{asked:?}");
    let failed: Vec<usize> = (0..).zip(&asked).filter(|(_, (_, is_good))| !is_good).map(|(turn, _)| turn).collect();
    let gaps: Vec<usize> = failed.iter().zip(&failed[1..]).map(|(one, next)| next - one).collect();
    assert_eq!(gaps[..3], [2, 2, 10], "three failures within five attempts, then one a round: {failed:?}");
}

#[tokio::test(start_paused = true)]
async fn unresponsive_coordinator_times_out_at_the_deadline_and_metadata_is_refreshed() {
    let mut prober = prober();
    prober.until(5).await;
    prober.cluster.freeze(2);
    prober.until(20).await;
    assert!(only(&prober.failures(2), Fault::Timeout), "{:?}", prober.failures(2));
    prober.assert_all_good(1, 18);
    // Another broker takes over, which the prober notices although broker 2 never answers.
    prober.cluster.move_coordinator(1, 3);
    prober.cluster.move_coordinator(4, 3);
    prober.until(30).await;
    // Broker 2 is no target any more; what was open is void.
    assert!(prober.counts(2).of(Outcome::Void) <= 4);
    prober.clear();
    prober.until(40).await;
    assert!(prober.events.iter().all(|event| event.broker != Broker::Id(BrokerId(2))));
    prober.assert_all_good(3, 36);
}

#[tokio::test(start_paused = true)]
async fn moved_coordinator_is_one_error_and_is_then_probed_at_its_new_broker() {
    let mut prober = prober();
    prober.until(5).await;
    prober.cluster.move_coordinator(0, 2);
    prober.cluster.move_coordinator(3, 2);
    prober.until(20).await;
    let failures = prober.failures(1);
    assert!(only(&failures, Fault::Kafka(KafkaError::NOT_COORDINATOR)) && failures.len() <= 2, "{failures:?}");
    prober.assert_all_good(2, 18);
}

#[tokio::test(start_paused = true)]
async fn commit_that_is_acknowledged_and_not_stored_is_a_mismatch() {
    let mut prober = prober();
    prober.cluster.set_lose_commits(true);
    prober.until(10).await;
    assert!(only(&prober.failures(1), Fault::Mismatch), "{:?}", prober.failures(1));
    prober.cluster.set_lose_commits(false);
    prober.until(11).await;
    prober.clear();
    prober.until(20).await;
    assert!(prober.failures(1).is_empty());
}

#[tokio::test(start_paused = true)]
async fn offset_of_another_process_is_good_and_reports_a_duplicate_vantage() {
    let mut prober = prober();
    prober.cluster.slow(1, Duration::from_millis(100));
    prober.until(5).await;
    assert_eq!(prober.duplicate_vantages(), 0);
    prober.cluster.set_lose_commits(true);
    prober.cluster.commit_as_another_process();
    prober.until(10).await;
    assert_ne!(prober.duplicate_vantages(), 0);
    prober.assert_all_good(1, 8);
}

#[tokio::test(start_paused = true)]
async fn time_of_loading_is_measured_from_the_first_response_to_the_end() {
    let mut prober = prober();
    prober.until(5).await;
    prober.cluster.set_loading(0, true);
    prober.cluster.set_loading(3, true);
    prober.until(12).await;
    let failures = prober.failures(1);
    assert!(only(&failures, Fault::Kafka(KafkaError::COORDINATOR_LOAD_IN_PROGRESS)), "{failures:?}");
    prober.cluster.set_loading(0, false);
    prober.cluster.set_loading(3, false);
    prober.until(13).await;
    let loads = prober.phases(Phase::Load);
    assert_eq!(loads.len(), 2, "{loads:?}");
    assert!(loads.iter().all(|(_, took)| (4..=8).contains(&took.as_secs())), "{loads:?}");
    prober.clear();
    prober.until(20).await;
    assert!(prober.failures(1).is_empty());
}

#[tokio::test(start_paused = true)]
async fn missing_permission_pauses_the_probe_and_names_the_grant_until_it_is_given() {
    let mut prober = prober();
    // GROUP_AUTHORIZATION_FAILED.
    let denied = KafkaError(30);
    (1..=3).for_each(|broker| prober.cluster.refuse(broker, Verb::CommitOffset, denied));
    prober.until(60).await;
    let blocked = prober.blocked().expect("a message");
    assert!(blocked.starts_with("grant READ on groups that begin with kafka-prober-sim"), "{blocked}");
    // One attempt in ten seconds and more, instead of one a second.
    let requests = prober.cluster.requests(1, Verb::CommitOffset);
    assert!((2..=10).contains(&requests), "{requests} requests");
    (1..=3).for_each(|broker| prober.cluster.accept(broker, Verb::CommitOffset));
    prober.until(100).await;
    assert_eq!(prober.blocked(), None);
    prober.clear();
    prober.until(110).await;
    assert!(prober.failures(1).is_empty());
    assert!(9 <= prober.events.iter().filter(|event| event.broker == Broker::Id(BrokerId(1))).count());
}

#[tokio::test(start_paused = true)]
async fn missing_permission_on_the_pinned_topic_names_the_topic() {
    let mut prober = prober();
    for broker in 1..=3 {
        prober.cluster.refuse(broker, Verb::CommitOffset, KafkaError::TOPIC_AUTHORIZATION_FAILED);
    }
    prober.until(5).await;
    let blocked = prober.blocked().expect("a message");
    assert_eq!(blocked, "grant READ and WRITE on topic pinned: refused with TOPIC_AUTHORIZATION_FAILED");
}

#[tokio::test(start_paused = true)]
async fn probe_that_may_not_describe_the_internal_topic_is_reported_as_blocked() {
    let mut prober = prober();
    prober.cluster.set_may_describe(OFFSETS_TOPIC, false);
    prober.until(5).await;
    let blocked = prober.blocked().expect("a message");
    assert!(blocked.starts_with("grant DESCRIBE on topic __consumer_offsets"), "{blocked}");
    prober.cluster.set_may_describe(OFFSETS_TOPIC, true);
    prober.until(7).await;
    assert_eq!(prober.blocked(), None);
    prober.until(15).await;
    prober.assert_all_good(1, 7);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_committed_before_the_pinned_topic_is_known_to_be_the_probers() {
    use crate::port::{LaneInput, Layout};
    let mut prober = prober();
    let refused = LaneInput::Layout { at: Time::ORIGIN, layout: Layout::Refused };
    prober.log_end_offsets.on_lane_input(&refused);
    prober.until(10).await;
    assert_eq!((prober.events.len(), prober.cluster.groups()), (0, 0));
}
