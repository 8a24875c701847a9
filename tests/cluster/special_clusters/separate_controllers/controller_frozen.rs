//! The active controller is stopped (SIGSTOP) for 35 s. Another one is elected within seconds, but each broker's channel waits
//! for the old one for up to 30 s (docs/kafka-facts.md, K17): requests to the controller fail, and no record is affected.

use std::time::{Duration, Instant};

use super::options;
use crate::harness::{raw, shared_cluster_with, wait_for};
use crate::support::{CLUSTER, DIRECT, PROBES, RunningProber, Status, create_lane_topics, elapse};

const FROZEN: Duration = Duration::from_secs(35);

/// Time limit of the count on the page: the default interval of `controller`, its deadline for two brokers, and 1 s.
const COUNTED_WITHIN: Duration = Duration::from_millis(10_000 + 4_000 + 1_000);

#[test]
fn frozen_controller_is_bad_for_the_cluster_and_for_no_broker() {
    let Some(cluster) = shared_cluster_with(options()) else { return };
    create_lane_topics(&cluster);
    let mut probing = RunningProber::start(&cluster.bootstrap(), None, &[], &[]);
    probing.wait_good(&[1, 2, 3]);
    let calm = probing.wait_status(Duration::from_secs(20), "the controller has answered", |status| {
        0 < status.cluster().outcome(CLUSTER, "controller", "good")
    });
    assert_eq!(bad(&calm), 0, "{}", probing.prober.stderr());

    let active = cluster.active_controller();
    active.freeze();
    let frozen_at = Instant::now();
    let mut counted_at = None;
    while frozen_at.elapsed() < FROZEN {
        assert!(cluster.all_listed(), "no broker is fenced, as the test assumes");
        let status = probing.status();
        counted_at = counted_at.or((bad(&calm) < bad(&status)).then_some(status.at));
        elapse(Duration::from_millis(200));
    }
    let during = probing.status();
    active.thaw();
    let thawed_at = Instant::now();
    probing.wait_status(Duration::from_secs(60), "the controller is good again", |status| {
        status.cluster().good_at(CLUSTER, "controller").is_some_and(|at| thawed_at < at)
    });
    let elected = wait_for(Duration::from_secs(30), "there is an active controller", || {
        raw::active_controller(cluster.any_internal_address()).ok()
    });
    let end = probing.status();

    let counted_after = counted_at.expect("a controller attempt has failed").duration_since(frozen_at);
    eprintln!("controller failed {counted_after:?} after the freeze; {} bad in {FROZEN:?}", bad(&during));
    assert!(counted_after <= COUNTED_WITHIN, "{counted_after:?}");
    assert_ne!(elected, active.id(), "another one was elected");
    for broker in [1, 2, 3] {
        assert_eq!(end.bad(broker), 0, "broker {broker} is not bad: {}", probing.prober.stderr());
        assert_eq!(end.client().bad(broker), 0, "the client view is not affected: {}", probing.prober.stderr());
        assert_eq!(during.state(broker), Some("ok"));
        for probe in PROBES.iter().chain(&DIRECT) {
            assert!(calm.outcome(broker, probe, "good") < during.outcome(broker, probe, "good"), "{probe}");
        }
        for probe in PROBES {
            let good_events = [&calm, &during].map(|status| status.client().outcome(broker, probe, "good"));
            assert!(good_events[0] + 60 <= good_events[1], "{probe} of the client view, two a second: {good_events:?}");
        }
    }
    end.assert_balances();
    probing.assert_no_broker_named();
    probing.stop();
}

fn bad(status: &Status) -> u64 {
    status.cluster().bad_in(CLUSTER, "controller")
}
