//! `fetch` against the simulated cluster, and its judgement of single responses.

use bytes::Bytes;
use prober_core::event::{Outcome, RawOutcome};
use prober_core::ids::Probe;

use super::*;
use crate::port::ProbeInput;
use crate::port::requests::Refusal;
use crate::sim::cluster::Verb;
use crate::sim::prober::{INTERVAL, SimProber};

const DEADLINE: Duration = Duration::from_secs(2);

fn prober() -> SimProber {
    SimProber::new(Probe::Fetch, 3, DEADLINE)
}

fn response(error: Refusal, records: Vec<FetchedRecord>) -> Fetched {
    Fetched { error, last_stable: -1, records }
}

#[test]
fn record_is_good_whoever_wrote_it() {
    let record = FetchedRecord::Read { offset: 9, value: Bytes::from_static(b"another program's") };
    assert_eq!(judge(&response(None, vec![record])), Ok(()));
    assert_eq!(judge(&response(None, vec![FetchedRecord::Unreadable])), Ok(()));
}

#[test]
fn empty_response_without_an_error_is_good() {
    assert_eq!(judge(&response(None, Vec::new())), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn healthy_brokers_are_good_and_the_offset_is_listed_once() {
    let mut prober = prober();
    prober.until(30).await;
    for broker in 1..=3 {
        prober.assert_all_good(broker, 27);
        // The earliest and the latest offset.
        assert_eq!(prober.cluster.requests(broker, Verb::ListOffset), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_frozen_broker_times_out_and_it_recovers() {
    let mut prober = prober();
    prober.until(5).await;
    prober.cluster.freeze(2);
    prober.until(25).await;
    prober.cluster.thaw(2);
    prober.until(30).await;
    let timeouts = prober.counts(2).of(Outcome::Timeout);
    // Due in 20 s, less those that were answered in time when the broker resumed.
    assert!((18..=20).contains(&timeouts), "{timeouts}");
    let timed_out = prober.events.iter().filter(|event| event.raw_outcome == RawOutcome::TimedOut);
    assert!(timed_out.into_iter().all(|event| event.sent.is_some_and(|sent| sent + DEADLINE == event.ended)));
    prober.assert_all_good(1, 27);
    prober.assert_all_good(3, 27);
    prober.clear();
    prober.until(40).await;
    prober.assert_all_good(2, 18);
}

#[tokio::test(start_paused = true)]
async fn refusal_has_the_error_name_of_kafka() {
    let mut prober = prober();
    prober.cluster.refuse(1, Verb::Fetch, KafkaError::NOT_LEADER_OR_FOLLOWER);
    prober.until(10).await;
    let failures = prober.failures(1);
    assert!(7 <= failures.len(), "{failures:?}");
    assert!(failures.iter().all(|fault| *fault == Fault::Kafka(KafkaError::NOT_LEADER_OR_FOLLOWER)), "{failures:?}");
    prober.assert_all_good(2, 7);
}

#[tokio::test(start_paused = true)]
async fn killed_broker_refuses_connections_and_recovers() {
    let mut prober = prober();
    prober.cluster.kill(3);
    prober.until(10).await;
    let failures = prober.failures(3);
    assert!(!failures.is_empty() && failures.iter().all(|fault| *fault == Fault::ConnectionRefused), "{failures:?}");
    prober.cluster.start(3);
    prober.until(11).await;
    prober.clear();
    prober.until(20).await;
    prober.assert_all_good(3, 20 - 11 - 1);
}

#[tokio::test(start_paused = true)]
async fn slow_broker_is_slow() {
    let mut prober = prober();
    prober.until(5).await;
    prober.cluster.slow(1, Duration::from_millis(1100));
    prober.until(20).await;
    let counts = prober.counts(1);
    assert!(12 <= counts.of(Outcome::Slow) && counts.of(Outcome::Timeout) == 0, "{counts:?}");
    prober.assert_all_good(2, 18);
    prober.cluster.speed_up(1);
    prober.until(23).await;
    prober.clear();
    prober.until(30).await;
    assert!(
        prober.events.iter().all(|event| matches!(event.raw_outcome, RawOutcome::Success(took) if took < INTERVAL))
    );
}

#[tokio::test(start_paused = true)]
async fn record_that_retention_deleted_is_replaced_by_a_newer_one() {
    let mut prober = prober();
    prober.until(5).await;
    prober.cluster.delete_records(2);
    prober.until(20).await;
    prober.assert_all_good(2, 17);
    assert_eq!(prober.cluster.requests(2, Verb::ListOffset), 4);
}

#[tokio::test(start_paused = true)]
async fn damaged_record_is_corrupt() {
    let mut prober = prober();
    prober.cluster.damage_newest_record(2);
    prober.until(5).await;
    let failures = prober.failures(2);
    assert!(!failures.is_empty() && failures.iter().all(|fault| *fault == Fault::Corrupt), "{failures:?}");
    prober.assert_all_good(1, 3);
}

#[tokio::test(start_paused = true)]
async fn targets_are_the_brokers_with_a_pinned_partition() {
    let mut prober = prober();
    prober.until(1).await;
    let targets = prober.reported.iter().find_map(|input| match input {
        ProbeInput::Targets { brokers, .. } => Some(brokers.clone()),
        _ => None,
    });
    assert_eq!(targets, Some((1..=3).map(|id| Broker::Id(BrokerId(id))).collect()));
}
