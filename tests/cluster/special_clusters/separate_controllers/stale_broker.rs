//! One broker is cut off from the controllers while clients and the other brokers reach it. It is fenced after 9 s, does not
//! learn that, and keeps serving its old metadata (docs/kafka-facts.md, K4).

use std::time::{Duration, Instant};

use super::options;
use crate::harness::{Cluster, raw, shared_cluster_with, wait_until};
use crate::support::{RunningProber, elapse};

/// 9 s after its last heartbeat.
const FENCED_WITHIN: Duration = Duration::from_secs(30);

/// Behind for more than 5 s, seen by a probe every second.
const SAID_WITHIN: Duration = Duration::from_secs(10);

const WATCHED: Duration = Duration::from_secs(5);

#[test]
fn broker_that_does_not_hear_the_controllers_is_stale_and_alone() {
    let Some(cluster) = shared_cluster_with(options()) else { return };
    let mut probing = RunningProber::start(&cluster.bootstrap(), None, &[], &[]);
    probing.wait_good(&[1, 2, 3]);
    let calm = probing.wait_status(Duration::from_secs(15), "every broker has shown its metadata", |status| {
        [1, 2, 3].iter().all(|broker| 3 <= status.outcome(*broker, "metadata", "good"))
    });
    assert_eq!([1, 2, 3].map(|broker| calm.bad(broker)), [0; 3], "{}", probing.prober.stderr());

    cluster.cut_off();
    wait_until(FENCED_WITHIN, "the others have heard that broker 3 is fenced", || {
        [1, 2].iter().all(|broker| listed(&cluster, *broker) == [1, 2])
    });
    let fenced_at = Instant::now();
    let stale =
        probing.wait_status(2 * SAID_WITHIN, "broker 3 is stale", |status| 0 < status.errors(3, "metadata", "stale"));
    let said = stale.at.duration_since(fenced_at);
    eprintln!("stale {said:?} after the fencing");
    elapse(WATCHED);
    let during = probing.status();
    let believed = listed(&cluster, 3);

    cluster.reconnect();
    wait_until(FENCED_WITHIN, "broker 3 is back", || cluster.all_listed());
    let back_at = Instant::now();
    probing.wait_status(Duration::from_secs(30), "broker 3 shows what the others show", |status| {
        status.good_at(3, "metadata").is_some_and(|at| back_at < at) && status.state(3) == Some("ok")
    });
    let end = probing.status();

    assert!(said <= SAID_WITHIN, "{said:?}");
    assert_eq!(believed, [1, 2, 3], "it answers, with a picture of the past: the test shows what it says");
    assert_eq!(during.state(3), Some("failing"), "whoever answers is not absent, and it is not well");
    let stale = during.errors(3, "metadata", "stale");
    assert!(3 <= stale, "{stale} of one a second for {WATCHED:?}");
    for broker in [1, 2] {
        assert_eq!(end.bad(broker), 0, "broker {broker} is not blamed: {}", probing.prober.stderr());
        assert_eq!(during.state(broker), Some("ok"));
    }
    let good_events = during.outcome(3, "fetch", "good") - calm.outcome(3, "fetch", "good");
    assert!(15 <= good_events, "fetch alone would have called it well: {good_events} good");
    assert_eq!((end.anomaly("lost"), end.client().anomaly("lost")), (0, 0));
    end.assert_balances();
    probing.assert_only_found(3, &["broker_stale"]);
    probing.stop();
}

/// The ids of the brokers that one broker lists.
fn listed(cluster: &Cluster, broker: i32) -> Vec<i32> {
    let seen = raw::metadata(cluster.broker(broker).internal_address(), &[]).unwrap_or_default();
    let mut ids: Vec<i32> = seen.brokers.iter().map(|broker| broker.id).collect();
    ids.sort_unstable();
    ids
}
