//! Restarts, a second vantage, and topics that are deleted and created again are not counted as lost or duplicate records.

use std::time::Duration;

use crate::harness::{raw, shared_cluster, wait_for};
use crate::support::{ANOMALIES, REPLICATED, RunningProber, Status, TOPIC};

/// No anomaly is counted where no record was lost, duplicated or damaged.
#[track_caller]
fn assert_nothing_odd(status: &Status, whose: &str) {
    for view in [status, &status.client()] {
        for anomaly in ANOMALIES {
            assert_eq!(view.anomaly(anomaly), 0, "{anomaly}, {whose}");
        }
    }
    assert_eq!(status.number("/prober/imbalances"), 0.0);
}

#[test]
fn killed_probers_and_a_second_vantage_take_nothing_for_lost_or_doubled() {
    let Some(cluster) = shared_cluster() else { return };
    let bootstrap = cluster.bootstrap();
    // A short interval, so that records are in flight when the prober is killed.
    let quick =
        [("KAFKA_PROBER__LANES__PINNED__INTERVAL", "20ms"), ("KAFKA_PROBER__LANES__REPLICATED__INTERVAL", "20ms")];
    for life in 1..=10 {
        let mut probing = RunningProber::start(&bootstrap, None, &[], &quick);
        let mut beside =
            (life % 2 == 0).then(|| RunningProber::start(&bootstrap, None, &["--vantage", "west"], &quick));
        for one in [Some(&probing), beside.as_ref()].into_iter().flatten() {
            let status = one.wait_good(&[1, 2, 3]);
            assert_nothing_odd(&status, &format!("life {life}"));
        }
        if let Some(beside) = &mut beside {
            // It stops while the other is probing.
            beside.stop();
            assert_nothing_odd(&probing.wait_good(&[1, 2, 3]), &format!("life {life}, after the neighbour left"));
        }
        probing.prober.kill();
    }
    let mut last = RunningProber::start(&bootstrap, None, &[], &[]);
    let status = last.wait_good(&[1, 2, 3]);
    assert_nothing_odd(&status, "the last life");
    assert_eq!([1, 2, 3].map(|broker| status.bad(broker) + status.client().bad(broker)), [0, 0, 0]);
    last.stop();
}

#[test]
fn topics_made_anew_under_the_prober_are_nobodys_loss() {
    let Some(cluster) = shared_cluster() else { return };
    let address = cluster.any_internal_address();
    let mut probing = RunningProber::start(&cluster.bootstrap(), None, &[], &[]);
    let before = probing.wait_good(&[1, 2, 3]);
    for topic in [TOPIC, REPLICATED] {
        raw::delete_topic(address, topic).expect("the topic is deleted");
    }
    // The prober notices that they are gone and creates them again.
    for topic in [TOPIC, REPLICATED] {
        wait_for(Duration::from_secs(40), "the topic is there again", || {
            let seen = raw::metadata(address, &[topic]).ok()?;
            (0..3).all(|index| seen.partition(topic, index).is_some_and(|found| 0 <= found.leader)).then_some(())
        });
    }
    let good = |status: &Status, broker| status.outcome(broker, "end_to_end", "good");
    let after = probing.wait_status(Duration::from_secs(60), "round trips are good again in both views", |status| {
        let more = |now: &Status, then: &Status| [1, 2, 3].iter().all(|id| good(then, *id) + 10 <= good(now, *id));
        more(status, &before) && more(&status.client(), &before.client())
    });
    for view in [&after, &after.client()] {
        for anomaly in ["lost", "duplicate", "corrupt", "foreign"] {
            assert_eq!(view.anomaly(anomaly), 0, "{anomaly}: {}", probing.prober.stderr());
        }
    }
    assert_eq!(after.number("/prober/imbalances"), 0.0);
    probing.stop();
}
