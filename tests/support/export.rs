//! Checks that the counts exported over OTLP add up.

use super::{COORDINATOR, DIRECT, PROBES};
use crate::harness::otlp::OtlpSink;

/// After the final export, `due` of every series is the sum of its outcomes. Each of `brokers` was written to in the broker view.
#[track_caller]
pub(crate) fn assert_export_balances(sink: &OtlpSink, brokers: &[&str]) {
    let of_records = ["broker", "client"].into_iter().flat_map(|view| PROBES.map(|probe| (view, probe)));
    let of_brokers = DIRECT.map(|probe| ("broker", probe)).into_iter();
    let series: Vec<_> = of_records.chain(of_brokers).chain(COORDINATOR.map(|probe| ("coordinator", probe))).collect();
    for broker in brokers {
        let written =
            sink.sum("kafka_prober.attempts.due", &[("view", "broker"), ("broker", broker), ("probe", "produce")]);
        assert!(0.0 < written, "no write to broker {broker} was exported");
        for (view, probe) in &series {
            let (view, probe) = (*view, *probe);
            let (label, subject) = subject_label(view, broker);
            let of = [("view", view), (label, subject.as_str()), ("probe", probe)];
            let due = sink.sum("kafka_prober.attempts.due", &of);
            let counted = sink.sum("kafka_prober.events", &of);
            assert_eq!(due, counted, "{probe} of the {view} view at broker {broker}");
        }
    }
    let of = [("view", "cluster"), ("probe", "controller")];
    let due = sink.sum("kafka_prober.attempts.due", &of);
    assert_eq!(due, sink.sum("kafka_prober.events", &of), "controller");
}

/// The label of a view's series of this broker. Partition 0 of the replicated lane prefers broker 1, and so on.
pub(crate) fn subject_label(view: &str, broker: &str) -> (&'static str, String) {
    match broker.parse::<i32>() {
        Ok(id) if view == "client" => ("partition", (id - 1).to_string()),
        Err(_) if view == "client" => ("partition", broker.to_owned()),
        _ => ("broker", broker.to_owned()),
    }
}
