//! Three brokers, default settings, nothing wrong: every event is good from the first on.

use std::time::Duration;

use crate::harness::otlp::OtlpSink;
use crate::harness::shared_cluster;
use crate::support::{PROBES, Probing, TOPIC, assert_export_balances, let_pass, topic_truth};

#[test]
fn healthy_cluster_has_no_bad_event_from_first_start_on() {
    let Some(cluster) = shared_cluster() else { return };
    let sink = OtlpSink::grpc();
    let mut probing = Probing::start(&cluster.bootstrap(), Some(&sink), &[], &[]);
    probing.wait_good(&[1, 2, 3]);
    let_pass(Duration::from_secs(60));
    let status = probing.status();
    for broker in [1, 2, 3] {
        assert_eq!(status.bad(broker), 0, "broker {broker}: {}", probing.prober.stderr());
        assert!(295 <= status.outcome(broker, "end_to_end", "good"), "five a second for 60 s");
        assert_eq!(status.outcome(broker, "produce", "missed"), 0);
    }
    assert_eq!(status.unknown("produce", "error"), 0);
    assert_eq!(status.number("/prober/imbalances"), 0.0);
    for anomaly in ["lost", "duplicate", "reordered", "corrupt", "late", "foreign", "unacked_but_seen"] {
        assert_eq!(status.anomaly(anomaly), 0, "{anomaly}");
    }
    let ready = probing.prober.http_get("/readyz").expect("the page is served");
    assert_eq!(ready.status, 200);

    probing.stop();
    assert_export_balances(&sink, &["1", "2", "3"]);
    let sent = sink.sum("kafka_prober.attempts", &[("probe", "produce"), ("state", "sent")]);
    let truth = topic_truth(&cluster, TOPIC);
    assert_eq!(truth.records as f64, sent, "every record sent stands in the topic, once");
    assert_eq!(truth.distinct, truth.records);
    for probe in PROBES {
        let of = |outcome| sink.sum("kafka_prober.events", &[("probe", probe), ("outcome", outcome)]);
        let all = sink.sum("kafka_prober.events", &[("probe", probe)]);
        assert_eq!(of("good") + of("void"), all, "{probe}: what was in flight at the end is void, the rest good");
        assert!(of("void") <= 6.0, "{probe}");
    }
}
