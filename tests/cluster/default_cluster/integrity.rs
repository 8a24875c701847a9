//! Restarts, a second vantage, and topics that are deleted and created again are not counted as lost or duplicate records.

use std::time::Duration;

use crate::harness::{raw, shared_cluster, wait_for, wait_until};
use crate::support::{ANOMALIES, REPLICATED, RunningProber, Status, TOPIC, create_lane_topics};

/// No anomaly is counted where no record was lost, duplicated or damaged.
#[track_caller]
fn assert_no_anomaly(status: &Status, context: &str) {
    for view in [status, &status.client()] {
        for anomaly in ANOMALIES {
            assert_eq!(view.anomaly(anomaly), 0, "{anomaly}, {context}");
        }
    }
    assert_eq!(status.number("/prober/imbalances"), 0.0);
}

/// Whether every broker has at least `more` good round trips since an earlier status, in both views.
fn has_more_good(now: &Status, then: &Status, more: u64) -> bool {
    let good = |status: &Status, broker| status.outcome(broker, "end_to_end", "good");
    [(now, then), (&now.client(), &then.client())]
        .into_iter()
        .all(|(now, then)| [1, 2, 3].into_iter().all(|broker| good(then, broker) + more <= good(now, broker)))
}

#[test]
fn restarts_and_a_second_vantage_cause_no_anomaly() {
    let Some(cluster) = shared_cluster() else { return };
    create_lane_topics(&cluster);
    let bootstrap = cluster.bootstrap();
    // A short interval, so that records are in flight when the prober is killed.
    let quick =
        [("KAFKA_PROBER__LANES__PINNED__INTERVAL", "20ms"), ("KAFKA_PROBER__LANES__REPLICATED__INTERVAL", "20ms")];
    for run in 1..=10 {
        let mut probing = RunningProber::start(&bootstrap, None, &[], &quick);
        let mut beside = (run % 2 == 0).then(|| RunningProber::start(&bootstrap, None, &["--vantage", "west"], &quick));
        for one in [Some(&probing), beside.as_ref()].into_iter().flatten() {
            let status = one.wait_good(&[1, 2, 3]);
            assert_no_anomaly(&status, &format!("run {run}"));
        }
        if let Some(beside) = &mut beside {
            // The second vantage stops while the first one is probing.
            beside.stop();
            let left = probing.status();
            let later = probing.wait_status(
                Duration::from_secs(20),
                "round trips are good after the second vantage stopped",
                |now| has_more_good(now, &left, 3),
            );
            assert_no_anomaly(&later, &format!("run {run}, after the second vantage stopped"));
        }
        probing.prober.kill();
    }
    let mut last = RunningProber::start(&bootstrap, None, &[], &[]);
    let status = last.wait_good(&[1, 2, 3]);
    assert_no_anomaly(&status, "the last run");
    assert_eq!([1, 2, 3].map(|broker| status.bad(broker) + status.client().bad(broker)), [0, 0, 0]);
    last.stop();
}

#[test]
fn recreated_topics_cause_no_anomaly() {
    let Some(cluster) = shared_cluster() else { return };
    create_lane_topics(&cluster);
    let address = cluster.any_internal_address();
    let mut probing = RunningProber::start(&cluster.bootstrap(), None, &[], &[]);
    let before = probing.wait_good(&[1, 2, 3]);
    for topic in [TOPIC, REPLICATED] {
        raw::delete_topic(address, topic).expect("the topic is deleted");
        wait_until(Duration::from_secs(10), "the topic is gone", || {
            raw::metadata(address, &[topic]).is_ok_and(|seen| seen.partition(topic, 0).is_none())
        });
    }
    // The prober notices that they are gone and creates them again.
    for topic in [TOPIC, REPLICATED] {
        wait_for(Duration::from_secs(40), "the topic exists again", || {
            let seen = raw::metadata(address, &[topic]).ok()?;
            (0..3).all(|index| seen.partition(topic, index).is_some_and(|found| 0 <= found.leader)).then_some(())
        });
    }
    let after = probing.wait_status(Duration::from_secs(60), "round trips are good again in both views", |status| {
        has_more_good(status, &before, 10)
    });
    for view in [&after, &after.client()] {
        for anomaly in ["lost", "duplicate", "corrupt", "foreign"] {
            assert_eq!(view.anomaly(anomaly), 0, "{anomaly}: {}", probing.prober.stderr());
        }
    }
    assert_eq!(after.number("/prober/imbalances"), 0.0);
    probing.stop();
}
