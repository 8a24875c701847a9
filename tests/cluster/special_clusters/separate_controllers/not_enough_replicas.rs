//! Two of three brokers are killed. The live one is healthy and has to refuse writes with acks=all, since the replicated topic
//! needs two replicas in sync.

use std::time::Duration;

use super::options;
use crate::harness::{raw, shared_cluster_with, wait_until};
use crate::support::{REPLICATED, RunningProber, Status, create_lane_topics, elapse};

/// The controllers fence a broker 9 s after its last heartbeat.
const FENCED_WITHIN: Duration = Duration::from_secs(30);

/// The partition whose preferred leader is the survivor.
const SURVIVOR: i32 = 1;

#[test]
fn writes_without_enough_replicas_do_not_blame_the_live_broker() {
    let Some(cluster) = shared_cluster_with(options()) else { return };
    create_lane_topics(&cluster);
    let mut probing = RunningProber::start(&cluster.bootstrap(), None, &[], &[]);
    let before = probing.wait_good(&[1, 2, 3]);
    assert_eq!([1, 2, 3].map(|broker| before.client().bad(broker)), [0; 3], "{}", probing.prober.stderr());

    cluster.broker(2).kill();
    cluster.broker(3).kill();
    let survivor = cluster.broker(SURVIVOR).internal_address();
    wait_until(FENCED_WITHIN, "broker 1 leads all partitions as their only in-sync replica", || {
        let seen = raw::metadata(survivor, &[REPLICATED]).unwrap_or_default();
        let alone = |index| seen.partition(REPLICATED, index).is_some_and(|p| p.leader == SURVIVOR && p.isr == [1]);
        (0..3).all(alone)
    });
    let alone = probing.status();
    let refused = probing.wait_status(Duration::from_secs(30), "every partition refuses records", |status| {
        [1, 2, 3]
            .iter()
            .all(|broker| alone.client().bad_in(*broker, "produce") + 10 <= status.client().bad_in(*broker, "produce"))
    });
    elapse(Duration::from_secs(10));
    let end = probing.status();

    // Until the dead brokers are fenced the leader waits for them; then it refuses. librdkafka retries until the deadline and
    // reports no reason, so the prober asks the leader.
    for broker in [1, 2, 3] {
        let why = |at: &Status, error_type| at.client().errors(broker, "produce", error_type);
        let of = |error_type| why(&end, error_type) - why(&refused, error_type);
        let refusals = of("NOT_ENOUGH_REPLICAS");
        assert!(15 <= refusals, "{refusals} NOT_ENOUGH_REPLICAS in 10 s, in partition {broker}, two attempts a second");
        assert_eq!(of("timeout"), 0, "in partition {broker}");
    }
    let good = |at: &Status| at.client().outcome(SURVIVOR, "produce", "good");
    assert_eq!(good(&end), good(&refused), "no record is acked with too few replicas");
    assert_eq!(end.state(SURVIVOR), Some("ok"), "the live broker is ok");
    assert_eq!(end.bad(SURVIVOR), 0, "{}", probing.prober.stderr());
    for (probe, least) in [("fetch", 8), ("metadata", 8), ("produce", 45)] {
        let good_events = end.outcome(SURVIVOR, probe, "good") - alone.outcome(SURVIVOR, probe, "good");
        assert!(least <= good_events, "{probe} at the live broker: {good_events} good");
    }
    for broker in [2, 3] {
        assert!(before.bad(broker) < end.bad(broker), "killed broker {broker} has bad events");
        assert_eq!(end.state(broker), Some("absent"), "broker {broker}");
    }
    assert_eq!((end.anomaly("lost"), end.client().anomaly("lost")), (0, 0));
    end.assert_balances();
    probing.assert_no_broker_named();
    for kind in ["brokers_together", "not_enough_replicas"] {
        assert!(probing.findings_so_far().iter().any(|(found, _)| found == kind), "{:?}", probing.findings_so_far());
    }
    probing.stop();
}
