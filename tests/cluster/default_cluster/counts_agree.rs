//! The same counts in four places: the ledger (status page), `/metrics`, the OTLP export, and the topic itself.

use std::time::Duration;

use crate::harness::otlp::OtlpSink;
use crate::harness::{shared_cluster, wait_for};
use crate::support::{
    DIRECT, PROBES, REPLICATED, RunningProber, TOPIC, broker_of, create_lane_topics, elapse, read_topic, subject_label,
};

#[test]
fn every_count_is_the_same_in_all_four_places() {
    let Some(cluster) = shared_cluster() else { return };
    create_lane_topics(&cluster);
    let sink = OtlpSink::http();
    // Slow enough that nothing is in flight for seconds at a time, so that counts can be compared exactly.
    let env = [
        ("KAFKA_PROBER__LANES__PINNED__INTERVAL", "6s"),
        ("KAFKA_PROBER__LANES__REPLICATED__INTERVAL", "6s"),
        ("KAFKA_PROBER__PROBES__FETCH__INTERVAL", "30s"),
        ("KAFKA_PROBER__PROBES__METADATA__INTERVAL", "30s"),
        ("KAFKA_PROBER__PROBES__CONNECT__INTERVAL", "30s"),
        ("KAFKA_PROBER__PROBES__COMMIT__ENABLED", "false"),
        ("KAFKA_PROBER__PROBES__TRANSACTION__ENABLED", "false"),
        ("KAFKA_PROBER__PROBES__CONTROLLER__ENABLED", "false"),
        ("KAFKA_PROBER__OTLP__INTERVAL", "200ms"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
    ];
    let mut probing = RunningProber::start(&cluster.bootstrap(), Some(&sink), &[], &env);
    probing.wait_good(&[1, 2, 3]);
    let agreed =
        wait_for(Duration::from_secs(90), "a moment without attempts in flight, while all four are read", || {
            let before = probing.status();
            let exports = sink.exports();
            if before.in_flight() != 0 {
                return None;
            }
            // The page is at most 1 s old, an export 200 ms.
            wait_for(Duration::from_secs(5), "two more exports", || (exports + 7 <= sink.exports()).then_some(()));
            let metrics = probing.prober.metrics();
            let written = [TOPIC, REPLICATED].map(|topic| read_topic(&cluster, topic).records as u64);
            // The page is up to 100 ms old, and has to include what was written just before the topic was read.
            elapse(Duration::from_millis(500));
            let after = probing.status();
            let quiet = after.in_flight() == 0 && before.rows().eq_by_counts(after.rows());
            quiet.then_some((after, metrics, written))
        });
    let (status, metrics, written) = agreed;
    let mut compared = 0;
    let client = status.client();
    let of_broker = PROBES.into_iter().chain(DIRECT).map(|probe| ("broker", &status, probe));
    let series: Vec<_> = of_broker.chain(PROBES.map(|probe| ("client", &client, probe))).collect();
    for broker in [1, 2, 3] {
        for (view, status, probe) in &series {
            let (view, status, probe) = (*view, *status, *probe);
            let (about, name) = subject_label(view, &broker.to_string());
            for outcome in ["good", "slow", "error", "timeout", "void"] {
                let labels = [("view", view), (about, name.as_str()), ("probe", probe), ("outcome", outcome)];
                let ledger = status.outcome(broker, probe, outcome) as f64;
                if sink.sum("kafka_prober.events", &labels) != ledger {
                    panic!("{labels:?}: the ledger has {ledger}, OTLP {}", sink.sum("kafka_prober.events", &labels));
                }
                assert_eq!(metrics.sum("kafka_prober_events_total", &labels), ledger, "/metrics, {labels:?}");
                compared += 1;
            }
            let of = [("view", view), (about, name.as_str()), ("probe", probe)];
            let durations = sink.store().histogram("kafka_prober.duration", &of).map_or(0, |found| found.count);
            assert_eq!(durations, status.outcome(broker, probe, "good"), "{of:?}");
            let on_page = metrics.sum("kafka_prober_duration_seconds_count", &of);
            assert_eq!(on_page, durations as f64, "{of:?}");
        }
    }
    assert_eq!(compared, 135);
    for ((view, topic), written) in [(&status, TOPIC), (&client, REPLICATED)].into_iter().zip(written) {
        let good: u64 = [1, 2, 3].iter().map(|broker| view.outcome(*broker, "produce", "good")).sum();
        assert_eq!(written, good, "{topic}");
    }
    probing.stop();
}

/// Compares the counts of two status pages, without the fields that change with time.
trait EqByCounts<'a>: Iterator<Item = &'a serde_json::Value> + Sized {
    fn eq_by_counts(self, other: impl Iterator<Item = &'a serde_json::Value>) -> bool {
        let counts =
            |row: &'a serde_json::Value| (&row["view"], broker_of(row), &row["probe"], &row["due"], &row["outcomes"]);
        self.map(counts).eq(other.map(counts))
    }
}

impl<'a, I: Iterator<Item = &'a serde_json::Value>> EqByCounts<'a> for I {}
