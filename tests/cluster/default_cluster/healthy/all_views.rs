//! In all views every event is good from the first start on, and every direct probe asks every broker.

use std::time::Duration;

use crate::harness::Cluster;
use crate::harness::otlp::OtlpSink;
use crate::harness::raw::coordination::{CoordinatorType, coordinators};
use crate::support::{
    ANOMALIES, CLUSTER, PROBES, REPLICATED, RunningProber, Status, TOPIC, assert_export_balances, elapse, read_topic,
};

const MEASURED_FOR: Duration = Duration::from_secs(60);

/// Good events of direct probes in that time at default intervals, less those in flight at its ends.
const LEAST: [(&str, u64); 3] = [("fetch", 58), ("metadata", 58), ("connect", 5)];
const LEAST_COMMITS: u64 = 28;
const LEAST_OF_CONTROLLER: u64 = 5;

/// Three times the default thresholds: three JVMs share two cores, and an answer of a coordinator may take a second.
const LONG_THRESHOLDS: [(&str, &str); 2] =
    [("KAFKA_PROBER__PROBES__COMMIT__THRESHOLD", "3s"), ("KAFKA_PROBER__PROBES__TRANSACTION__THRESHOLD", "6s")];

#[track_caller]
pub(super) fn no_event_is_bad_from_first_start_on(cluster: &Cluster) {
    // A broker that an earlier test froze may lead no partition of it.
    let leaders = coordinators(cluster.any_internal_address(), CoordinatorType::Group).expect("a broker answers");
    let leaders: Vec<i32> = leaders.into_iter().collect();
    assert!(!leaders.is_empty(), "__consumer_offsets has a leader");
    let sink = OtlpSink::grpc();
    let mut probing = RunningProber::start(&cluster.bootstrap(), Some(&sink), &[], &LONG_THRESHOLDS);
    let before = probing.wait_good(&[1, 2, 3]);
    elapse(MEASURED_FOR);
    let end = probing.status();

    assert_lanes(&probing, &end);
    assert_direct_probes(&probing, &before, &end, &leaders);
    end.assert_balances();
    assert_eq!(probing.findings_so_far(), [], "{}", probing.prober.stderr());
    let ready = probing.prober.http_get("/readyz").expect("the page is served");
    assert_eq!(ready.status, 200);
    probing.stop();
    assert_exported(&sink, cluster);
}

#[track_caller]
fn assert_lanes(probing: &RunningProber, end: &Status) {
    for (view, least, rate) in [(end, 295, "five"), (&end.client(), 118, "two")] {
        for broker in [1, 2, 3] {
            assert_eq!(view.bad(broker), 0, "broker {broker}: {}", probing.prober.stderr());
            assert!(least <= view.outcome(broker, "end_to_end", "good"), "{rate} a second for {MEASURED_FOR:?}");
            assert_eq!(view.outcome(broker, "produce", "missed"), 0);
        }
        assert_eq!(view.unknown("produce", "error"), 0);
        for anomaly in ANOMALIES {
            assert_eq!(view.anomaly(anomaly), 0, "{anomaly}");
        }
    }
}

#[track_caller]
fn assert_direct_probes(probing: &RunningProber, before: &Status, end: &Status, leaders: &[i32]) {
    for broker in [1, 2, 3] {
        for (probe, least) in LEAST {
            let good_events = end.outcome(broker, probe, "good") - before.outcome(broker, probe, "good");
            assert!(least <= good_events, "{probe} at broker {broker}: {good_events} in {MEASURED_FOR:?}");
            assert_eq!(end.outcome(broker, probe, "missed"), 0, "{probe} at broker {broker}");
        }
        let (before, end) = (before.coordinator(), end.coordinator());
        let rows = || end.rows().filter(|row| row["view"] == "coordinator").collect::<Vec<_>>();
        assert_eq!(end.bad(broker), 0, "broker {broker} as a coordinator: {:#?}\n{}", rows(), probing.prober.stderr());
        if !leaders.contains(&broker) {
            continue;
        }
        let good_events = end.outcome(broker, "commit", "good") - before.outcome(broker, "commit", "good");
        assert!(
            LEAST_COMMITS <= good_events,
            "commit at broker {broker}: {good_events} in {MEASURED_FOR:?}, one every 2 s"
        );
    }
    assert_eq!([1, 2, 3].map(|broker| end.state(broker)), [Some("ok"); 3]);
    let controller = [before, end].map(|status| status.cluster().outcome(CLUSTER, "controller", "good"));
    assert!(controller[0] + LEAST_OF_CONTROLLER <= controller[1], "one every 10 s: {controller:?}");
    assert_eq!(end.cluster().bad_in(CLUSTER, "controller"), 0, "{}", probing.prober.stderr());
    assert_eq!(end.blocked_probes(), [""; 0], "no probe is blocked");
}

/// The counts of the last export are those of the topics, and only good but for what was in flight at the end.
#[track_caller]
fn assert_exported(sink: &OtlpSink, cluster: &Cluster) {
    assert_export_balances(sink, &["1", "2", "3"]);
    for (view, topic) in [("broker", TOPIC), ("client", REPLICATED)] {
        let sent = sink.sum("kafka_prober.attempts.sent", &[("view", view), ("probe", "produce")]);
        let truth = read_topic(cluster, topic);
        assert_eq!(truth.records as f64, sent, "{topic} has every sent record once");
        assert_eq!(truth.distinct, truth.records);
    }
    for (view, probe) in ["broker", "client"].into_iter().flat_map(|view| PROBES.map(|probe| (view, probe))) {
        let of = |outcome| sink.sum("kafka_prober.events", &[("view", view), ("probe", probe), ("outcome", outcome)]);
        let all = sink.sum("kafka_prober.events", &[("view", view), ("probe", probe)]);
        assert!(0.0 < all, "{probe} of the {view} view was exported");
        assert_eq!(of("good") + of("void"), all, "{probe}: attempts in flight at the end are void, all others good");
        assert!(of("void") <= 6.0, "{probe}");
    }
}
