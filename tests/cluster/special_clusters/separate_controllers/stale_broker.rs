//! One broker is cut off from the controllers while clients and the other brokers reach it. It is fenced after 9 s, does not
//! learn that, and keeps serving its old metadata (docs/kafka-facts.md, K4).

use std::time::{Duration, Instant};

use super::options;
use crate::harness::{Cluster, raw, shared_cluster_with, wait_until};
use crate::support::{RunningProber, create_lane_topics, elapse};

/// Time limit of its fencing, which happens 9 s after its last heartbeat.
const FENCED_WITHIN: Duration = Duration::from_secs(30);

/// Time limit of the finding that it is stale: its metadata are outdated for 5 s, and it is probed every second.
const STALE_WITHIN: Duration = Duration::from_secs(10);

const MEASURED_FOR: Duration = Duration::from_secs(5);

#[test]
fn only_the_broker_cut_off_from_the_controllers_is_stale() {
    let Some(cluster) = shared_cluster_with(options()) else { return };
    create_lane_topics(&cluster);
    let mut probing = RunningProber::start(&cluster.bootstrap(), None, &[], &[]);
    probing.wait_good(&[1, 2, 3]);
    let calm = probing.wait_status(Duration::from_secs(15), "every broker has shown its metadata", |status| {
        [1, 2, 3].iter().all(|broker| 3 <= status.outcome(*broker, "metadata", "good"))
    });
    assert_eq!([1, 2, 3].map(|broker| calm.bad(broker)), [0; 3], "{}", probing.prober.stderr());

    cluster.cut_off();
    wait_until(FENCED_WITHIN, "the other brokers list broker 3 no longer", || {
        [1, 2].iter().all(|broker| listed(&cluster, *broker) == [1, 2])
    });
    let fenced_at = Instant::now();
    let stale =
        probing.wait_status(2 * STALE_WITHIN, "broker 3 is stale", |status| 0 < status.errors(3, "metadata", "stale"));
    let found_after = stale.at.duration_since(fenced_at);
    eprintln!("stale {found_after:?} after the fencing");
    elapse(MEASURED_FOR);
    let during = probing.status();
    let shown = listed(&cluster, 3);

    cluster.reconnect();
    wait_until(FENCED_WITHIN, "broker 3 is back", || cluster.all_listed());
    let back_at = Instant::now();
    probing.wait_status(Duration::from_secs(30), "broker 3 shows the metadata of the others", |status| {
        status.good_at(3, "metadata").is_some_and(|at| back_at < at) && status.state(3) == Some("ok")
    });
    let end = probing.status();

    assert!(found_after <= STALE_WITHIN, "{found_after:?}");
    assert_eq!(shown, [1, 2, 3], "it answers with outdated metadata, as the test assumes");
    assert_eq!(during.state(3), Some("failing"), "it answers, so it is not absent, and it is not ok");
    let stale = during.errors(3, "metadata", "stale");
    assert!(3 <= stale, "{stale} of one a second for {MEASURED_FOR:?}");
    for broker in [1, 2] {
        assert_eq!(end.bad(broker), 0, "broker {broker} is not bad: {}", probing.prober.stderr());
        assert_eq!(during.state(broker), Some("ok"));
    }
    let good_events = during.outcome(3, "fetch", "good") - calm.outcome(3, "fetch", "good");
    assert!(15 <= good_events, "fetch alone would not have found the fault: {good_events} good");
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
