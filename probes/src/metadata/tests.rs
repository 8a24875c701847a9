//! `metadata` against the simulated cluster.

use std::time::Duration;

use prober_core::event::Outcome;
use prober_core::ids::{BrokerId, Probe};
use prober_core::staleness::STALE_AFTER;

use super::*;
use crate::sim::prober::SimProber;

fn prober() -> SimProber {
    SimProber::new(Probe::Metadata, 5, Duration::from_secs(2))
}

#[tokio::test(start_paused = true)]
async fn brokers_that_agree_are_good() {
    let mut prober = prober();
    prober.until(20).await;
    (1..=5).for_each(|broker| prober.assert_all_good(broker, 18));
}

#[tokio::test(start_paused = true)]
async fn broker_with_outdated_metadata_is_stale_after_five_seconds_until_it_catches_up() {
    let mut prober = prober();
    prober.until(5).await;
    prober.cluster.isolate_from_controllers(2);
    prober.cluster.kill(5);
    prober.until(5 + STALE_AFTER.as_secs() - 1).await;
    prober.assert_all_good(2, 5);
    prober.until(20).await;
    let stale = prober.failures(2);
    assert!(7 <= stale.len() && stale.iter().all(|fault| *fault == Fault::Stale), "{stale:?}");
    // The brokers that noticed are not blamed, and the dead one is not stale.
    for broker in [1, 3, 4] {
        prober.assert_all_good(broker, 18);
    }
    assert!(prober.failures(5).iter().all(|fault| *fault == Fault::ConnectionRefused));
    prober.cluster.rejoin(2);
    prober.until(22).await;
    prober.clear();
    prober.until(30).await;
    prober.assert_all_good(2, 20);
    assert!(prober.failures(2).is_empty());
}

#[tokio::test(start_paused = true)]
async fn frozen_broker_times_out_and_recovers() {
    let mut prober = prober();
    prober.cluster.freeze(3);
    prober.until(10).await;
    let timeouts = prober.counts(3).of(Outcome::Timeout);
    assert!((7..=9).contains(&timeouts), "{timeouts}");
    prober.cluster.thaw(3);
    prober.until(12).await;
    prober.clear();
    prober.until(20).await;
    assert!(prober.failures(3).is_empty());
    prober.assert_all_good(1, 18);
}

#[tokio::test(start_paused = true)]
async fn targets_are_all_brokers_with_an_address() {
    let mut prober = prober();
    prober.until(2).await;
    for broker in 1..=5 {
        assert_ne!(prober.counts_of(Broker::Id(BrokerId(broker))).due, 0, "broker {broker}");
    }
}
