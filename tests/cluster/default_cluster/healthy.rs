//! Three healthy brokers, default settings: every event is good, in both views.

use std::time::Duration;

use crate::harness::otlp::OtlpSink;
use crate::harness::shared_cluster;
use crate::support::{ANOMALIES, PROBES, REPLICATED, RunningProber, TOPIC, assert_export_balances, elapse, read_topic};

#[test]
fn healthy_cluster_has_no_bad_event_from_the_first_start_on() {
    let Some(cluster) = shared_cluster() else { return };
    let sink = OtlpSink::grpc();
    let mut probing = RunningProber::start(&cluster.bootstrap(), Some(&sink), &[], &[]);
    probing.wait_good(&[1, 2, 3]);
    elapse(Duration::from_secs(60));
    let status = probing.status();
    for (view, least, rate) in [(&status, 295, "five"), (&status.client(), 118, "two")] {
        for broker in [1, 2, 3] {
            assert_eq!(view.bad(broker), 0, "broker {broker}: {}", probing.prober.stderr());
            assert!(least <= view.outcome(broker, "end_to_end", "good"), "{rate} a second for 60 s");
            assert_eq!(view.outcome(broker, "produce", "missed"), 0);
        }
        assert_eq!(view.unknown("produce", "error"), 0);
        for anomaly in ANOMALIES {
            assert_eq!(view.anomaly(anomaly), 0, "{anomaly}");
        }
    }
    assert_eq!(status.number("/prober/imbalances"), 0.0);
    assert_eq!(probing.findings_so_far(), [], "{}", probing.prober.stderr());
    let ready = probing.prober.http_get("/readyz").expect("the page is served");
    assert_eq!(ready.status, 200);

    probing.stop();
    assert_export_balances(&sink, &["1", "2", "3"]);
    for (view, topic) in [("broker", TOPIC), ("client", REPLICATED)] {
        let sent = sink.sum("kafka_prober.attempts.sent", &[("view", view), ("probe", "produce")]);
        let truth = read_topic(&cluster, topic);
        assert_eq!(truth.records as f64, sent, "{topic} has every sent record once");
        assert_eq!(truth.distinct, truth.records);
    }
    for (view, probe) in ["broker", "client"].into_iter().flat_map(|view| PROBES.map(|probe| (view, probe))) {
        let of_probe = [("view", view), ("probe", probe)];
        let of = |outcome| sink.sum("kafka_prober.events", &[of_probe[0], of_probe[1], ("outcome", outcome)]);
        let all = sink.sum("kafka_prober.events", &of_probe);
        assert_eq!(of("good") + of("void"), all, "{probe}: attempts in flight at the end are void, all others good");
        assert!(of("void") <= 6.0, "{probe}");
    }
}
