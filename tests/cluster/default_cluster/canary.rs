//! The canary topic: a leftover of a crash is deleted first, and the time is measured until every broker shows the new topic, and
//! its deletion.

use std::time::Duration;

use serde_json::Value;

use crate::harness::{raw, shared_cluster, wait_until};
use crate::support::{CANARY, CLUSTER, RunningProber, Status};

#[test]
fn canary_is_seen_on_every_broker_and_leaves_nothing_behind() {
    let Some(cluster) = shared_cluster() else { return };
    let address = cluster.any_internal_address();
    // A leftover, as of a prober that died between create and delete.
    raw::create_topic(address, CANARY, &[vec![1]], &[]).expect("the topic is created");
    let on = [
        ("KAFKA_PROBER__PROBES__CONTROLLER__CANARY", "true"),
        ("KAFKA_PROBER__PROBES__CONTROLLER__CANARY_INTERVAL", "10s"),
    ];
    let mut probing = RunningProber::start(&cluster.bootstrap(), None, &[], &on);
    let seen = probing.wait_status(
        Duration::from_secs(60),
        "two canaries were created and deleted on every broker",
        |status| 2 <= action(status, "canary_gone", "done"),
    );
    let created = action(&seen, "canary_create", "done");
    assert_eq!(action(&seen, "canary_visible", "done"), created, "every broker showed each");
    assert!(created < action(&seen, "canary_delete", "done"), "the leftover was deleted too");
    for phase in ["create", "delete"] {
        assert!(2 <= passed(&seen, Value::Null, phase), "{phase}, by the controller's answer");
    }
    for broker in [1, 2, 3] {
        for phase in ["visible", "gone"] {
            assert!(2 <= passed(&seen, broker.into(), phase), "{phase} at broker {broker}");
        }
    }
    assert_eq!(seen.cluster().bad_in(CLUSTER, "controller"), 0, "an error that the canary exists is good");
    probing.stop();
    // The prober may have been stopped between create and delete.
    let _ = raw::delete_topic(address, CANARY);
    wait_until(Duration::from_secs(10), "no canary is left", || {
        raw::metadata_of_all(address).is_ok_and(|seen| seen.topic_names().all(|name| name != CANARY))
    });
}

fn action(status: &Status, action: &str, result: &str) -> u64 {
    let actions = status.page("/prober/topic_actions").as_array().into_iter().flatten();
    actions
        .filter(|row| row["action"] == action && row["result"] == result)
        .filter_map(|row| row["count"].as_u64())
        .sum()
}

/// How often a phase was completed at a broker, or in the cluster.
fn passed(status: &Status, broker: Value, phase: &str) -> u64 {
    let phases = status.page("/clusters/0/phases").as_array().into_iter().flatten();
    phases.filter(|row| row["broker"] == broker && row["phase"] == phase).filter_map(|row| row["count"].as_u64()).sum()
}
